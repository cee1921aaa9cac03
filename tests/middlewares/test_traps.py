"""Endless parts of a site in a crawl: most of the budget goes to the real pages."""

from __future__ import annotations

import pytest
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from crawlers.middlewares.traps import TrapGateMiddleware, TrapMiddleware
from tests.crawl import crawl
from tests.server import Site


def test_traps_take_little_and_all_real_pages_are_had() -> None:
    with Site(pages=300) as site:
        start = site.add(
            "/start",
            "".join(f'<a href="{path}">x</a>' for path in ("/", "/calendar/2024/1", "/variants?a=1", "/deeper/")),
        )
        result = crawl([start], follow=True)
        fetched = [end.url for end in result.ends if not end.reason]
        assert set(site.urls()) <= set(fetched)
        assert len(fetched) - len(site.urls()) - 1 <= 200
        assert {end.reason for end in result.ends} == {"", "trap"}
        assert result.stats["traps/patterns"] >= 2


def test_every_link_has_an_end(site: Site) -> None:
    result = crawl([site.url("/calendar/2024/1")], follow=True)
    urls = [end.requested for end in result.ends]
    assert len(urls) == len(set(urls)) == result.stats["scheduler/enqueued"]


@pytest.mark.parametrize("cls", [TrapMiddleware, TrapGateMiddleware])
def test_zero_means_off(cls: type[TrapMiddleware] | type[TrapGateMiddleware]) -> None:
    with pytest.raises(NotConfigured, match="TRAP_PAGES"):
        cls.from_crawler(get_crawler(settings_dict={"TRAP_PAGES": 0}))


def test_both_sides_share_what_they_know() -> None:
    crawler = get_crawler()
    assert TrapMiddleware.from_crawler(crawler)._patterns is TrapGateMiddleware.from_crawler(crawler)._patterns
