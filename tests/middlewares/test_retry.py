"""Retry in a real crawl: what passes by itself is had in the end, and what does not says why."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest
from scrapy import Request
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError, IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.circuit import THRESHOLD, Circuit
from crawlers.middlewares.holds import Holds
from crawlers.middlewares.outcomes import Failed, Postponed
from crawlers.middlewares.retry import RetryMiddleware
from tests.crawl import crawl
from tests.server import Asked, Reply, Site

QUICK = {"RETRY_BACKOFF": 0.02}


def build(**circuit: float) -> tuple[RetryMiddleware, Holds, Circuit]:
    holds, health = Holds(), Circuit(**circuit)
    return RetryMiddleware(health, holds), holds, health


def leased(path: str = "1", lease: int = 1) -> Request:
    return Request(f"http://a/{path}", meta={"gristmill_lease": lease})


def fail(retry: RetryMiddleware, request: Request, exception: Exception | None = None) -> float | None:
    """Seconds until the request comes back; None where it is given up."""
    before = time.time()
    try:
        asyncio.run(retry.process_exception(request, exception or DownloadTimeoutError()))
    except Postponed as exc:
        return exc.until - before
    return None


def test_a_leased_request_is_postponed_with_growing_waits_until_it_is_given_up() -> None:
    retry, _, health = build(backoff=1, backoff_max=4)
    health.answered("a", "x")
    waits = []
    while (wait := fail(retry, leased())) is not None:
        waits.append(wait)
        health.answered("a", "x")
    assert len(waits) == 8
    assert waits[0] < 1.5 < waits[2]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408, 522, 524])
def test_statuses_that_may_pass_are_tried_again(status: int) -> None:
    retry, _, _ = build()
    with pytest.raises(Postponed, match=f"http-{status}"):
        asyncio.run(retry.process_response(leased(), Response("http://a/1", status=status)))


@pytest.mark.parametrize("status", [200, 304, 404, 403, 410, 451, 501])
def test_other_statuses_are_answers(status: int) -> None:
    retry, _, _ = build()
    response = Response("http://a/1", status=status)
    assert asyncio.run(retry.process_response(leased(), response)) is response


def test_a_page_that_is_broken_is_given_up_sooner_than_a_host_that_is_busy() -> None:
    def given_up_after(status: int) -> int:
        retry, _, health = build()
        health.answered("a", "x")
        for n in range(20):
            health.answered("a", "x")
            try:
                asyncio.run(retry.process_response(leased(), Response("http://a/1", status=status)))
            except Postponed:
                continue
            return n
        raise AssertionError

    assert (given_up_after(500), given_up_after(503)) == (2, 5)


def test_what_does_not_pass_by_itself_is_not_tried_again() -> None:
    retry, _, _ = build()
    for exception in (IgnoreRequest("x"), ValueError("x"), Failed("trap")):
        assert asyncio.run(retry.process_exception(leased(), exception)) is None


def test_dont_retry_and_other_schemes_are_let_alone() -> None:
    retry, _, _ = build()
    exempt = Request("http://a/", meta={"dont_retry": True})
    response = Response("http://a/", status=503)
    assert asyncio.run(retry.process_response(exempt, response)) is response
    assert asyncio.run(retry.process_exception(exempt, DownloadTimeoutError())) is None
    table = Request("sql://table/1")
    assert asyncio.run(retry.process_exception(table, DownloadTimeoutError())) is None
    assert asyncio.run(retry.process_response(table, response)) is response
    retry.process_request(table)


def test_requests_of_a_host_that_is_down_wait_together() -> None:
    retry, holds, _ = build(backoff=10)
    waits = [fail(retry, leased(str(n), n)) for n in range(THRESHOLD + 3)]
    left = holds.left("a")
    assert left is not None
    assert left[1] == "host-down"
    assert all(wait == pytest.approx(left[0], abs=0.5) for wait in waits[THRESHOLD:])


def test_an_answer_ends_the_window_of_a_host_that_was_down() -> None:
    retry, holds, _ = build(backoff=10)
    for n in range(THRESHOLD):
        fail(retry, leased(str(n), n))
    assert holds.left("a")
    asyncio.run(retry.process_response(leased(), Response("http://a/1")))
    assert holds.left("a") is None


def test_requests_to_a_host_that_was_given_up_fail_at_once_with_its_reason() -> None:
    retry, _, _ = build(outage=0)
    for n in range(THRESHOLD):
        fail(retry, leased(str(n), n), CannotResolveHostError())
    retry.process_request(leased("probe"))
    with pytest.raises(Failed, match="has not answered for") as caught:
        retry.process_request(leased("next"))
    assert caught.value.reason == "dns"
    retry.process_request(Request("http://b/"))


def test_a_window_that_the_host_asked_for_is_longer_than_the_backoff() -> None:
    retry, holds, _ = build()
    holds.hold("a", 100, "retry-after")
    with pytest.raises(Postponed) as caught:
        asyncio.run(retry.process_response(leased(), Response("http://a/1", status=429)))
    assert caught.value.until == pytest.approx(time.time() + 100, abs=2)


def test_a_request_without_a_lease_waits_and_is_sent_again() -> None:
    retry, _, _ = build(backoff=0.05)
    request = Request("http://a/1", meta={"x": 1})
    again = asyncio.run(retry.process_exception(request, DownloadTimeoutError()))
    assert isinstance(again, Request)
    assert (again.url, again.dont_filter, again.meta["x"]) == ("http://a/1", True, 1)


def test_off_means_off() -> None:
    with pytest.raises(NotConfigured, match="RETRY_ENABLED"):
        RetryMiddleware.from_crawler(get_crawler(settings_dict={"RETRY_ENABLED": False}))


# --- in a crawl -------------------------------------------------------------------------------------------------------


def test_every_page_of_a_flaky_site_is_had_with_few_requests() -> None:
    with Site(pages=150, seed=3) as site:
        site.flaky = 0.2
        urls = [url.replace("127.0.0.1", "flaky.test") for url in site.urls()]
        settings = {**QUICK, "TEST_HOSTS": {"flaky.test": [["127.0.0.1"]]}, "TEST_DNS_FAILURES": 0.05}
        result = crawl(urls, settings)
        assert [end.status for end in result.ends] == [200] * len(urls)
        assert len(site.log) / len(urls) <= 1.6


def test_an_outage_is_survived() -> None:
    with Site(pages=200, latency=0.01) as site:
        with site.outage(3.4, after=40):
            result = crawl(site.urls(), {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.01})
        assert [end.status for end in result.ends] == [200] * len(site.urls())
        assert result.stats["retry/count"] >= 1


@pytest.mark.parametrize(
    ("path", "reason", "requests"),
    [("/status/500", "http-500", 3), ("/cut", "cut", 7), ("/garbage", "bad-answer", 3), ("/status/404", "http-404", 1)],
)
def test_what_never_passes_is_given_up_with_its_reason(site: Site, path: str, reason: str, requests: int) -> None:
    result = crawl([site.url(path)], QUICK)
    assert result.ends[0].reason == reason
    assert len(site.asked(path)) == requests


def test_half_of_a_compressed_page_is_tried_again(site: Site) -> None:
    whole = gzip.compress(b" ".join(b"%d" % n for n in range(5000)))
    packed = [("Content-Encoding", "gzip")]
    never = site.add("/never", whole[:-100], headers=packed)
    answers = iter([whole[:99], whole[:-50]])
    later = site.add("/later", lambda asked: Reply(200, next(answers, whole), headers=packed))
    once = crawl([never], {**QUICK, "RETRY_ENABLED": False})
    first, second = crawl([later, never], QUICK).ends
    assert (first.status, once.ends[0].reason, second.reason) == (200, "cut", "cut")
    assert [len(site.asked(path)) for path in ("/never", "/later")] == [1 + 7, 3]


def test_statuses_that_pass_are_tried_until_they_do(site: Site) -> None:
    answers = iter([503, 500, 429])

    def sometimes(asked: Asked) -> Reply:
        return Reply(next(answers, 200), b"x")

    url = site.add("/sometimes", sometimes)
    assert crawl([url], {**QUICK, "SLOWDOWN_MAX": 0}).ends[0].status == 200
    assert len(site.asked("/sometimes")) == 4
