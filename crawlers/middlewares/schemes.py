"""Schemes: what a page from the network links to must be on the network too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.spidermiddlewares.base import BaseSpiderMiddleware

from crawlers.middlewares.outcomes import mark

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

_WEB = ("http:", "https:")


class SchemeMiddleware(BaseSpiderMiddleware):
    """Has requests from a web page to any other scheme skipped: ``file:``, ``data:``, our own ``sql:`` and ``folder:``.

    What a spider asks for in its start, and what it asks for on a page of its own scheme, is not concerned.

    Settings:
        None.

    Stats:
        None of its own; counted as guard/skipped/forbidden-scheme when the request comes to its turn.
    """

    def get_processed_request(self, request: Request, response: Response | None) -> Request:
        """Mark *request* where it leaves the web."""
        if response is not None and not request.url.startswith(_WEB) and response.url.startswith(_WEB):
            scheme = request.url.partition(":")[0]
            return mark(
                request, "forbidden-scheme", f"expected http or https on a page of {response.url}, got {scheme}:"
            )
        return request
