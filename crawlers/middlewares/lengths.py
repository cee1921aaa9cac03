"""Lengths: URLs that are too long and links that are too deep are recorded and skipped, not dropped in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.spidermiddlewares.depth import DepthMiddleware as ScrapyDepthMiddleware
from scrapy.spidermiddlewares.urllength import UrlLengthMiddleware as ScrapyUrlLengthMiddleware

from crawlers.middlewares.outcomes import mark

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response


class UrlLengthMiddleware(ScrapyUrlLengthMiddleware):
    """Scrapy's limit on the length of a URL, with an outcome in the ledger (``url-too-long``).

    Settings:
        URLLENGTH_LIMIT: characters.

    Stats:
        None of its own; counted as guard/skipped/url-too-long.
    """

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        """Mark *request* where its URL is too long."""
        if len(request.url) <= self.maxlength:
            return request
        # The ledger is no place for a megabyte of URL: what is kept of it is enough to find its origin.
        detail = f"expected at most URLLENGTH_LIMIT={self.maxlength} characters, got {len(request.url)}"
        shortened: Any = request.replace(url=request.url[: self.maxlength])
        return mark(shortened, "url-too-long", detail)


class DepthMiddleware(ScrapyDepthMiddleware):
    """Scrapy's count of the links from the start to a page, and its limit, with an outcome (``too-deep``).

    Settings:
        DEPTH_LIMIT, DEPTH_PRIORITY, DEPTH_STATS_VERBOSE: as in Scrapy.

    Stats:
        request_depth_max, request_depth_count/<n>: as Scrapy counts them.
    """

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        """Count, and mark *request* where it is too deep."""
        if super().get_processed_request(request, response) is None:
            detail = f"expected at most DEPTH_LIMIT={self.maxdepth} links from the start, got {request.meta['depth']}"
            return mark(request, "too-deep", detail)
        return request
