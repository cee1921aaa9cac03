"""Sources that are read here and not fetched from a host: each piece is a request all the same.

A page of a table or a part of a file is a request of a scheme of our own (``sql:``, ``folder:``), answered by the
spider itself on a thread. So pieces are leased, settled, captured and refined like web pages, and a kill costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import scrapy
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread

from crawlers.errors import GristmillError
from crawlers.ledger.requests import META_LEASE
from crawlers.ledger.session import CRAWL
from crawlers.middlewares.outcomes import Postponed
from crawlers.sources.base import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

LINES = "application/x-ndjson"
UNAVAILABLE = "source-unavailable"
"""Reason of a piece that waits for its source, and of a run that stopped because of it."""


class SourceUnavailable(GristmillError):
    """The source cannot be read now. What lies behind the piece is not known, so the crawl must not go on without it."""


@dataclass(slots=True)
class Piece:
    """What one request gives."""

    body: bytes
    content_type: str = LINES
    following: dict[str, str] | None = None
    """Query of the next piece; None after the last."""
    headers: dict[str, str] = field(default_factory=dict)


class PieceSource(Source):
    """Base of sources whose pieces are read by :meth:`read_piece`."""

    scheme = ""
    custom_settings = {"DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS_PER_DOMAIN": 2}  # noqa: RUF012

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> PieceSource:
        """Build the spider; what a crawl could not read stops here, before anything else is opened."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        assert isinstance(spider, PieceSource)
        if crawler.settings.get("GRISTMILL_MODE") == CRAWL:  # refine and readmit need nothing of the source
            spider.check()
        return spider

    def check(self) -> None:
        """Raise a GristmillError where the source cannot be read as it is described."""

    def piece_url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Address of a piece. It names the source, never where the data really is."""
        suffix = f"?{urlencode(query)}" if query else ""
        return f"{self.scheme}://{self.name.replace('_', '-')}/{path}{suffix}"

    def piece_request(self, path: str, query: Mapping[str, str] | None = None) -> scrapy.Request:
        """A request for a piece."""
        return scrapy.Request(self.piece_url(path, query), callback=self.parse, meta={"allow_offsite": True})

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read a piece; runs on a thread.

        Raises:
            SourceUnavailable: it may be there later. The piece is asked for again; in the end the run stops.
            crawlers.middlewares.outcomes.Outcome: this piece alone is skipped or has failed.
        """
        raise GristmillError(f"{self.name}: {type(self).__name__} has no method read_piece")

    def following(self, response: Response) -> scrapy.Request | None:
        """The request for the piece after *response*, or None."""
        query = response.headers.get("X-Following")
        if query is None:
            return None
        return self.piece_request(urlsplit(response.url).path[1:], dict(parse_qsl(query.decode(), True)))


class PieceDownloadHandler(BaseDownloadHandler):
    """Scrapy's download handler for the schemes of piece sources.

    A source that cannot be read is asked again, later and later. When that does not help either, the run stops with
    the piece still in the frontier: the next one goes on there, and nothing behind it is taken for gone.

    Args:
        crawler: whose spider reads the pieces.
        times: tries after the first.
        backoff: seconds before the second try; doubles with each.
        backoff_max: seconds between two tries at most.

    Settings:
        RETRY_TIMES, RETRY_BACKOFF, RETRY_BACKOFF_MAX: as for web sites.

    Stats:
        pieces/unavailable: answers that the source could not give.
    """

    lazy = True

    def __init__(self, crawler: Crawler, *, times: int = 8, backoff: float = 0.5, backoff_max: float = 30.0) -> None:
        super().__init__(crawler)
        self._times = times
        self._backoff = backoff
        self._backoff_max = backoff_max
        self._failures: dict[str, int] = {}
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PieceDownloadHandler:
        """Read the settings."""
        settings = crawler.settings
        return cls(
            crawler,
            times=settings.getint("RETRY_TIMES"),
            backoff=settings.getfloat("RETRY_BACKOFF", 0.5),
            backoff_max=settings.getfloat("RETRY_BACKOFF_MAX", 30.0),
        )

    async def download_request(self, request: scrapy.Request) -> Response:
        """Ask the spider for the piece."""
        spider: Any = self.crawler.spider
        parts = urlsplit(request.url)
        try:
            piece = await run_in_thread(spider.read_piece, parts.path[1:], dict(parse_qsl(parts.query, True)))
        except SourceUnavailable as exc:
            raise self._later(request, exc) from exc
        self._failures.pop(request.url, None)
        headers = {"Content-Type": piece.content_type, **piece.headers}
        if piece.following is not None:
            headers["X-Following"] = urlencode(piece.following)
        return Response(request.url, headers=headers, body=piece.body, request=request)

    def _later(self, request: scrapy.Request, error: SourceUnavailable) -> Exception:
        """What becomes of a piece that cannot be read now."""
        if self.crawler.stats is not None:
            self.crawler.stats.inc_value("pieces/unavailable")
        if META_LEASE not in request.meta:
            return error  # there is no frontier to give it back to
        failures = self._failures[request.url] = self._failures.get(request.url, 0) + 1
        if failures > self._times:
            self._stop(error)
            return Postponed(request, time.time(), UNAVAILABLE, str(error))
        seconds = min(self._backoff * 2 ** (failures - 1), self._backoff_max)
        logger.info("%s; tried again in %.1f s", error, seconds)
        return Postponed(request, time.time() + seconds, UNAVAILABLE, str(error))

    def _stop(self, error: SourceUnavailable) -> None:
        if self._closing is None:
            logger.error("%s. The run stops here; the same command goes on from here", error)
            closing = self.crawler.engine.close_spider_async(reason=UNAVAILABLE)
            self._closing = asyncio.get_running_loop().create_task(closing)
