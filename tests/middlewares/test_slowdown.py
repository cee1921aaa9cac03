"""Busy hosts are asked less often."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.core.downloader import Slot
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.slowdown import SlowdownMiddleware
from tests.crawl import crawl
from tests.server import Asked, Reply, Site


def build(longest: float = 10.0, step: float = 1.0, **slot: Any) -> tuple[SlowdownMiddleware, Slot]:
    crawler = get_crawler()
    open_slot = Slot(8, slot.get("delay", 0.0), 0.0)
    downloader = SimpleNamespace(slots={"a": open_slot}, per_slot_settings={"a": slot} if slot else {}, _delay=0.0)
    crawler.engine = SimpleNamespace(downloader=downloader)  # type: ignore[assignment]
    ticks = itertools.count(step=step)
    return SlowdownMiddleware(crawler, longest=longest, clock=lambda: next(ticks)), open_slot


def answers(middleware: SlowdownMiddleware, *statuses: int) -> None:
    for status in statuses:
        response = Response("http://a/", status=status)
        assert middleware.process_response(Request("http://a/", meta={"download_slot": "a"}), response) is response


def test_the_delay_doubles_with_each_refusal_up_to_the_limit() -> None:
    middleware, slot = build()
    answers(middleware, 429)
    first = slot.delay
    answers(middleware, 503)
    assert slot.delay == 2 * first > 0
    answers(middleware, *[429] * 20)
    assert slot.delay == 10


def test_refusals_of_requests_that_were_sent_together_count_once() -> None:
    middleware, slot = build(step=0.1)
    answers(middleware, *[429] * 8)
    first = slot.delay
    answers(middleware, *[429] * 8)
    assert slot.delay == 2 * first > 0


def test_it_falls_with_each_success_back_to_where_it_was() -> None:
    middleware, slot = build()
    answers(middleware, 429, 429, 200)
    assert slot.delay == pytest.approx(0.36)
    answers(middleware, *[200] * 50)
    assert slot.delay == 0
    assert middleware._extra == {}


def test_it_never_falls_below_what_was_asked_for() -> None:
    middleware, slot = build(delay=1.0)
    answers(middleware, 429, *[200] * 50)
    assert slot.delay == 1.0


def test_other_answers_and_other_requests_change_nothing() -> None:
    middleware, slot = build()
    answers(middleware, 200, 404, 500)
    middleware.process_response(Request("sql://a/1"), Response("sql://a/1", status=429))
    assert slot.delay == 0


def test_zero_means_off() -> None:
    with pytest.raises(NotConfigured, match="SLOWDOWN_MAX"):
        SlowdownMiddleware.from_crawler(get_crawler(settings_dict={"SLOWDOWN_MAX": 0}))


def test_a_site_that_bears_few_requests_gets_few_and_gives_all(site: Site) -> None:
    recent: list[float] = []

    def limited(asked: Asked) -> Reply:
        recent[:] = [at for at in recent if at > asked.at - 1]
        if len(recent) >= 12:
            return Reply(429)
        recent.append(asked.at)
        return Reply(200, b"x")

    urls = [site.add(f"/limited/{n}", limited) for n in range(40)]
    result = crawl(urls, {"RETRY_BACKOFF": 0.3})
    assert sum(end.status == 200 for end in result.ends) == 40
    assert len(site.asked("/limited")) <= 2 * 40
