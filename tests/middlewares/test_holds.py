"""Windows in which a host is left alone."""

from __future__ import annotations

import asyncio
import time

import pytest
from scrapy import Request
from scrapy.utils.test import get_crawler

from crawlers.middlewares.holds import HoldMiddleware, Holds, holds_of, host_of, wait
from crawlers.middlewares.outcomes import Postponed


def leased(url: str = "http://example.com/a") -> Request:
    return Request(url, meta={"gristmill_lease": 7})


def test_a_leased_request_is_given_back_until_the_window_ends() -> None:
    holds = Holds()
    until = holds.hold("example.com", 30, "retry-after")
    with pytest.raises(Postponed) as caught:
        asyncio.run(HoldMiddleware(holds).process_request(leased()))
    assert caught.value.reason == "retry-after"
    assert caught.value.until == pytest.approx(until, abs=0.2)
    assert caught.value.until == pytest.approx(time.time() + 30, abs=1)


def test_a_request_without_a_lease_waits_here() -> None:
    holds = Holds()
    holds.hold("example.com", 0.1, "retry-after")
    before = time.monotonic()
    request = Request("http://example.com/a")
    asyncio.run(holds.respect(request))
    assert time.monotonic() - before >= 0.09
    assert request.meta["gristmill_retry_at"] <= time.time()


@pytest.mark.parametrize("url", ["http://other.com/", "http://example.com:81/", "sql://example.com/1"])
def test_others_are_not_concerned(url: str) -> None:
    holds = Holds()
    holds.hold("example.com", 30, "retry-after")
    asyncio.run(holds.respect(leased(url)))


def test_a_longer_window_stays_and_a_longer_one_prolongs() -> None:
    holds = Holds()
    holds.hold("a", 30, "retry-after")
    holds.hold("a", 1, "host-down")
    assert holds.left("a") == (pytest.approx(30, abs=1), "retry-after")
    holds.hold("a", 60, "host-down")
    assert holds.left("a") == (pytest.approx(60, abs=1), "host-down")


def test_a_window_is_ended_only_for_its_own_reason() -> None:
    holds = Holds()
    holds.hold("a", 30, "retry-after")
    holds.release("a", "host-down")
    assert holds.left("a")
    holds.release("a", "retry-after")
    assert holds.left("a") is None
    holds.release("a", "retry-after")


def test_an_ended_window_is_forgotten() -> None:
    holds = Holds()
    holds.hold("a", 0, "retry-after")
    assert holds.left("a") is None
    assert holds._windows == {}


def test_windows_are_kept_in_bounded_number() -> None:
    holds = Holds()
    for n in range(10_050):
        holds.hold(f"host{n}", 0.0, "x")
    assert len(holds._windows) < 10_000


def test_the_host_is_host_and_port_without_credentials() -> None:
    assert host_of(Request("http://me:secret@Example.com:8080/a")) == "example.com:8080"
    assert host_of(Request("http://example.com/")) == "example.com"


def test_the_middlewares_and_the_handler_of_a_crawl_share_one_registry() -> None:
    one, two = get_crawler(), get_crawler()
    assert holds_of(one) is holds_of(one)
    assert holds_of(one) is not holds_of(two)
    assert HoldMiddleware.from_crawler(one)._holds is holds_of(one)


def test_waiting_for_a_time_that_is_past_does_not_wait() -> None:
    asyncio.run(asyncio.wait_for(wait(Request("http://a/"), time.time() - 5, "x"), 1))
