"""When to try again, and when to stop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.circuit import THRESHOLD, Circuit


def down(circuit: Circuit, host: str = "a", now: float = 0.0, reason: str = "refused") -> None:
    for n in range(THRESHOLD):
        circuit.failed(host, f"request {n}", reason, now)


def tries(circuit: Circuit, limit: int, host: str = "a", request: str = "r") -> list[float]:
    waits = []
    while (wait := circuit.retry_in(host, request, limit)) is not None:
        waits.append(wait)
    return waits


def test_one_request_is_tried_a_limited_number_of_times() -> None:
    circuit = Circuit()
    circuit.answered("a", "other")
    waits = tries(circuit, 8)
    assert len(waits) == 8
    assert sum(waits) >= 31  # a 30 s outage of everything is survived by a single request
    assert circuit.retry_in("a", "r", 8) is not None  # given up means forgotten


def test_waits_double_up_to_the_limit_and_jitter_only_prolongs() -> None:
    waits = tries(Circuit(backoff=1, backoff_max=8), 6)
    for wait, least in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert least <= wait <= least * 1.25


def test_while_the_host_answers_others_a_request_is_tried_often() -> None:
    circuit = Circuit()
    circuit.answered("a", "x")
    waits = []
    while (wait := circuit.retry_in("a", "r", 8)) is not None:
        waits.append(wait)
        circuit.answered("a", "x")
    assert len(waits) == 8
    assert max(waits) <= 4


def test_an_answer_ends_the_count() -> None:
    circuit = Circuit()
    circuit.answered("a", "x")
    for _ in range(20):
        assert circuit.retry_in("a", "r", 2) is not None
        circuit.answered("a", "r")


def test_a_host_that_never_answered_is_tried_less_and_an_unknown_name_least() -> None:
    circuit = Circuit()
    circuit.failed("a", "r", "refused", 0)
    circuit.failed("b", "r", "dns", 0)
    assert len(tries(circuit, 8, "a")) == 6
    assert len(tries(circuit, 8, "b")) == 4


def test_several_requests_that_fail_in_a_row_mean_the_host_is_down() -> None:
    circuit = Circuit()
    for n in range(THRESHOLD):
        assert not circuit.is_down("a")
        circuit.failed("a", f"request {n}", "reset", n)
    assert circuit.is_down("a")
    assert circuit.answered("a", "request 1")
    assert not circuit.is_down("a")
    assert not circuit.answered("a", "request 2")


def test_one_request_that_always_fails_does_not_mean_the_host_is_down() -> None:
    circuit = Circuit()
    for n in range(50):
        circuit.failed("a", "the same", "reset", n)
    assert not circuit.is_down("a")
    assert circuit.given_up("a", 1e9) is None


def test_pauses_grow_until_the_host_answers() -> None:
    circuit = Circuit(backoff=1, backoff_max=30)
    pauses = [circuit.pause("a") for _ in range(6)]
    assert all(least <= pause <= least * 1.25 for pause, least in zip(pauses, [1, 2, 4, 8, 16, 30], strict=True))
    down(circuit)
    circuit.answered("a", "r")
    assert circuit.pause("a") <= 1.25


@pytest.mark.parametrize(
    ("answered", "reason", "patience"), [(True, "reset", 600), (False, "refused", 40), (False, "dns", 10)]
)
def test_a_host_is_given_up_after_its_patience(reason: str, patience: float, *, answered: bool) -> None:
    circuit = Circuit()
    if answered:
        circuit.answered("a", "x")
    down(circuit, now=100, reason=reason)
    assert circuit.given_up("a", 100 + patience - 1) is None
    assert circuit.given_up("a", 100 + patience) == reason
    assert circuit.silent_for("a", 100 + patience) == patience


def test_a_host_that_was_given_up_is_probed_once_a_minute() -> None:
    circuit = Circuit()
    down(circuit)
    assert [circuit.may_probe("a", now) for now in (1000, 1001, 1059, 1060, 1061)] == [True, False, False, True, False]


def test_the_first_failure_after_an_answer_begins_a_new_outage() -> None:
    circuit = Circuit()
    down(circuit, now=0)
    circuit.answered("a", "r")
    down(circuit, now=5000)
    assert circuit.given_up("a", 5001) is None


def test_memory_is_bounded() -> None:
    circuit = Circuit()
    for n in range(10_100):
        circuit.failed(f"host{n}", "r", "dns", 0)
    assert len(circuit._hosts) <= 10_000
    for n in range(100_100):
        circuit.retry_in("a", f"r{n}", 3)
    assert len(circuit._tries) <= 100_000


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=60))
def test_waits_are_always_positive_and_bounded(events: list[tuple[bool, int]]) -> None:
    circuit = Circuit(backoff_max=30)
    for now, (answered, request) in enumerate(events):
        if answered:
            circuit.answered("a", str(request))
            continue
        circuit.failed("a", str(request), "reset", now)
        wait = circuit.pause("a") if circuit.is_down("a") else circuit.retry_in("a", str(request), 8)
        assert wait is None or 0 < wait <= 30 * 1.25
