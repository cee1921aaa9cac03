"""Runs the pipelines over one record and sees to it that its fate is written down, whatever happens.

Scrapy's ``ITEM_PROCESSOR``. It differs from Scrapy's own manager in three ways: items that are not Records become
Records first; a record that is dropped, or that makes a pipeline fail, is kept with the reason; and synchronous
pipelines run without a coroutine each.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem
from scrapy.pipelines import ItemPipelineManager

from crawlers.errors import REFUSED, ConfigurationError, DiskFull, Rejected
from crawlers.items import Record
from crawlers.ledger.settlement import PENDING, Settlement, current
from crawlers.pipelines.foreign import record_from
from crawlers.pipelines.store import StorePipeline

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

RESUME_AT = "resume_at"
"""Key in ``Record.cache``: name of the stage to begin at, for records that passed the earlier ones before."""


def stage_of(pipeline: Any) -> str:
    """A pipeline's bare name: the module it is written in."""
    return str(type(pipeline).__module__).rpartition(".")[2]


class RecordPipelineManager(ItemPipelineManager):
    """Scrapy's item processor for records."""

    def __init__(self, *pipelines: Any, crawler: Any = None) -> None:
        super().__init__(*pipelines, crawler=crawler)
        self._stages: list[tuple[str, Callable[[Any], Any]]] = [
            (stage_of(p), p.process_item) for p in pipelines if hasattr(p, "process_item")
        ]
        self._told = [p.settled for p in pipelines if hasattr(p, "settled")]
        store = [p for p in pipelines if isinstance(p, StorePipeline)]
        if len(store) != 1 or not isinstance(pipelines[-1], StorePipeline):
            raise ConfigurationError(
                "expected crawlers.pipelines.store.StorePipeline once in ITEM_PIPELINES, after all others (900), "
                f"got {[type(p).__name__ for p in pipelines]}: without it no record reaches the ledger"
            )
        self._store = store[0]

    async def process_item_async(self, item: Any) -> Any:
        """Take *item* through the pipelines; return it, or raise DropItem after it was kept as rejected.

        A foreign item is returned as it came, so that exports by Scrapy's own feeds look as they did before.
        """
        page = current.get()
        own = page is None or page.closed
        settlement = Settlement(None) if own or page is None else page
        record = self._record(item, settlement)
        token = current.set(settlement)
        try:
            result = await self._run(record, settlement)
        finally:
            current.reset(token)
            if own:
                self.crawler.engine.scheduler.settle(settlement)  # type: ignore[union-attr]
        return result if isinstance(item, Record) else item

    def _record(self, item: Any, settlement: Settlement) -> Record:
        if isinstance(item, Record):
            return item
        return record_from(item, self._spider.name, settlement)

    async def _run(self, record: Record, settlement: Settlement) -> Record:
        skip_to = self._first_stage(record.cache.pop(RESUME_AT, None))
        refused = record.cache.pop(REFUSED, None)
        stage = ""
        if refused is not None:
            self._reject(record, refused, settlement)
            raise refused
        try:
            for stage, process in self._stages:
                if skip_to is not None:
                    if stage != skip_to:
                        continue
                    skip_to = None
                result = process(record)
                if inspect.isawaitable(result):
                    result = await result
                record = result
        except DropItem as exc:
            self._reject(record, as_rejected(exc, stage), settlement)
            raise
        except DiskFull as exc:
            self._tell(record, kept=False)
            raise self._given_back(settlement, exc) from exc
        except asyncio.CancelledError:
            self._tell(record, kept=False)  # it never reached the ledger; nobody may wait for it
            raise
        except Exception as exc:
            logger.exception(
                "Pipeline %s failed on record %s (%s): it is kept as rejected", stage, record.id, record.url
            )
            rejected = Rejected(stage=stage, reason="error", detail=f"{type(exc).__name__}: {exc}")
            self._reject(record, rejected, settlement)
            raise rejected from exc
        self._tell(record, kept=True)
        return record

    def _given_back(self, settlement: Settlement, exc: DiskFull) -> DropItem:
        """Stop the run, and leave the page to the next one: its record could be neither stored nor rejected."""
        if settlement.lease is not None:
            settlement.state, settlement.reason = PENDING, "disk-full"
        self.crawler.engine.scheduler.stop(exc)  # type: ignore[union-attr]
        return DropItem(str(exc), log_level="DEBUG")

    def _first_stage(self, refused_by: str | None) -> str | None:
        """Where a readmitted record begins: at the stage that refused it, or at deduplicate if that comes first.

        A record that was refused later has left no signature behind, so that copies of it may have been kept since.
        """
        names = [name for name, _ in self._stages]
        if refused_by not in names:
            return None
        if "deduplicate" in names[: names.index(refused_by)]:
            return "deduplicate"
        return refused_by

    def _reject(self, record: Record, rejected: Rejected, settlement: Settlement) -> None:
        self._tell(record, kept=False)
        self._store.reject(record, rejected, settlement)

    def _tell(self, record: Record, *, kept: bool) -> None:
        for told in self._told:
            told(record, kept)


def as_rejected(exc: DropItem, stage: str) -> Rejected:
    """*exc* itself, or a plain DropItem of somebody else's pipeline in our form."""
    if isinstance(exc, Rejected):
        return exc
    return Rejected(stage=stage, reason="dropped", detail=str(exc))
