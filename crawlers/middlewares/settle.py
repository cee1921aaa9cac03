"""Settle: opens the page for those who work on its behalf, and writes down its answer.

The outermost spider middleware: from here on, whatever the callback yields finds the page's settlement through
``crawlers.ledger.settlement.current``, in this task and in those that it starts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from scrapy.exceptions import NotConfigured

from crawlers.hashing import sha256
from crawlers.ledger.settlement import Answer, Settlement, current

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

_KEPT_HEADERS = (
    b"Content-Type", b"Content-Language", b"ETag", b"Last-Modified", b"Date", b"Link", b"X-Robots-Tag",
    b"TDM-Reservation", b"TDM-Policy", b"Content-Signal", b"Content-Usage",
)  # fmt: skip

RIGHTS = "gristmill-rights"
"""Name under which a page's headers carry what was known of its rights when it was fetched."""


class SettleMiddleware:
    """Notes status, validators and body of each answer in its settlement.

    Args:
        crawler: whose scheduler holds the settlements.
        capture: whether bodies are kept.
        capture_max_bytes: bodies larger than this are not kept.

    Settings:
        CAPTURE_ENABLED, CAPTURE_MAX_BYTES

    Stats:
        gristmill/captures/skipped: bodies too large to be kept.
    """

    def __init__(self, crawler: Crawler, *, capture: bool = True, capture_max_bytes: int = 10 * 1024 * 1024) -> None:
        self._crawler = crawler
        self._capture = capture
        self._max = capture_max_bytes

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SettleMiddleware:
        """Read the settings."""
        settings = crawler.settings
        if settings["SCHEDULER"] != "crawlers.ledger.scheduler.LedgerScheduler":
            raise NotConfigured("expected SCHEDULER = 'crawlers.ledger.scheduler.LedgerScheduler'")
        return cls(
            crawler,
            capture=settings.getbool("CAPTURE_ENABLED"),
            capture_max_bytes=settings.getint("CAPTURE_MAX_BYTES"),
        )

    def process_spider_input(self, response: Response) -> None:
        """Make the page's settlement the current one."""
        engine = self._crawler.engine
        settlement = engine.scheduler.settlement_of(response.request)  # type: ignore[union-attr]
        current.set(settlement)
        if settlement is None:
            return
        settlement.status = response.status
        settlement.gone = response.status in {404, 410}
        if 200 <= response.status < 300:
            settlement.answer = self._answer(response, settlement)

    def _answer(self, response: Response, settlement: Settlement) -> Answer | None:
        lease = settlement.lease
        if lease is None or "gristmill_replayed" in response.flags:
            return None
        headers = response.headers
        body = response.body if self._capture else None
        if body is not None and len(body) > self._max:
            self._crawler.stats.inc_value("gristmill/captures/skipped")
            body = None
        kept = {
            name.decode().lower(): [v.decode("latin-1") for v in headers.getlist(name)]
            for name in _KEPT_HEADERS
            if name in headers
        }
        rights = response.meta.get("gristmill_rights")
        if rights:
            kept[RIGHTS] = [orjson.dumps(rights).decode()]  # what robots.txt said then; refine has no other way to know
        return Answer(
            fingerprint=lease.fingerprint.partition(":")[0],
            url=response.url,
            status=response.status,
            headers=orjson.dumps(kept).decode(),
            encoding=getattr(response, "_encoding", None),
            etag=_first(kept, "etag"),
            last_modified=_first(kept, "last-modified"),
            request=lease.payload,
            fetched_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            body_sha256=sha256(body) if body is not None else None,
            body=None if "gristmill_not_modified" in response.flags else body,
        )


def _first(headers: dict[str, list[str]], name: str) -> str | None:
    values = headers.get(name)
    return values[0] if values else None
