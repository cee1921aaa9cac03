"""Slowdown: a host that says it is busy is asked less often, and little by little as often as before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_BUSY = frozenset({429, 503})
_FIRST, _FACTOR, _RECOVERY = 0.2, 2.0, 0.9
_ROUND = 1.0


class SlowdownMiddleware:
    """Doubles the delay between two requests to a host with a 429 or 503; takes a tenth off it with each success.

    Refusals that come within a second count as one: they answer requests that were sent together. The delay never
    falls below what DOWNLOAD_DELAY, DOWNLOAD_SLOTS or robots.txt ask for.

    Args:
        crawler: whose downloader is slowed down.
        longest: seconds between two requests at most.
        clock: seconds, monotonic.

    Settings:
        SLOWDOWN_MAX: seconds between two requests at most (10). 0: off.

    Stats:
        slowdown/count
    """

    def __init__(self, crawler: Crawler, *, longest: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._crawler = crawler
        self._longest = longest
        self._clock = clock
        self._extra: dict[str, float] = {}
        self._refused_at: dict[str, float] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SlowdownMiddleware:
        """Read the settings."""
        longest = crawler.settings.getfloat("SLOWDOWN_MAX", 10.0)
        if longest <= 0:
            raise NotConfigured("SLOWDOWN_MAX is 0: set it to seconds to slow down for busy hosts")
        return cls(crawler, longest=longest)

    def process_response(self, request: Request, response: Response) -> Response:
        """Adjust the delay of the host's slot."""
        key = request.meta.get("download_slot")
        if key is None or (response.status not in _BUSY and key not in self._extra):
            return response
        extra = self._extra.get(key, 0.0)
        if response.status in _BUSY:
            now = self._clock()
            if now - self._refused_at.get(key, -_ROUND) < _ROUND:
                return response
            self._refused_at[key] = now
            extra = min(self._longest, max(_FIRST, extra * _FACTOR))
            if self._crawler.stats is not None:
                self._crawler.stats.inc_value("slowdown/count")
        else:
            extra *= _RECOVERY
        self._apply(key, extra)
        return response

    def _apply(self, key: str, extra: float) -> None:
        assert self._crawler.engine is not None
        downloader: Any = self._crawler.engine.downloader
        floor = float(downloader.per_slot_settings.get(key, {}).get("delay", downloader._delay))
        slot = downloader.slots.get(key)
        if extra < _FIRST / 4:
            self._extra.pop(key, None)
            self._refused_at.pop(key, None)
            extra = 0.0
        else:
            self._extra[key] = extra
        if slot is not None:
            slot.delay = max(floor, extra)
