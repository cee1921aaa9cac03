"""Garbage collection: rarer while a crawl runs, because a page makes many objects and hardly any of them a cycle.

Python looks for cycles after every 700 new containers; a page makes thousands, all gone by reference counting a moment
later. What start-up made is set aside for good, and the youngest generation may grow before it is looked at.

Twisted's asyncio reactor keeps the timers that were cancelled, three for each page, until the next one fires, and in a
crawl that is the first download's time-out. So a timer of ours fires every second.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.utils.reactor import is_reactor_installed

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

_TIMERS = 1.0


class CollectorExtension:
    """Sets the thresholds of Python's cycle collector for the time of the crawl, and has old timers thrown away.

    Args:
        threshold: new containers before the youngest generation is looked at. 0: Python's own.

    Settings:
        GC_THRESHOLD: containers; 0 leaves Python's own thresholds.

    Stats:
        None.
    """

    def __init__(self, threshold: int) -> None:
        self._threshold = threshold
        self._before = gc.get_threshold()
        self._timer: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CollectorExtension:
        """Read the settings."""
        extension = cls(crawler.settings.getint("GC_THRESHOLD"))
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Set aside what is there and raise the thresholds; begin with the timer."""
        if self._threshold > 0:
            gc.collect()
            gc.freeze()
            gc.set_threshold(self._threshold, 20, 20)
        self._fire()

    def spider_closed(self) -> None:
        """Put everything back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._threshold > 0:
            gc.set_threshold(*self._before)
            gc.unfreeze()

    def _fire(self) -> None:
        if not is_reactor_installed():
            return  # without Twisted's reactor there are none of its timers
        from twisted.internet import reactor

        later: Any = reactor
        self._timer = later.callLater(_TIMERS, self._fire)
