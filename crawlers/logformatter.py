"""What the log says that Scrapy would say louder: a failed request on one line, a component that is not needed as a fact."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from scrapy.logformatter import LogFormatter

from crawlers.middlewares.outcomes import reason_of
from crawlers.report.figures import printable, public

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.logformatter import LogFormatterResult
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)
_core, _scraper = logging.getLogger("scrapy.core.engine"), logging.getLogger("scrapy.core.scraper")


class _NotNeeded(logging.Filter):
    """Components that say why they are off are no warning: a crawl without keywords needs no keywords pipeline."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.WARNING and str(record.msg).startswith("Disabled %(clspath)s"):
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


_not_needed = _NotNeeded()


class GristmillLogFormatter(LogFormatter):
    """Scrapy's, but for downloads that fail: they are part of every crawl, and the ledger has each with its reason.

    The traceback is still there, at level DEBUG. And components that are off are told at level INFO; `scrapy flow`
    shows them.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Made before any component is, which is when Scrapy tells which of them are off."""
        logging.getLogger("scrapy.middleware").addFilter(_not_needed)
        return cls()

    def crawled(self, request: Request, response: Response, spider: Spider) -> LogFormatterResult | None:  # type: ignore[override]
        """A line for an answer, where anybody would see it."""
        return super().crawled(request, response, spider) if _core.isEnabledFor(logging.DEBUG) else None

    def scraped(self, item: Any, response: Response | Failure | None, spider: Spider) -> LogFormatterResult | None:  # type: ignore[override]
        """A line for a record, where anybody would see it."""
        return super().scraped(item, response, spider) if _scraper.isEnabledFor(logging.DEBUG) else None

    def download_error(
        self, failure: Failure, request: Request, spider: Spider, errmsg: str | None = None
    ) -> LogFormatterResult:
        """Say on one line which URL failed and why."""
        reason, detail = reason_of(failure.value)
        logger.info("%s failed: %s (%s)", _line(request.url), reason, _line(detail or errmsg))
        result = super().download_error(failure, request, spider, errmsg)
        result["level"] = logging.DEBUG
        return result


def _line(text: Any) -> str:
    return printable(public(str(text or "no details")))
