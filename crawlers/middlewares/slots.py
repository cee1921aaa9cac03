"""The downloader: Scrapy's own, with a limit on the requests to one host that holds, and a leaner chain of middlewares.

Scrapy 2.19 starts each download as a task, and counts it only when the task begins to run. By then its loop has
started all that waited in the host's queue, so that ``CONCURRENT_REQUESTS_PER_DOMAIN`` limits nothing (16 at a time
measured where 1 was set).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.core.downloader import Downloader
from scrapy.utils.defer import deferred_from_coro

from crawlers.middlewares.manager import LeanMiddlewareManager

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scrapy import Request, Spider
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.internet.defer import Deferred


class SlotDownloader(Downloader):
    """Counts a download when it is taken from the queue.

    Settings:
        CONCURRENT_REQUESTS, CONCURRENT_REQUESTS_PER_DOMAIN, DOWNLOAD_DELAY, DOWNLOAD_SLOTS: as in Scrapy.

    Stats:
        None.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Scrapy names the class in the code that makes it; made anew, each middleware would be there twice.
        self.middleware.__class__ = LeanMiddlewareManager

    def fetch(self, request: Request, spider: Spider | None = None) -> Deferred[Response | Request]:
        """What the middlewares and the download handler make of *request*."""
        self.active.add(request)
        found: Deferred[Response | Request] = deferred_from_coro(
            self.middleware.download_async(self._enqueue_request, request)
        )
        return found.addBoth(self._fetched, request)

    def _fetched(self, result: Any, request: Request) -> Any:
        self.active.remove(request)
        return result

    def _wait_for_download(
        self, slot: Slot, request: Request, queue_dfd: Deferred[Response]
    ) -> Coroutine[Any, Any, None]:
        # This much runs at once; what is returned runs as a task, later.
        slot.transferring.add(request)
        return super()._wait_for_download(slot, request, queue_dfd)
