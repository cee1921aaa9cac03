"""Links from the web to what is not the web."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.outcomes import marked
from crawlers.middlewares.schemes import SchemeMiddleware


def verdict(page: str | None, target: str) -> str | None:
    middleware = SchemeMiddleware.from_crawler(get_crawler())
    response = None if page is None else Response(page)
    mark = marked(middleware.get_processed_request(Request(target), response))
    return mark[0] if mark else None


@pytest.mark.parametrize("target", ["file:///etc/passwd", "data:,x", "ftp://a/", "sql://table/1", "folder://data/x"])
@pytest.mark.parametrize("page", ["http://a/", "https://a/"])
def test_a_web_page_leads_to_the_web_only(page: str, target: str) -> None:
    assert verdict(page, target) == "forbidden-scheme"


@pytest.mark.parametrize(
    ("page", "target"),
    [("http://a/", "https://b/"), (None, "sql://table/1"), (None, "folder://x"), ("sql://table/1", "sql://table/2")],
)
def test_other_requests_are_let_through(page: str | None, target: str) -> None:
    assert verdict(page, target) is None
