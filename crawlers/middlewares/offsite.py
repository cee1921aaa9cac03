"""Offsite: a request outside the spider's domains is not sent, and is recorded as skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.downloadermiddlewares.offsite import OffsiteMiddleware as ScrapyOffsiteMiddleware
from scrapy.exceptions import IgnoreRequest

from crawlers.middlewares.outcomes import Skipped

if TYPE_CHECKING:
    from scrapy import Request, Spider


class OffsiteMiddleware(ScrapyOffsiteMiddleware):
    """Scrapy's own rule, with an outcome in the ledger.

    Scrapy drops such requests before the scheduler sees them, so that they leave no trace. Here they enter the
    frontier like any other and end there as ``skipped``, reason ``offsite``.

    Settings:
        ``allowed_domains`` of the spider; ``allow_offsite`` in a request's meta.

    Stats:
        offsite/domains, offsite/filtered: as Scrapy counts them.
    """

    def request_scheduled(self, request: Request, spider: Spider) -> None:
        """Let the scheduler record the request first."""

    def process_request(self, request: Request, spider: Spider | None = None) -> None:
        """Skip what is outside."""
        try:
            super().process_request(request)
        except IgnoreRequest as exc:
            raise Skipped("offsite", str(exc)) from exc
