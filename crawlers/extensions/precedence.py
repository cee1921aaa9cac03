"""Precedence: when nothing more comes, looks again at duplicates that were decided by who came first.

Most are decided rightly when they arrive (:mod:`crawlers.pipelines.deduplicate`). What is left are those that met a
record which was not committed yet, and those whose record has given way, or is gone, since. Each of them is taken
through the pipelines again as it was stored, without a request, until none is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import DontCloseSpider, NotConfigured

from crawlers.items import from_dict
from crawlers.ledger import precedence, records, rejections
from crawlers.ledger.database import database_url, open_database
from crawlers.ledger.session import CRAWL, READMIT
from crawlers.pipelines.deduplicate import DeduplicatePipeline
from crawlers.pipelines.manager import RESUME_AT

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from sqlalchemy import Connection

    from crawlers.ledger.database import Database
    from crawlers.ledger.session import Session

logger = logging.getLogger(__name__)

_POLL = 0.5


class PrecedenceExtension:
    """Keeps an idle spider open until each duplicate names a kept record that precedes it.

    Where several workers share the crawl one of them does this, and the others wait for it.

    Args:
        crawler: whose spider is about to close.

    Settings:
        DEDUP_ENABLED, IMAGE_DUPLICATES, GRISTMILL_MODE: in `readmit` the user says what is looked at again.

    Stats:
        gristmill/precedence/again: records that were taken through the pipelines again.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._round: asyncio.Task[None] | None = None
        self._left: list[tuple[str, str]] = []
        self._compared = False
        self._settled = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PrecedenceExtension:
        """Be there where records are stored in a ledger."""
        settings = crawler.settings
        if settings["SCHEDULER"] != "crawlers.ledger.scheduler.LedgerScheduler":
            raise NotConfigured("expected SCHEDULER = 'crawlers.ledger.scheduler.LedgerScheduler'")
        if settings.get("GRISTMILL_MODE") == READMIT:
            raise NotConfigured("readmit looks at what it is told to, and at nothing else")
        extension = cls(crawler)
        crawler.signals.connect(extension.spider_idle, signals.spider_idle)
        return extension

    def spider_idle(self) -> None:
        """Everything that was found is committed: begin a round, or let the spider close where nothing was left."""
        scheduler: Any = self._crawler.engine._slot.scheduler  # type: ignore[union-attr]
        if self._settled or scheduler.failed is not None:
            return
        if self._round is None:
            self._round = asyncio.get_running_loop().create_task(self._look())
        raise DontCloseSpider

    async def _look(self) -> None:
        """One round. Its records are committed by the next time the spider is idle."""
        scheduler: Any = self._crawler.engine._slot.scheduler  # type: ignore[union-attr]
        try:
            with contextlib.closing(self._open()) as database:
                mine, found = await asyncio.to_thread(database.run, _survey, scheduler.session)
                if found == self._left:
                    self._complain()
                    found = []
                if found and not mine:
                    await asyncio.sleep(_POLL)
                    return
                self._left = found
                again = [record_id for record_id, _ in found] or self._clashes(scheduler.session, mine)
                self._settled = not again
                await self._again(database, again)
        except Exception as exc:  # whatever it is, the spider must not be held open for ever
            scheduler.stop(exc)
        finally:
            self._round = None
            self._wake()

    def _open(self) -> Database:
        settings = self._crawler.settings
        return open_database(database_url(settings), timeout=settings.getfloat("LEDGER_TIMEOUT"))

    def _complain(self) -> None:
        if self._left:
            logger.warning(
                "%d duplicates of %s name a record that is not kept or does not precede them, and were rejected for it "
                "again: `scrapy rejected` lists them", len(self._left), self._crawler.spidercls.name,
            )  # fmt: skip

    def _clashes(self, session: Session, mine: bool) -> list[str]:
        """What several workers kept of one text; asked once, when nothing else is left."""
        deduplicate = self._crawler.get_item_pipeline(DeduplicatePipeline)
        if not mine or self._compared or deduplicate is None:
            return []
        self._compared = True
        return deduplicate.clashes(session.crawl_id)

    async def _again(self, database: Database, ids: list[str]) -> None:
        """Take records through the pipelines one after the other, in the order of their precedence."""
        engine: Any = self._crawler.engine
        for record_id in ids:
            if engine._slot is None or engine._slot.closing:
                return
            with database.read() as conn:
                rejection = rejections.get(conn, record_id)
                data = records.get(conn, record_id) if rejection is None else rejection["record"]
            if data is None:
                continue
            record = from_dict(data)
            record.cache[RESUME_AT] = "deduplicate" if rejection is None else rejection["stage"]
            await engine.scraper.start_itemproc_async(record, response=None)
            self._crawler.stats.inc_value("gristmill/precedence/again")

    def _wake(self) -> None:
        slot: Any = self._crawler.engine._slot  # type: ignore[union-attr]
        if slot is not None and not slot.closing:
            slot.nextcall.schedule()


def _survey(conn: Connection, session: Session) -> tuple[bool, list[tuple[str, str]]]:
    """Whether this worker is the one to look again; and what is misplaced.

    What the source no longer gives is marked gone first: its copies may take its place.
    """
    frontier = session.frontier
    counts = frontier.counts(conn)
    if session.mode == CRAWL and not counts["pending"] and not counts["leased"]:
        records.mark_gone(conn, session.crawl_id)
    return frontier.is_first(conn), precedence.misplaced(conn, session.source, session.crawl_id)
