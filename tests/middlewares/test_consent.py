"""Headers and robots.txt that refuse use for AI, in a crawl."""

from __future__ import annotations

import pytest

from crawlers.middlewares.robots import META_RIGHTS
from tests.crawl import crawl
from tests.server import Site

REFUSING = ["X-Robots-Tag=noai", "TDM-Reservation=1", "Content-Signal=ai-train=no", "X-Robots-Tag=noindex,%20noimageai"]


@pytest.mark.parametrize("header", REFUSING)
def test_an_answer_that_refuses_is_skipped(site: Site, header: str) -> None:
    result = crawl([site.url(f"/headers?{header}")])
    (end,) = result.ends
    assert (end.kind, end.reason, end.status) == ("Skipped", "opt-out", 200)
    assert "AI_OPTOUT_POLICY=flag" in end.detail
    assert result.stats["consent/refused"] == 1


@pytest.mark.parametrize("header", REFUSING)
def test_it_is_kept_and_noted_where_the_policy_says_so(site: Site, header: str) -> None:
    (end,) = crawl([site.url(f"/headers?{header}")], {"AI_OPTOUT_POLICY": "flag"}).ends
    assert end.status == 200
    (signal,) = end.meta[META_RIGHTS]["signals"]
    assert signal[2] is True


@pytest.mark.parametrize(
    "header", ["X-Robots-Tag=noindex", "TDM-Reservation=0", "Content-Signal=ai-train=yes", "X=noai"]
)
def test_other_answers_are_used(site: Site, header: str) -> None:
    (end,) = crawl([site.url(f"/headers?{header}")]).ends
    assert end.status == 200


def test_what_robots_txt_refuses_to_ai_is_not_even_asked_for(site: Site) -> None:
    site.robots = "User-agent: *\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /item/\n"
    result = crawl([site.url("/item/1"), site.url("/list/2")])
    assert result.of(site.url("/item/1")).reason == "opt-out"
    assert "gptbot" in result.of(site.url("/item/1")).detail
    assert result.of(site.url("/list/2")).status == 200
    assert not site.asked("/item")


def test_a_signal_is_noted_once_however_often_it_is_read(site: Site) -> None:
    request = {"url": site.url("/headers?TDM-Reservation=1"), "meta": {META_RIGHTS: {"robots": "x", "signals": []}}}
    (end,) = crawl([request], {"AI_OPTOUT_POLICY": "flag", "ROBOTSTXT_OBEY": False}).ends
    assert end.meta[META_RIGHTS] == {"robots": "x", "signals": [["tdm-header", "1", True]]}
