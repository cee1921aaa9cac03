"""The downloader: Scrapy's own, with a limit on the requests to one host that holds.

Scrapy 2.19 starts each download as a task, and counts it only when the task begins to run. By then its loop has
started all that waited in the host's queue, so that ``CONCURRENT_REQUESTS_PER_DOMAIN`` limits nothing (16 at a time
measured where 1 was set).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.core.downloader import Downloader

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scrapy import Request
    from scrapy.core.downloader import Slot
    from scrapy.http import Response
    from twisted.internet.defer import Deferred


class SlotDownloader(Downloader):
    """Counts a download when it is taken from the queue.

    Settings:
        CONCURRENT_REQUESTS, CONCURRENT_REQUESTS_PER_DOMAIN, DOWNLOAD_DELAY, DOWNLOAD_SLOTS: as in Scrapy.

    Stats:
        None.
    """

    def _wait_for_download(
        self, slot: Slot, request: Request, queue_dfd: Deferred[Response]
    ) -> Coroutine[Any, Any, None]:
        # This much runs at once; what is returned runs as a task, later.
        slot.transferring.add(request)
        return super()._wait_for_download(slot, request, queue_dfd)
