"""Retry-After: a host that says when to come back is left alone until then (RFC 9110 section 10.2.3)."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawlers.middlewares.holds import Holds, holds_of, host_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

REASON = "retry-after"
_STATUSES = frozenset({429, 503})
_SKEW = 3.0


def seconds_of(value: bytes | str, now: float) -> float | None:
    """Seconds from *now* (Unix seconds) that a Retry-After value asks for; None where it cannot be read.

    A date in the past is 0. Both forms of the standard are taken, and seconds with a fraction besides.
    """
    text = value.decode("latin-1").strip() if isinstance(value, bytes) else value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
            seconds = when.timestamp() - now
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _now_of(response: Response) -> float:
    """The time by the clock that a date in Retry-After was read from: the server's, where it differs from ours."""
    now = time.time()
    with suppress(ValueError, TypeError, OverflowError):
        theirs = parsedate_to_datetime((response.headers.get("Date") or b"").decode("latin-1")).timestamp()
        if abs(theirs - now) > _SKEW:
            return theirs
    return now


class RetryAfterMiddleware:
    """Opens a window in which no request goes to the host.

    The window opens with the signal that an answer has arrived, because right after it the downloader sends the next
    request of the host's queue; an answer takes longer to reach the middlewares. The request itself is given back by
    RetryMiddleware.

    Args:
        holds: the crawl's registry of windows.
        longest: seconds; a longer wait is cut to it.
        stats: collector with ``inc_value``.

    Settings:
        RETRY_AFTER_MAX: seconds a host can make us wait at most (3600). 0: Retry-After is not read.

    Stats:
        retry_after/windows, retry_after/unreadable, retry_after/cut
    """

    def __init__(self, holds: Holds, *, longest: float = 3600.0, stats: Any = None) -> None:
        self._holds = holds
        self._longest = longest
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryAfterMiddleware:
        """Read the settings."""
        longest = crawler.settings.getfloat("RETRY_AFTER_MAX", 3600.0)
        if longest <= 0:
            raise NotConfigured("RETRY_AFTER_MAX is 0: set it to seconds to honour Retry-After")
        self = cls(holds_of(crawler), longest=longest, stats=crawler.stats)
        crawler.signals.connect(self.response_downloaded, signal=signals.response_downloaded)
        return self

    def response_downloaded(self, response: Response, request: Request) -> None:
        """Open the window that a 429 or 503 asks for."""
        if response.status not in _STATUSES:
            return
        value = response.headers.get("Retry-After")
        if value is None:
            return
        seconds = seconds_of(value, _now_of(response))
        if seconds is None:
            self._count("retry_after/unreadable")
            return
        if seconds > self._longest:
            self._count("retry_after/cut")
            logger.warning(
                "%s asks for a pause of %.0f s, cut to RETRY_AFTER_MAX=%.0f", host_of(request), seconds, self._longest
            )
            seconds = self._longest
        self._holds.hold(host_of(request), seconds, REASON)
        self._count("retry_after/windows")

    def _count(self, key: str) -> None:
        if self._stats is not None:
            self._stats.inc_value(key)
