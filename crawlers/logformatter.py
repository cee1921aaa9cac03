"""What the log says about single requests: one line for one that failed, where Scrapy prints a traceback."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.logformatter import LogFormatter

from crawlers.middlewares.outcomes import reason_of
from crawlers.report.figures import printable, public

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.logformatter import LogFormatterResult
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)


class GristmillLogFormatter(LogFormatter):
    """Scrapy's, but for downloads that fail: they are part of every crawl, and the ledger has each with its reason.

    The traceback is still there, at level DEBUG.
    """

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
