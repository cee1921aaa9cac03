"""Sources that are read here and not fetched from a host: each piece is a request all the same.

A page of a table or a part of a file is a request of a scheme of our own (``sql:``, ``folder:``), answered by the
spider itself on a thread. So pieces are leased, settled, captured and refined like web pages, and a kill costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import scrapy
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.http import Response
from scrapy.utils.asyncio import run_in_thread

from crawlers.sources.base import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

LINES = "application/x-ndjson"


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

    def piece_url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Address of a piece. It names the source, never where the data really is."""
        suffix = f"?{urlencode(query)}" if query else ""
        return f"{self.scheme}://{self.name.replace('_', '-')}/{path}{suffix}"

    def piece_request(self, path: str, query: Mapping[str, str] | None = None) -> scrapy.Request:
        """A request for a piece."""
        return scrapy.Request(self.piece_url(path, query), callback=self.parse, meta={"allow_offsite": True})

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read a piece; runs on a thread. OSError and GristmillError become the request's failure."""
        raise NotImplementedError

    def following(self, response: Response) -> scrapy.Request | None:
        """The request for the piece after *response*, or None."""
        query = response.headers.get("X-Following")
        if query is None:
            return None
        return self.piece_request(urlsplit(response.url).path[1:], dict(parse_qsl(query.decode(), True)))


class PieceDownloadHandler(BaseDownloadHandler):
    """Scrapy's download handler for the schemes of piece sources.

    Settings:
        DOWNLOAD_HANDLERS: which schemes it answers.

    Stats:
        None.
    """

    lazy = True

    async def download_request(self, request: scrapy.Request) -> Response:
        """Ask the spider for the piece."""
        spider: Any = self.crawler.spider
        parts = urlsplit(request.url)
        piece = await run_in_thread(spider.read_piece, parts.path[1:], dict(parse_qsl(parts.query, True)))
        headers = {"Content-Type": piece.content_type, **piece.headers}
        if piece.following is not None:
            headers["X-Following"] = urlencode(piece.following)
        return Response(request.url, headers=headers, body=piece.body, request=request)
