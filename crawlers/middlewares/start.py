"""Start: what a run begins with. A crawl begins with the spider's own start; refine and readmit with what is stored."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawlers.errors import READ, REFUSED, Rejected
from crawlers.items import from_dict
from crawlers.ledger import rejections
from crawlers.ledger.database import open_ledger
from crawlers.ledger.session import CRAWL, READMIT
from crawlers.pipelines.manager import RESUME_AT
from crawlers.readmission import Selection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.crawler import Crawler
    from sqlalchemy import Connection

    from crawlers.items import Record

_BACKLOG = 200


class StartMiddleware:
    """Replaces the spider's start in `refine` (nothing: the ledger has the pages) and `readmit` (rejected records).

    Args:
        crawler: whose run begins.
        mode: refine or readmit.

    Settings:
        GRISTMILL_MODE: set by the commands.

    Stats:
        None of its own.
    """

    def __init__(self, crawler: Crawler, mode: str) -> None:
        self._crawler = crawler
        self._mode = mode

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StartMiddleware:
        """Be there only where the start is to be replaced."""
        mode = crawler.settings.get("GRISTMILL_MODE", CRAWL)
        if mode == CRAWL:
            raise NotConfigured
        return cls(crawler, mode)

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Yield the records to be readmitted, or nothing."""
        if self._mode != READMIT:
            return
        settings = self._crawler.settings
        selection = Selection.from_json(settings["GRISTMILL_SELECTION"])
        database = open_ledger(settings)
        with closing(database), database.read() as conn:
            async for record in self._chosen(conn, selection):
                yield record

    async def _chosen(self, conn: Connection, selection: Selection) -> AsyncIterator[Record]:
        # The transaction sees the rejections as they were at its beginning, whatever becomes of them meanwhile.
        chosen = rejections.iterate(
            conn,
            self._crawler.spidercls.name,
            reason=selection.reason,
            stage=selection.stage,
            where=selection.matches,
        )
        for row in chosen:
            yield _again(row)
            while self._crawler.engine.scraper.slot.itemproc_size > _BACKLOG:  # type: ignore[union-attr]
                await asyncio.sleep(0.01)


def _again(row: dict[str, Any]) -> Record:
    """A rejected record on its way to the stage that refused it; what could not be read is as unreadable as before."""
    record = from_dict(row["record"])
    if row["stage"] == READ:
        record.cache[REFUSED] = Rejected(stage=READ, reason=row["reason"], detail=row["detail"] or "")
    else:
        record.cache[RESUME_AT] = row["stage"]
    return record
