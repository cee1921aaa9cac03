"""Cookies, and too many of them."""

from __future__ import annotations

from scrapy import Request
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.cookies import COOKIES_PER_DOMAIN, CookiesMiddleware


def sent(middleware: CookiesMiddleware, url: str = "http://example.com/") -> dict[str, str]:
    request = Request(url)
    middleware.process_request(request)
    header = request.headers.get("Cookie", b"").decode()
    return dict(part.split("=", 1) for part in header.split("; ") if part)


def answer(middleware: CookiesMiddleware, *cookies: str, url: str = "http://example.com/") -> Response:
    response = Response(url, headers={"Set-Cookie": list(cookies)})
    assert middleware.process_response(Request(url), response) is response
    return response


def build() -> CookiesMiddleware:
    return CookiesMiddleware.from_crawler(get_crawler())


def test_cookies_come_back() -> None:
    middleware = build()
    answer(middleware, "a=1; Path=/", "b=2")
    assert sent(middleware) == {"a": "1", "b": "2"}
    assert sent(middleware, "http://other.com/") == {}


def test_a_cookie_that_is_too_large_is_dropped() -> None:
    middleware = build()
    answer(middleware, "a=1", "big=" + "x" * 5000)
    assert sent(middleware) == {"a": "1"}
    assert middleware.crawler.stats is not None
    assert middleware.crawler.stats.get_value("cookies/dropped") == 1


def test_of_many_cookies_in_one_answer_the_first_are_kept() -> None:
    middleware = build()
    answer(middleware, *(f"c{n}=x" for n in range(1000)))
    assert set(sent(middleware)) == {f"c{n}" for n in range(COOKIES_PER_DOMAIN)}


def test_of_many_cookies_over_time_the_last_are_kept() -> None:
    middleware = build()
    for n in range(200):
        answer(middleware, f"c{n}=x")
    assert set(sent(middleware)) == {f"c{n}" for n in range(150, 200)}


def test_an_answer_without_cookies_costs_nothing() -> None:
    middleware = build()
    answer(middleware)
    assert sent(middleware) == {}
    assert middleware.jars == {None: middleware.jars[None]}


def test_jars_are_kept_apart() -> None:
    middleware = build()
    request = Request("http://example.com/", meta={"cookiejar": 1})
    middleware.process_response(request, Response(request.url, headers={"Set-Cookie": "a=1"}))
    assert sent(middleware) == {}


def test_cookies_can_be_left_out() -> None:
    middleware = build()
    request = Request("http://example.com/", meta={"dont_merge_cookies": True})
    middleware.process_response(request, Response(request.url, headers={"Set-Cookie": "a=1"}))
    assert sent(middleware) == {}
