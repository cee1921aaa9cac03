"""Retry-After: read in both forms, waited for, and no request inside the window."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.holds import Holds
from crawlers.middlewares.retryafter import RetryAfterMiddleware, seconds_of
from tests.crawl import crawl
from tests.server import Asked, Reply, Site

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("1.5", 1.5),
        ("-5", 0),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        ("Tue, 14 Nov 2023 22:14:20 +0000", 60),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("Tue, 99 Nov 99999 22:14:20 GMT", None),
    ],
)
def test_values(value: str, seconds: float | None) -> None:
    assert seconds_of(value, NOW) == seconds
    assert seconds_of(value.encode(), NOW) == seconds


@given(st.text(max_size=60))
def test_no_value_breaks_it(value: str) -> None:
    seconds = seconds_of(value, NOW)
    assert seconds is None or seconds >= 0


def answer(status: int = 429, **headers: str) -> Response:
    return Response("http://a/", status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def open_window(response: Response, longest: float = 3600) -> float | None:
    holds = Holds()
    middleware = RetryAfterMiddleware(holds, longest=longest)
    middleware.response_downloaded(response, Request("http://a/"))
    left = holds.left("a")
    return left[0] if left else None


def test_only_429_and_503_open_a_window() -> None:
    assert open_window(answer(429, Retry_After="50")) == pytest.approx(50, abs=1)
    assert open_window(answer(503, Retry_After="50")) == pytest.approx(50, abs=1)
    assert open_window(answer(301, Retry_After="50")) is None
    assert open_window(answer(429)) is None
    assert open_window(answer(429, Retry_After="whenever")) is None


def test_a_long_wait_is_cut() -> None:
    assert open_window(answer(Retry_After="86400"), longest=60) == pytest.approx(60, abs=1)


@pytest.mark.parametrize("skew", [-86_400, 86_400])
def test_a_date_is_read_by_the_server_s_clock(skew: int) -> None:
    theirs = time.time() + skew
    response = answer(Date=formatdate(theirs, usegmt=True), Retry_After=formatdate(theirs + 30, usegmt=True))
    assert open_window(response) == pytest.approx(30, abs=1.1)


def test_zero_means_off() -> None:
    with pytest.raises(NotConfigured, match="RETRY_AFTER_MAX"):
        RetryAfterMiddleware.from_crawler(get_crawler(settings_dict={"RETRY_AFTER_MAX": 0}))


@pytest.mark.parametrize("path", ["/retry-after/2", "/retry-after/2?date=1", "/retry-after/2?status=503"])
def test_no_request_goes_to_the_host_inside_the_window(site: Site, path: str) -> None:
    result = crawl([site.url(path), *site.urls()[:30]], {"CONCURRENT_REQUESTS_PER_DOMAIN": 1})
    refused, *after = [asked.at for asked in site.log if asked.at >= site.asked("/retry-after")[0].at]
    end_of_window = next(iter(site.windows.values()))
    assert min(after) >= end_of_window - 0.02  # the clocks of two processes
    assert min(after) <= end_of_window + 1
    assert refused < end_of_window
    assert [end.status for end in result.ends] == [200] * 31
    assert result.stats["retry_after/windows"] == 1


def test_requests_that_wait_in_the_host_s_queue_are_held_too(site: Site) -> None:
    until = 0.0

    def busy(asked: Asked) -> Reply | None:
        nonlocal until
        if not until:
            until = time.time() + 2
            return Reply(429, headers=[("Retry-After", "2")])
        return Reply(200, b"later")

    site.add("/busy", busy)
    settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.05, "DOWNLOAD_DELAY_JITTER": 0}
    result = crawl([site.url("/busy"), *site.urls()[:12]], settings)
    inside = [asked for asked in site.log if until - 1.95 < asked.at < until - 0.02]
    assert inside == []
    assert len(result.ends) == 13


def test_a_leased_request_comes_back_with_the_end_of_the_window(site: Site) -> None:
    result = crawl([{"url": site.url("/retry-after/30"), "meta": {"gristmill_lease": 1}}])
    (end,) = result.ends
    assert end.kind == "Postponed"
    assert end.until == pytest.approx(site.windows["/retry-after/30"], abs=1)
    assert result.seconds < 10
