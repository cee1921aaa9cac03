"""The parent never dies of what a worker is given, and never waits for long."""

from __future__ import annotations

import os
import time

import pytest

from crawlers.sandbox import MEGABYTE, Sandbox, Verdict

HERE = "tests.test_sandbox"


def length(body):
    return len(body)


def name_of_process(body):
    return os.getpid()


def sleep(body):
    time.sleep(60)


def eat(body):
    return len(bytearray(900 * MEGABYTE))


def die(body):
    os.abort()


def leave(body):
    os._exit(3)


def fail(body):
    raise KeyError("broken")


def chatter(body):
    print("hello from a library")
    os.write(1, b"and from its C part\n")
    return "done"


@pytest.fixture
def sandbox():
    sandbox = Sandbox(seconds=10, memory=256 * MEGABYTE)
    yield sandbox
    sandbox.close()


def test_results_come_back(sandbox):
    assert sandbox.call(f"{HERE}:length", b"\x00\n" * 100_000) == 200_000
    assert sandbox.call(f"{HERE}:length", b"") == 0


def test_one_worker_serves_many_calls(sandbox):
    first = sandbox.call(f"{HERE}:name_of_process", b"")
    assert first != os.getpid()
    assert sandbox.call(f"{HERE}:name_of_process", b"") == first


@pytest.mark.parametrize(
    ("function", "slug"), [("eat", "memory"), ("die", "crash"), ("leave", "crash"), ("fail", "unreadable")]
)
def test_whatever_happens_is_a_verdict_and_the_next_call_works(sandbox, function, slug):
    with pytest.raises(Verdict) as caught:
        sandbox.call(f"{HERE}:{function}", b"x")
    assert caught.value.slug == slug
    assert sandbox.call(f"{HERE}:length", b"abc") == 3


def test_a_call_that_takes_too_long_is_killed():
    sandbox = Sandbox(seconds=1.5)
    try:
        began = time.monotonic()
        with pytest.raises(Verdict, match="timeout"):
            sandbox.call(f"{HERE}:sleep", b"")
        assert time.monotonic() - began < 30
        assert sandbox.call(f"{HERE}:length", b"abc") == 3
    finally:
        sandbox.close()


def test_what_libraries_print_does_not_get_between(sandbox):
    assert sandbox.call(f"{HERE}:chatter", b"") == "done"
    assert sandbox.call(f"{HERE}:length", b"abc") == 3
