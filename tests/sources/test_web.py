"""A web source follows what belongs to the site and is wanted, once each, and hands every page to ``parse_page``."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import HtmlResponse, Response, TextResponse

from crawlers.errors import ArgumentError
from crawlers.items import Record
from crawlers.ledger.settlement import DONE, SKIPPED, Settlement, current
from crawlers.sources.web import WebSource
from crawlers.spiders.site import SiteSpider
from tests.flow import harness


class Shop(WebSource):
    name = "shop"
    start_urls = ("https://www.shop.example/",)


def page(body, url="https://www.shop.example/a/", cls=HtmlResponse, **more):
    headers = {"Content-Type": "text/html; charset=utf-8", **more.pop("headers", {})}
    return cls(url, body=body.encode(), headers=headers, request=Request(url), **more)


def links_to(*hrefs):
    return "<html><body>" + "".join(f'<a href="{href}">x</a>' for href in hrefs) + "</body></html>"


def followed(spider, *hrefs, url="https://www.shop.example/a/"):
    return [found.url for found in spider.parse(page(links_to(*hrefs), url)) if isinstance(found, Request)]


def start_of(spider):
    async def collect():
        return [request async for request in spider.start()]

    return asyncio.run(collect())


# --- which links are followed ---------------------------------------------------------------------------------------


def test_links_of_the_site_are_followed():
    found = followed(Shop(), "/b", "c", "https://shop.example/d", "https://m.shop.example/e")
    assert found == [
        "https://www.shop.example/b",
        "https://www.shop.example/a/c",
        "https://shop.example/d",
        "https://m.shop.example/e",
    ]


def test_links_to_elsewhere_are_not():
    assert (
        followed(Shop(), "https://other.example/", "https://notshop.example/", "https://shop.example.evil.example/")
        == []
    )


def test_allowed_domains_are_the_sources_own_choice():
    class Both(Shop):
        allowed_domains = ("shop.example", "cdn.example")

    assert followed(Both(), "https://cdn.example/x") == ["https://cdn.example/x"]


def test_a_link_is_handed_out_once_in_a_process():
    spider = Shop()
    assert followed(spider, "/b", "/b#top", "/b") == ["https://www.shop.example/b"]
    assert followed(spider, "/b", "/c", url="https://www.shop.example/z") == ["https://www.shop.example/c"]


def test_memory_of_what_was_handed_out_is_bounded(monkeypatch):
    monkeypatch.setattr("crawlers.sources.web._SEEN_MAX", 3)
    spider = Shop()
    for number in range(20):
        followed(spider, f"/{number}")
        assert len(spider._handed_out) <= 3


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({}, ["/news/1", "/shop/1", "/news/login"]),
        ({"follow": "/news/"}, ["/news/1", "/news/login"]),
        ({"deny": "login"}, ["/news/1", "/shop/1"]),
        ({"follow": "/news/", "deny": "login"}, ["/news/1"]),
        ({"follow": r"/\d$"}, ["/news/1", "/shop/1"]),
    ],
)
def test_patterns_choose_links(given_, expected):
    found = followed(Shop(**given_), "/news/1", "/shop/1", "/news/login")
    assert found == [f"https://www.shop.example{path}" for path in expected]


def test_patterns_of_the_class_hold_where_none_are_given():
    class News(Shop):
        follow, deny = "/news/", "login"

    assert followed(News(), "/news/1", "/shop/1", "/news/login") == ["https://www.shop.example/news/1"]
    assert followed(News(follow="/shop/"), "/news/1", "/shop/1") == ["https://www.shop.example/shop/1"]


@pytest.mark.parametrize("name", ["follow", "deny"])
def test_a_broken_pattern_is_said(name):
    with pytest.raises(ArgumentError, match=f"argument '{name}': expected a regular expression, got '\\['"):
        Shop(**{name: "["})


@given(st.lists(st.text(max_size=12), max_size=6))
def test_whatever_stands_in_a_link_the_site_is_not_left(hrefs):
    hrefs = [href.replace('"', "").replace("<", "") for href in hrefs]
    for url in followed(Shop(), *hrefs):
        assert url.startswith(("https://www.shop.example/", "http"))
        assert Request(url).url


# --- what becomes of a page -----------------------------------------------------------------------------------------


def test_a_page_is_a_record_unless_the_source_says_otherwise():
    found = [item for item in Shop().parse(page("<h1>T</h1>")) if isinstance(item, Record)]
    assert [record.key for record in found] == ["https://www.shop.example/a/"]


def test_records_come_before_links_and_callbacks_have_names():
    found = list(Shop().parse(page(links_to("/b"))))
    assert isinstance(found[0], Record)
    assert found[1].callback.__name__ == "parse"
    assert found[1].cb_kwargs == {}


def test_what_is_no_page_gives_records_and_no_links():
    response = page(links_to("/b"), cls=Response, headers={"Content-Type": "application/pdf"})
    found = list(Shop().parse(response))
    assert [type(item) for item in found] == [Record]


def test_selectors_and_extractors_read_the_same_answer():
    class Titled(Shop):
        def parse_page(self, response):
            yield self.record(response, title=response.css("h1::text").get(), fields={"n": len(response.css("a"))})

    [record, *_] = Titled().parse(page("<h1>T</h1>" + links_to("/b")))
    assert (record.title, record.fields) == ("T", {"n": 1})
    assert record.page.tree.css_first("h1").text() == "T"


# --- where it starts ------------------------------------------------------------------------------------------------


def test_without_sitemaps_it_starts_at_its_urls():
    assert [request.url for request in start_of(Shop())] == ["https://www.shop.example/"]


def test_with_sitemaps_it_asks_robots_txt_for_them():
    for spider in (Shop(sitemap="yes"), SiteSpider(url="https://www.shop.example/deep/page")):
        first, robots = start_of(spider)
        assert robots.url == "https://www.shop.example/robots.txt"
        assert robots.priority > first.priority > 0


def test_sitemaps_can_be_switched_off():
    assert len(start_of(SiteSpider(url="https://shop.example/", sitemap="no"))) == 1


def parsed(callback, response, **kwargs):
    """What a callback yields, and the settlement of its page."""
    settlement = Settlement(None)
    token = current.set(settlement)
    try:
        return list(callback(response, **kwargs)), settlement
    finally:
        current.reset(token)


def text(body, url, status=200):
    return TextResponse(url, body=body.encode(), status=status, request=Request(url))


def test_robots_txt_leads_to_the_sitemaps_it_names():
    spider = Shop()
    response = text("Sitemap: /a.xml\nSitemap: https://www.shop.example/b.xml", "https://www.shop.example/robots.txt")
    found, settlement = parsed(spider.parse_robots, response)
    assert [request.url for request in found] == ["https://www.shop.example/a.xml", "https://www.shop.example/b.xml"]
    assert (settlement.state, settlement.reason) == (DONE, "robots-file")


@pytest.mark.parametrize("status", [200, 404, 403])
def test_without_a_name_the_usual_one_is_tried(status):
    response = text("User-agent: *", "https://www.shop.example/robots.txt", status)
    found, settlement = parsed(Shop().parse_robots, response)
    assert [request.url for request in found] == ["https://www.shop.example/sitemap.xml"]
    assert status in found[0].meta["handle_httpstatus_list"] or status == 200
    assert settlement.state == (DONE if status == 200 else SKIPPED)


def sitemap(*urls, kind="url"):
    return "<urlset>" + "".join(f"<{kind}><loc>{url}</loc></{kind}>" for url in urls) + "</urlset>"


def test_a_sitemap_leads_to_wanted_pages_of_the_site():
    body = sitemap("https://shop.example/news/1", "https://shop.example/shop/1", "https://other.example/news/1")
    found, settlement = parsed(Shop(follow="/news/").parse_sitemap, text(body, "https://shop.example/s.xml"), level=1)
    assert [request.url for request in found] == ["https://shop.example/news/1"]
    assert settlement.reason == "sitemap"


def test_an_index_is_followed_three_deep_and_no_deeper():
    spider, level = Shop(), 1
    response = text(sitemap("https://shop.example/next.xml", kind="sitemap"), "https://shop.example/s.xml")
    depths = 0
    while found := parsed(spider.parse_sitemap, response, level=level)[0]:
        [request] = found
        level = request.cb_kwargs["level"]
        depths += 1
    assert depths == 2


def test_a_missing_sitemap_is_skipped_and_not_failed():
    found, settlement = parsed(Shop().parse_sitemap, text("", "https://shop.example/sitemap.xml", 404), level=1)
    assert found == []
    assert (settlement.state, settlement.reason) == (SKIPPED, "no-sitemap")


# --- in a crawl -----------------------------------------------------------------------------------------------------

PLAIN = harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])


def test_a_budget_of_pages_is_spent_on_pages(tmp_path, site):
    result = harness.run(tmp_path, "crawl", "site", "-a", f"url={site.url('/')}", "-a", "max_pages=5", *PLAIN)
    assert result.code == 0, result
    asked = [asked.route for asked in site.log]
    assert len([path for path in asked if path not in {"/robots.txt", "/sitemap.xml"}]) == 5
    harness.ledger_is_sound(tmp_path)


def test_a_sitemap_is_followed_in_a_crawl(tmp_path, site):
    site.add("/robots.txt", "User-agent: *\nSitemap: /map.xml\n", content_type="text/plain")
    site.add("/map.xml", sitemap(site.url("/orphan"), site.url("/nowhere")), content_type="application/xml")
    site.add("/orphan", "<title>Orphan</title><h1>Orphan</h1><p>Nobody links here.</p>")
    site.add("/", "<title>Home</title><p>No links.</p>")
    result = harness.run(tmp_path, "crawl", "site", "-a", f"url={site.url('/')}", *PLAIN)
    assert result.code in {0, 3}, result
    assert site.url("/orphan") in {record["url"] for record in harness.records(tmp_path, "site")}
    harness.ledger_is_sound(tmp_path)
