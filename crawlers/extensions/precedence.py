"""Precedence: when nothing more comes, looks again at duplicates that were decided by who came first.

Most are decided rightly when they arrive (:mod:`crawlers.pipelines.deduplicate`). What is left are those that met a
record which was not committed yet, and those whose record has given way, or is gone, since. Each of them is taken
through the pipelines again as it was stored, without a request, until none is left.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydispatch.dispatcher import getAllReceivers, liveReceivers  # type: ignore[import-untyped]
from scrapy import signals
from scrapy.exceptions import DontCloseSpider, NotConfigured

from crawlers.items import from_dict
from crawlers.ledger import crawls, precedence, records, rejections
from crawlers.ledger.database import SMALL_CACHE, open_ledger
from crawlers.ledger.session import CRAWL, READMIT
from crawlers.pipelines.deduplicate import DeduplicatePipeline
from crawlers.pipelines.manager import RESUME_AT

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from sqlalchemy import Connection

    from crawlers.ledger.database import Database
    from crawlers.ledger.session import Session

_POLL = 0.5


class PrecedenceExtension:
    """Keeps an idle spider open until each duplicate names a kept record that precedes it.

    Where several workers share the crawl one of them does this, and the others wait until it has left.

    Args:
        crawler: whose spider is about to close.

    Settings:
        GRISTMILL_MODE: in `readmit` the user says what is looked at again.

    Stats:
        gristmill/precedence/again: records that were taken through the pipelines again.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._round: asyncio.Task[None] | None = None
        self._left: list[tuple[str, str]] = []
        self._compared = False
        self._settled: tuple[Any, ...] | None = None

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
        engine: Any = self._crawler.engine
        if engine._start_error or engine._slot.scheduler.failed is not None or self._settled == self._written():
            return
        if self._round is None:
            self._round = asyncio.get_running_loop().create_task(self._look())
        raise DontCloseSpider

    def _written(self) -> tuple[Any, ...]:
        """Grows with all that is committed: a spider may be fed again after it was idle."""
        stats = self._crawler.stats
        names = ("settled", "records/new", "records/changed", "records/updated", "records/unchanged")
        return tuple(stats.get_value(f"gristmill/{name}", 0) for name in names)

    async def _look(self) -> None:
        """One round. Its records are committed by the next time the spider is idle."""
        scheduler: Any = self._crawler.engine._slot.scheduler  # type: ignore[union-attr]
        session: Session = scheduler.session
        try:
            with contextlib.closing(self._open()) as database:
                if not await asyncio.to_thread(database.run, _is_first, session):
                    await asyncio.sleep(_POLL)
                    return
                found = await asyncio.to_thread(database.run, _survey, session, self._is_last_word())
                again = [record_id for record_id, _ in found] if found != self._left else []
                self._left = found
                if not again:
                    again = await self._clashes(database, session)
                self._settled = None if again else self._written()
                await self._again(database, again)
        except Exception as exc:  # whatever it is, the spider must not be held open for ever
            scheduler.stop(exc)
        finally:
            self._round = None
            self._wake()

    def _open(self) -> Database:
        settings = self._crawler.settings
        return open_ledger(settings, cache=SMALL_CACHE)

    def _is_last_word(self) -> bool:
        """Whether the spider has asked for all that it will: nobody else waits for it to be idle, to feed it more."""
        listening = liveReceivers(getAllReceivers(self._crawler.signals.sender, signals.spider_idle))
        return sum(1 for _ in listening) == 1

    async def _clashes(self, database: Database, session: Session) -> list[str]:
        """What was kept twice since nobody could know; asked once, when nothing else is left."""
        itemproc: Any = self._crawler.engine.scraper.itemproc  # type: ignore[union-attr]
        stages = [stage for stage in getattr(itemproc, "middlewares", ()) if isinstance(stage, DeduplicatePipeline)]
        if self._compared or not stages:
            return []
        self._compared = True
        with database.read() as conn:
            shared = crawls.was_shared(conn, session.crawl_id)
        if not shared and not self._crawler.stats.get_value("gristmill/records/repeated"):
            return []
        return await asyncio.to_thread(stages[0].clashes, session.crawl_id)

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


def _is_first(conn: Connection, session: Session) -> bool:
    """Whether this worker is the one to look; a killed one is not waited for until its lease ends."""
    session.frontier.recover(conn)
    return session.frontier.is_first(conn)


def _survey(conn: Connection, session: Session, last_word: bool) -> list[tuple[str, str]]:
    """What is misplaced. What the source no longer gives is marked gone first: its copies may take its place."""
    counts = session.frontier.counts(conn)
    if last_word and session.mode == CRAWL and not counts["pending"] and not counts["leased"]:
        records.mark_gone(conn, session.crawl_id)
    return precedence.misplaced(conn, session.source, session.crawl_id)
