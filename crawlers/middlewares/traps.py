"""Traps: URLs without end are recorded and skipped before they eat the budget of a crawl (see ``barren.py``)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from scrapy import Request
from scrapy.exceptions import NotConfigured

from crawlers.middlewares.barren import BarrenPatterns, Visit
from crawlers.middlewares.outcomes import Skipped, mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)

_registries: WeakKeyDictionary[Crawler, BarrenPatterns] = WeakKeyDictionary()


def _patterns_of(crawler: Crawler) -> BarrenPatterns:
    """The bookkeeping of *crawler*, shared by both middlewares."""
    found = _registries.get(crawler)
    if found is None:
        found = _registries[crawler] = _from_settings(crawler.settings)
    return found


def _from_settings(settings: BaseSettings) -> BarrenPatterns:
    pages = settings.getint("TRAP_PAGES", 30)
    if pages <= 0:
        raise NotConfigured("TRAP_PAGES is 0: set it to a number of pages to look for traps")
    return BarrenPatterns(pages, settings.getint("TRAP_REPEATS", 3), settings.getint("TRAP_SEGMENTS", 20))


class TrapMiddleware:
    """On the spider's side: watches what pages bring, and marks links that lead into a trap.

    Args:
        patterns: the crawl's bookkeeping.
        stats: collector with ``inc_value``.

    Settings:
        TRAP_PAGES: pages in a row of one URL pattern that bring nothing new (30). 0: no traps are looked for.
        TRAP_REPEATS: times that one segment may come in a path (3).
        TRAP_SEGMENTS: segments that a path may have (20).

    Stats:
        traps/patterns, traps/links
    """

    def __init__(self, patterns: BarrenPatterns, *, stats: Any = None) -> None:
        self._patterns = patterns
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> TrapMiddleware:
        """Read the settings."""
        return cls(_patterns_of(crawler), stats=crawler.stats)

    def process_spider_output(self, response: Response, result: Iterable[Any]) -> Iterable[Any]:
        """Watch the output of a callback."""
        visit = self._begin(response)
        for output in result:
            yield output if visit is None else self._watch(visit, output)
        self._end(visit)

    async def process_spider_output_async(self, response: Response, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Watch the output of a callback."""
        visit = self._begin(response)
        async for output in result:
            yield output if visit is None else self._watch(visit, output)
        self._end(visit)

    def _begin(self, response: Response) -> Visit | None:
        return self._patterns.visit(response.url, response.body) if response.url.startswith("http") else None

    def _watch(self, visit: Visit, output: Any) -> Any:
        if not isinstance(output, Request):
            visit.has_items = True
            return output
        if not output.dont_filter and output.method == "GET" and output.url.startswith("http"):
            reason = self._patterns.link(visit, output.url)
            if reason is not None:
                self._count("traps/links")
                return mark(output, "trap", reason)
        return output

    def _end(self, visit: Visit | None) -> None:
        if visit is not None and self._patterns.close(visit):
            self._count("traps/patterns")
            logger.info("Trap: %s", self._patterns.why(visit.key))

    def _count(self, key: str) -> None:
        if self._stats is not None:
            self._stats.inc_value(key)


class TrapGateMiddleware:
    """On the downloader's side: skips what was queued before its pattern turned out to be a trap.

    Args:
        patterns: the crawl's bookkeeping.

    Settings:
        TRAP_PAGES, TRAP_REPEATS, TRAP_SEGMENTS: see TrapMiddleware.

    Stats:
        None of its own.
    """

    def __init__(self, patterns: BarrenPatterns) -> None:
        self._patterns = patterns

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> TrapGateMiddleware:
        """Read the settings."""
        return cls(_patterns_of(crawler))

    def process_request(self, request: Request) -> None:
        """Skip what leads into a trap."""
        if request.url.startswith("http") and not request.dont_filter and request.method == "GET":
            reason = self._patterns.forbids(request.url)
            if reason is not None:
                raise Skipped("trap", reason)
