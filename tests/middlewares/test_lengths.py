"""URLs that are too long and links that are too deep are recorded."""

from __future__ import annotations

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.lengths import DepthMiddleware, UrlLengthMiddleware
from crawlers.middlewares.outcomes import marked
from tests.crawl import crawl
from tests.server import Site


def test_a_long_url_is_cut_and_marked() -> None:
    middleware = UrlLengthMiddleware.from_crawler(get_crawler(settings_dict={"URLLENGTH_LIMIT": 50}))
    short, long = Request("http://a/" + "x" * 41), Request("http://a/" + "x" * 42)
    assert marked(middleware.get_processed_request(short, None)) is None
    cut = middleware.get_processed_request(long, None)
    assert len(cut.url) == 50
    assert marked(cut) == ("url-too-long", "expected at most URLLENGTH_LIMIT=50 characters, got 51")


def test_a_deep_link_is_marked() -> None:
    middleware = DepthMiddleware.from_crawler(get_crawler(settings_dict={"DEPTH_LIMIT": 3}))
    page = Response("http://a/", request=Request("http://a/", meta={"depth": 2}))
    assert marked(middleware.get_processed_request(Request("http://a/1"), page)) is None
    page.meta["depth"] = 3
    deep = middleware.get_processed_request(Request("http://a/2"), page)
    assert marked(deep) == ("too-deep", "expected at most DEPTH_LIMIT=3 links from the start, got 4")


def test_every_link_of_a_crawl_has_an_end(site: Site) -> None:
    long = site.url("/" + "x" * 3000)
    start = site.add("/start", f'<a href="{long}">long</a><a href="/deeper/">deep</a>')
    result = crawl([start], {"DEPTH_LIMIT": 2}, follow=True)
    assert sorted(end.reason for end in result.ends) == ["", "", "", "too-deep", "url-too-long"]
