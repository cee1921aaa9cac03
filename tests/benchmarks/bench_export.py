"""Exports of 50,000 records out of the ledger, beside Scrapy's own feed exporter fed with the same records."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from scrapy.exporters import JsonLinesItemExporter

from crawlers.exporters import EXPORTERS
from crawlers.exporters.materialise import materialise
from crawlers.items import Record
from crawlers.ledger import records
from crawlers.ledger.database import Database, open_database
from tests.ledger_pages import Ledger, entry
from tests.pages import paragraphs_of

COUNT = int(os.environ.get("BENCH_RECORDS", "50000"))
TARGET = 20_000  # records a second, JSON lines
MEMORY = 300  # MB


def fill(database: Database) -> None:
    """Records of ordinary pages, a thousand of them to a settled page."""
    text = "\n\n".join(paragraphs_of("/item/7"))
    ledger = Ledger(database)
    for page in range(COUNT // 1000):
        found = [
            Record("shop", f"{page}/{i}", url=f"http://shop.example/{page}/{i}", title=f"Item {i}", text=f"{i} {text}")
            for i in range(1000)
        ]
        for record in found:
            record.seal()
        ledger.add(entry(page + 1))
        ledger.page(page + 1, *found)


def timed(work) -> float:
    """Seconds of CPU."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> int:
    """Print records a second for each format."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/gristmill.db")
        fill(database)
        path = Path(folder) / "feed.jsonl"

        def feed() -> None:
            with path.open("wb") as file, database.read() as conn:
                exporter = JsonLinesItemExporter(file, encoding="utf-8")
                for record in records.iterate(conn, "shop"):
                    exporter.export_item(record)

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rates = {
            name: COUNT / timed(lambda n=name: materialise(database, "shop", n, Path(folder))) for name in EXPORTERS
        }
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        baseline = COUNT / timed(feed)
        database.close()
    print(f"export of {COUNT:,} records of 2.3 KB, records per CPU second, hash and fsync included")
    for name, rate in rates.items():
        target = f"  (target {TARGET:,})" if name == "jsonl" else ""
        print(f"  {name:14} {rate:10,.0f}{target}")
    print(f"  {'scrapy jsonl':14} {baseline:10,.0f}  baseline: Scrapy's feed exporter on the same records")
    print(f"  memory         {peak:10,.0f} MB at most, {before:,.0f} MB before the exports  (target {MEMORY})")
    return int(rates["jsonl"] < TARGET or peak > MEMORY)


if __name__ == "__main__":
    sys.exit(main())
