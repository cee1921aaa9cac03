"""Hosts that are to be left alone until a given time, whoever said so: a Retry-After header, or too many failures.

One registry per crawl. Requests look at it twice: when they enter the downloader, and again right before they are
sent, because others may have waited in the host's queue when the answer that opened the window came.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from scrapy.utils.httpobj import urlparse_cached

from crawlers.ledger.requests import META_LEASE
from crawlers.middlewares.outcomes import Postponed

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from scrapy import Request
    from scrapy.crawler import Crawler

META_RETRY_AT = "gristmill_retry_at"


def host_of(request: Request) -> str:
    """Host and port that *request* goes to: what a site's word about itself holds for."""
    return urlparse_cached(request).netloc.rpartition("@")[2].lower()


async def wait(request: Request, until: float, reason: str, detail: str = "") -> None:
    """Give a leased request back until *until* (Unix seconds); one without a lease waits here."""
    request.meta[META_RETRY_AT] = until
    if META_LEASE in request.meta:
        raise Postponed(request, until, reason, detail)
    await asyncio.sleep(max(0.0, until - time.time()))


class Holds:
    """Host to the end of its window and the reason for it."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, float, str]] = {}

    def hold(self, host: str, seconds: float, reason: str) -> float:
        """Leave *host* alone for *seconds* from now, or longer where that was said before; returns the Unix time."""
        # The length of a window is kept by the monotonic clock: a clock that is set back must not prolong it.
        end = time.monotonic() + seconds
        held = self._windows.get(host)
        if held is None or held[0] < end:
            held = self._windows[host] = (end, time.time() + seconds, reason)
        if len(self._windows) > 10_000:
            self._drop_ended()
        return held[1]

    def release(self, host: str, reason: str) -> None:
        """End the window of *host* where it was opened for *reason*."""
        if self._windows.get(host, (0, 0, ""))[2] == reason:
            del self._windows[host]

    def left(self, host: str) -> tuple[float, str] | None:
        """Seconds that *host* is still to be left alone, and why; None where it may be asked."""
        held = self._windows.get(host)
        if held is None:
            return None
        seconds = held[0] - time.monotonic()
        if seconds <= 0:
            del self._windows[host]
            return None
        return seconds, held[2]

    @property
    def any(self) -> bool:
        """Whether there may be a window at all."""
        return bool(self._windows)

    async def respect(self, request: Request) -> None:
        """Return when *request* may be sent; raises Postponed for one that can be given back."""
        if not self._windows or not request.url.startswith(("http:", "https:")):
            return
        host = host_of(request)
        while (held := self.left(host)) is not None:
            seconds, reason = held
            await wait(request, time.time() + seconds, reason, f"{host} is left alone for {seconds:.1f} s more")

    def _drop_ended(self) -> None:
        now = time.monotonic()
        self._windows = {host: held for host, held in self._windows.items() if held[0] > now}


_registries: WeakKeyDictionary[Crawler, Holds] = WeakKeyDictionary()


def holds_of(crawler: Crawler) -> Holds:
    """The registry of *crawler*, shared by its middlewares and its download handler."""
    return _registries.setdefault(crawler, Holds())


class HoldMiddleware:
    """Keeps requests to hosts in a window from entering the downloader.

    Args:
        holds: the crawl's registry.

    Settings:
        None of its own; windows are opened by RetryAfterMiddleware and RetryMiddleware.

    Stats:
        None.
    """

    def __init__(self, holds: Holds) -> None:
        self._holds = holds

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> HoldMiddleware:
        """Share the registry of *crawler*."""
        return cls(holds_of(crawler))

    def process_request(self, request: Request) -> Awaitable[None] | None:
        """Postpone, or wait; nothing at all while no host is in a window."""
        return self._holds.respect(request) if self._holds.any else None
