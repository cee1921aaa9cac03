"""The parent never dies of what a worker is given, and never waits for long."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from crawlers.sandbox import MEGABYTE, Sandbox, Verdict

HERE = "tests.test_sandbox"


def length(body):
    return len(body)


def name_of_process(body):
    return os.getpid()


def sleep(body):
    time.sleep(60)


def burn(body):
    while True:
        pass


def environment(body):
    return sorted(os.environ)


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


def test_another_worker_is_started_only_where_those_that_are_there_are_busy_for_long(monkeypatch):
    sandbox = Sandbox(workers=2)

    def workers_of(function):
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda _: sandbox.call(f"{HERE}:{function}", b""), range(12)))

    try:
        monkeypatch.setattr("crawlers.sandbox._WORTH_WAITING", 60)
        assert len(workers_of("name_of_process")) == 1
        monkeypatch.setattr("crawlers.sandbox._WORTH_WAITING", 0.05)
        assert len(workers_of("name_after_a_nap")) == 2
    finally:
        sandbox.close()


def test_those_that_wait_for_a_worker_that_dies_get_another(sandbox):
    def outcome(function):
        try:
            return sandbox.call(f"{HERE}:{function}", b"abc")
        except Verdict as verdict:
            return verdict.slug

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(outcome, ["die", "length"] * 3)) == ["crash", 3] * 3


@pytest.mark.parametrize(
    ("function", "slug"), [("eat", "memory"), ("die", "crash"), ("leave", "crash"), ("fail", "unreadable")]
)
def test_whatever_happens_is_a_verdict_and_the_next_call_works(sandbox, function, slug):
    with pytest.raises(Verdict) as caught:
        sandbox.call(f"{HERE}:{function}", b"x")
    assert caught.value.slug == slug
    assert sandbox.call(f"{HERE}:length", b"abc") == 3


def test_a_call_that_computes_too_long_is_killed():
    sandbox = Sandbox(seconds=1)
    try:
        with pytest.raises(Verdict, match="timeout: took longer than 1 s of CPU time"):
            sandbox.call(f"{HERE}:burn", b"")
        assert sandbox.call(f"{HERE}:length", b"abc") == 3
    finally:
        sandbox.close()


def test_a_call_that_does_nothing_for_too_long_is_killed():
    sandbox = Sandbox(patience=10)
    try:
        sandbox.call(f"{HERE}:length", b"")
        sandbox._patience = 0.5
        with pytest.raises(Verdict, match=r"timeout: took longer than 0\.5 s"):
            sandbox.call(f"{HERE}:sleep", b"")
        sandbox._patience = 60
        assert sandbox.call(f"{HERE}:length", b"abc") == 3
    finally:
        sandbox.close()


def test_loading_the_libraries_does_not_count(monkeypatch):
    """The first call of a worker has as much time as every other one, however long its imports take."""
    sandbox = Sandbox(seconds=1)
    try:
        for _ in range(3):
            assert sandbox.call(f"{HERE}:work_for_half_a_second", b"") == "done"
    finally:
        sandbox.close()


def work_for_half_a_second(body):
    began = time.process_time()
    while time.process_time() - began < 0.5:
        pass
    return "done"


def name_after_a_nap(body):
    time.sleep(0.2)
    return os.getpid()


def test_a_worker_does_not_load_scrapy():
    code = "import sys, crawlers.sandboxed, crawlers.extractors.pictures; print('scrapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_workers_do_not_know_our_secrets(sandbox, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:password@db.example/x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    known = sandbox.call(f"{HERE}:environment", b"")
    assert "PATH" in known
    assert not {"DATABASE_URL", "AWS_SECRET_ACCESS_KEY"} & set(known)


def test_a_function_that_is_not_there_is_said(sandbox):
    with pytest.raises(Verdict, match="crash"):
        sandbox.call(f"{HERE}:nowhere", b"")
    assert sandbox.call(f"{HERE}:length", b"abc") == 3


def test_what_libraries_print_does_not_get_between(sandbox):
    assert sandbox.call(f"{HERE}:chatter", b"") == "done"
    assert sandbox.call(f"{HERE}:length", b"abc") == 3
