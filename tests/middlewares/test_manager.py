"""The lean chain of middlewares does what Scrapy's own does: same calls, same results, same errors, same warnings."""

from __future__ import annotations

import asyncio
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request, Spider
from scrapy.core.downloader.middleware import DownloaderMiddlewareManager
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.utils.test import get_crawler
from twisted.internet.defer import fail, succeed

from crawlers.middlewares.manager import LeanMiddlewareManager

URL = "http://site.example/"


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


def say(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


WAYS = {
    "at once": say,
    "by a coroutine": later,
    "by a Deferred": lambda value: fail(value) if isinstance(value, Exception) else succeed(value),
}
VALUES = {
    "nothing": lambda: None,
    "a response": lambda: Response(URL, status=203),
    "a request": lambda: Request(URL + "other"),
    "a number": lambda: 7,
    "no answer": lambda: IgnoreRequest("no"),
    "an error": lambda: ValueError("wrong"),
}


class Told:
    """A middleware that says what it is told to, and notes what it was asked."""

    def __init__(self, log: list[str], name: str, say_: Any, **values: Any) -> None:
        self.log, self.name, self.say, self.values = log, name, say_, values

    def process_request(self, request: Request) -> Any:
        self.log.append(f"{self.name} request {request.url}")
        return self.say(self.values["request"]() if "request" in self.values else None)

    def process_response(self, request: Request, response: Response) -> Any:
        self.log.append(f"{self.name} response {response.status}")
        return self.say(self.values["response"]() if "response" in self.values else response)

    def process_exception(self, request: Request, exception: Exception) -> Any:
        self.log.append(f"{self.name} exception {exception!r}")
        return self.say(self.values["exception"]() if "exception" in self.values else None)


class OldFashioned:
    """Methods with the spider as an argument, which Scrapy still passes, with a warning."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def process_request(self, request: Request, spider: Spider) -> None:
        self.log.append(f"old request {spider.name}")

    def process_response(self, request: Request, response: Response, spider: Spider) -> Response:
        self.log.append(f"old response {spider.name}")
        return response


def outcome(manager_class: type[DownloaderMiddlewareManager], make: Any, answer: Any) -> Any:
    """All that can be told from outside of what a manager made of one request."""
    log: list[str] = []
    crawler = get_crawler()
    crawler.spider = Spider("old")

    async def download(request: Request) -> Response:
        log.append(f"download {request.url}")
        return say(answer())

    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        manager = manager_class(*make(log), crawler=crawler)
        try:
            result: Any = asyncio.run(manager.download_async(download, Request(URL)))
        except Exception as exc:
            result = exc
    told = [(str(w.message), w.category) for w in given if "Deferred" in str(w.message) or "spider" in str(w.message)]
    return type(result), getattr(result, "url", str(result)), getattr(result, "status", None), log, told


def same(make: Any, answer: Any = lambda: Response(URL)) -> Any:
    expected = outcome(DownloaderMiddlewareManager, make, answer)
    assert outcome(LeanMiddlewareManager, make, answer) == expected
    return SimpleNamespace(kind=expected[0], log=expected[3], warnings=expected[4])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("method", ["request", "response", "exception"])
@pytest.mark.parametrize("answer", ["a response", "an error", "no answer"])
def test_whatever_a_method_returns_comes_to_the_same(way: str, value: str, method: str, answer: str) -> None:
    def make(log: list[str]) -> list[Told]:
        return [
            Told(log, "first", say),
            Told(log, "second", WAYS[way], **{method: VALUES[value]}),
            Told(log, "third", later),
        ]

    same(make, VALUES[answer])


def test_a_download_that_brings_nothing_is_an_error_in_both() -> None:
    assert same(lambda log: [Told(log, "only", say)], lambda: None).kind is TypeError


def test_methods_that_ask_for_the_spider_get_it() -> None:
    found = same(lambda log: [OldFashioned(log), Told(log, "new", say)])
    assert found.log[0] == "old request old"
    assert "old response old" in found.log
    assert len(found.warnings) == 2


def test_a_deferred_is_warned_of_by_the_name_of_its_method() -> None:
    found = same(lambda log: [Told(log, "only", WAYS["by a Deferred"])])
    assert any("Told.process_request returned a Deferred" in text for text, _ in found.warnings)
