"""The source `site`: any site by its address; what a page is decides whether it is a record."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse

from crawlers.errors import ArgumentError
from crawlers.items import Record
from crawlers.spiders.site import SiteSpider
from tests.flow import harness

PROSE = (
    "<p>" + "The harbour was dredged for the first time in eleven years, and the ferry ran aground twice. " * 6 + "</p>"
)


def found_on(body, url="https://x.example/a"):
    response = HtmlResponse(url, body=body.encode(), headers={"Content-Type": "text/html"}, request=Request(url))
    return list(SiteSpider(url="https://x.example/").parse(response))


def test_an_article_is_a_record():
    found = found_on(f"<article><h1>Harbour</h1>{PROSE}</article>")
    assert [record.key for record in found if isinstance(record, Record)] == ["https://x.example/a"]


def test_a_list_is_only_the_way_to_others():
    items = "".join(f'<li class="item"><a href="/{n}">Story number {n}</a></li>' for n in range(12))
    found = found_on(f"<main><ul>{items}</ul></main>")
    assert [item.url for item in found] == [f"https://x.example/{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://a.example/", ["https://a.example/"]),
        ("https://a.example/,https://b.example/x", ["https://a.example/", "https://b.example/x"]),
        ("https://a.example/1,2,3", ["https://a.example/1,2,3"]),
        ("https://a.example/1,2,http://b.example/", ["https://a.example/1,2", "http://b.example/"]),
    ],
)
def test_where_it_starts(given, expected):
    assert SiteSpider(url=given).first_urls() == expected


@pytest.mark.parametrize(
    "given", ["example.com", "ftp://x.example/", "https://", "http://[bad", "file:///etc/passwd", "javascript:1", ""]
)
def test_what_is_no_address_of_the_web_is_refused(given):
    with pytest.raises(ArgumentError, match="argument 'url': expected http"):
        SiteSpider(url=given)


def test_it_stays_on_the_site_with_and_without_www():
    assert SiteSpider(url="https://www.x.example/,http://y.example:8000/").allowed_domains == ["x.example", "y.example"]


def test_without_a_url_it_says_what_is_missing(tmp_path):
    result = harness.run(tmp_path, "crawl", "site")
    assert result.code == 2, result
    assert "missing argument 'url' (where to start" in result.err
    assert "scrapy crawl site -a url=https://example.com/" in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("urll=https://x.example/", "did you mean 'url'"),
        ("url=x.example", "expected http://"),
        ("url=http://[bad", "expected http://… or https://…, got 'http://[bad'"),
        ("max_pages=many", "expected int, got 'many'"),
        ("follow=[", "expected a regular expression"),
        ("keywords=@/nowhere.txt", "/nowhere.txt"),
    ],
)
def test_wrong_arguments_are_wrong_use(tmp_path, argument, said):
    result = harness.run(tmp_path, "crawl", "site", "-a", "url=https://x.example/", "-a", argument)
    assert result.code == 2, result
    assert said in result.err
    assert "Traceback" not in result.err
