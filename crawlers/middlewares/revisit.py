"""Revisit: asks again only for what changed, and answers from the capture where the source says that nothing did.

A later crawl sends the ETag and Last-Modified of the earlier one. A 304 becomes the stored answer, so that callbacks
run as if the page had been sent and its links are followed; its records come out unchanged and are only touched.
In `refine` runs every answer comes from the captures and nothing is fetched at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from scrapy.exceptions import NotConfigured
from scrapy.http import Headers
from scrapy.responsetypes import responsetypes

from crawlers.ledger import captures
from crawlers.ledger.database import open_ledger
from crawlers.ledger.session import REFINE
from crawlers.middlewares.outcomes import Skipped
from crawlers.middlewares.settle import RIGHTS

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawlers.ledger.database import Database


class RevisitMiddleware:
    """Conditional requests, and replay from captures.

    Args:
        database: the ledger that holds the captures.
        source: name of the spider.
        replay: answer everything from the captures (`scrapy refine`).

    Settings:
        CAPTURE_ENABLED: without captures a 304 could not be answered, so nothing is asked conditionally.

    Stats:
        gristmill/revisit/not_modified: answers taken from the capture after a 304.
        gristmill/revisit/replayed: answers taken from the capture without asking.
    """

    def __init__(self, database: Database, source: str, stats: Any, *, replay: bool = False) -> None:
        self._database = database
        self._source = source
        self._stats = stats
        self._replay = replay

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RevisitMiddleware:
        """Read the settings."""
        settings = crawler.settings
        replay = settings.get("GRISTMILL_MODE") == REFINE
        if not replay and not settings.getbool("CAPTURE_ENABLED"):
            raise NotConfigured("CAPTURE_ENABLED is off: set it to send conditional requests")
        database = open_ledger(settings)
        return cls(database, crawler.spidercls.name, crawler.stats, replay=replay)

    def process_request(self, request: Request) -> Response | None:
        """Add the validators that the scheduler found, or answer from the capture."""
        if self._replay:
            fingerprint = request.meta.get("gristmill_fingerprint")
            return self._stored(request, "gristmill_replayed", fingerprint) if fingerprint else None
        validators = request.meta.get("gristmill_validators")
        if validators:
            etag, last_modified, _ = validators
            if etag:
                request.headers.setdefault(b"If-None-Match", etag)
            if last_modified:
                request.headers.setdefault(b"If-Modified-Since", last_modified)
        return None

    def process_response(self, request: Request, response: Response) -> Response:
        """Turn a 304 into the stored answer."""
        if response.status != 304 or "gristmill_validators" not in request.meta:
            return response
        return self._stored(request, "gristmill_not_modified", request.meta["gristmill_fingerprint"])

    def _stored(self, request: Request, flag: str, fingerprint: str) -> Response:
        with self._database.read() as conn:
            page = captures.page(conn, self._source, fingerprint)
            body = captures.load(conn, page.body_sha256) if page is not None and page.body_sha256 else None
        if page is None or body is None:
            raise Skipped("no-capture", "the stored answer is no longer in the ledger; crawl again with --fresh")
        self._stats.inc_value(f"gristmill/revisit/{flag.removeprefix('gristmill_')}")
        kept = orjson.loads(page.headers or "{}")
        rights = kept.pop(RIGHTS, None)
        if rights:
            request.meta.setdefault("gristmill_rights", orjson.loads(rights[0]))
        headers = Headers(kept)
        cls = responsetypes.from_args(headers=headers, url=page.url, body=body)
        options: dict[str, Any] = {"encoding": page.encoding} if page.encoding and hasattr(cls, "encoding") else {}
        return cls(
            page.url, status=page.status or 200, headers=headers, body=body, flags=[flag], request=request, **options
        )
