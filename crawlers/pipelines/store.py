"""Store: hands a record, or a rejection, to the settlement of its page. The ledger commits them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawlers.ledger.settlement import Settlement, current
from crawlers.pipelines.precedence import DISPLACED

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.errors import Rejected
    from crawlers.items import Record


class StorePipeline:
    """The last stage.

    Settings:
        SCHEDULER: must be crawlers.ledger.scheduler.LedgerScheduler, which commits what is handed over here.

    Stats:
        gristmill/records/{new,changed,updated,unchanged}, gristmill/rejected/<stage>/<reason>: counted when committed.
    """

    def __init__(self, run_id: Any = None) -> None:
        self._run_id = run_id if callable(run_id) else (lambda: run_id)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StorePipeline:
        """Check that somebody will commit what is stored."""
        scheduler = crawler.settings["SCHEDULER"]
        if scheduler != "crawlers.ledger.scheduler.LedgerScheduler":
            raise NotConfigured(
                f"expected SCHEDULER = 'crawlers.ledger.scheduler.LedgerScheduler', got {scheduler!r}: set it, or use "
                "ADDONS = {'crawlers.addon.GristmillAddon': 500}"
            )
        return cls(lambda: crawler.stats.get_value("gristmill/run_id"))

    def process_item(self, record: Record) -> Record:
        """Seal the record and add it to the settlement of its page."""
        settlement = current.get()
        if settlement is None or settlement.closed:
            raise RuntimeError("a record reached the store outside of any settlement: run it through the manager")
        self._keep(record, settlement)
        return record

    def _keep(self, record: Record, settlement: Settlement) -> None:
        record.provenance.run_id = self._run_id()
        record.seal()
        record.page = None
        signature = record.cache.pop("signature", None)
        if signature is not None:
            settlement.signatures.append(signature)
        settlement.displaced += record.cache.get(DISPLACED, ())
        settlement.records.append(record)

    def reject(self, record: Record, rejected: Rejected, settlement: Settlement) -> None:
        """Keep the record as it was when a stage refused it, with the reason."""
        record.provenance.run_id = self._run_id()
        record.page = None
        settlement.rejections.append((record, rejected))
