"""The limit of requests to one host, which Scrapy 2.19 does not keep."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.crawl import crawl
from tests.server import Site

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_requests_than_the_limit_are_under_way_to_a_host(limit: int) -> None:
    with Site(latency=0.03) as site:
        result = crawl(site.urls(), {"CONCURRENT_REQUESTS_PER_DOMAIN": limit, "CONCURRENT_REQUESTS": 16})
        assert site.peak == limit
        assert len(result.ends) == len(site.urls())


def test_hosts_are_counted_apart() -> None:
    with Site(latency=0.05) as one, Site(latency=0.05, host="127.0.0.77") as two:
        urls = [url for pair in zip(one.urls(), two.urls(), strict=True) for url in pair]
        crawl(urls, {"CONCURRENT_REQUESTS_PER_DOMAIN": 2})
        assert (one.peak, two.peak) == (2, 2)


def test_a_middleware_of_somebody_else_works_in_the_leaner_chain() -> None:
    with Site() as site:
        settings = {"DOWNLOADER_MIDDLEWARES": {"tests.middlewares.test_slots.Marking": 650}}
        result = crawl(site.urls()[:3], settings)
        assert [end.meta["marked"] for end in result.ends] == ["1"] * 3


class Marking:
    """A third party's middleware: one method synchronous, one a coroutine."""

    def process_request(self, request: Request) -> None:
        request.meta["marked"] = "1"

    async def process_response(self, request: Request, response: Response) -> Response:
        await asyncio.sleep(0)
        return response
