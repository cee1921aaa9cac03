"""A crawl in a test's ledger, and pages to settle in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crawlers.errors import Rejected
from crawlers.hashing import sha256
from crawlers.items import Record
from crawlers.ledger import checks, crawls, tables
from crawlers.ledger.commit import Committed, commit
from crawlers.ledger.frontier import Frontier
from crawlers.ledger.settlement import Answer, Entry, Lease, Settlement, Signature

if TYPE_CHECKING:
    from pathlib import Path

    from crawlers.ledger.database import Database

SOURCE = "shop"


def fingerprint(number: int) -> str:
    return f"{number:040x}"


def entry(number: int, host: str = "shop.example", **values: Any) -> Entry:
    return Entry(fingerprint(number), f"http://{host}/{number}", host, "{}", **values)


def record(key: str, text: str = "some text", **values: Any) -> Record:
    made = Record(SOURCE, key, url=f"http://shop.example/{key}", text=text, **values)
    made.seal()
    return made


def rejected(key: str, stage: str = "keywords", reason: str = "no-keyword", **values: Any) -> tuple[Record, Rejected]:
    return record(key), Rejected(stage=stage, reason=reason, detail="not one of them", value=0, threshold=1, **values)


def signature(of: Record, text_hash: bytes = b"h" * 16) -> Signature:
    return Signature(of.id, text_hash, b"b" * 64)


def answer(lease: Lease, body: bytes | None = b"<p>page</p>", **values: Any) -> Answer:
    given: dict[str, Any] = {
        "fingerprint": lease.fingerprint.partition(":")[0], "url": lease.url, "status": 200, "encoding": "utf-8",
        "headers": '{"content-type":["text/html"]}', "etag": '"v1"', "last_modified": None, "request": lease.payload,
        "fetched_at": "2026-01-02T03:04:05Z", "body_sha256": sha256(body) if body is not None else None, "body": body,
    }  # fmt: skip
    return Answer(**{**given, **values})


def run_id(number: int) -> str:
    return f"20260101T0000{number:02d}Z-aaaaaa"


class Ledger:
    """A crawl of ``shop`` with one worker; ``worker()`` and ``next_round()`` make more of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rounds = 0
        self.crawl = self.open()
        self.frontier = self.worker("one")

    @property
    def run(self) -> str:
        return run_id(self.rounds)

    def open(self, scope: str = "scope", kind: str = "crawl", **arguments: Any) -> crawls.Crawl:
        self.rounds += 1

        def begin(conn):
            crawl = crawls.open_crawl(conn, SOURCE, scope, arguments, kind)
            crawls.start_run(
                conn, run_id=self.run, crawl_id=crawl.id, source=SOURCE, command="scrapy crawl shop",
                worker=f"h:{os.getpid()}:{self.rounds}", settings_digest="sha256:settings",
            )  # fmt: skip
            return crawl

        return self.database.run(begin)

    def next_round(self, scope: str = "scope") -> None:
        """Complete the crawl and begin the next one."""
        assert self.database.run(crawls.complete_crawl, self.crawl.id)
        self.crawl = self.open(scope)
        self.frontier = self.worker("one")

    def refine(self, scope: str = "scope") -> None:
        """Complete the crawl, and go on with a pass over all that it has."""
        assert self.database.run(crawls.complete_crawl, self.crawl.id)
        self.crawl = self.open(scope, "refine")
        self.frontier = self.worker("one")

    def worker(self, name: str, pid: int | None = None, lease_seconds: float = 60.0) -> Frontier:
        frontier = Frontier(self.crawl.id, f"h:{pid or os.getpid()}:{name}", lease_seconds)
        self.database.run(frontier.register)
        return frontier

    def add(self, *entries: Entry) -> int:
        return self.database.run(self.frontier.add, list(entries))

    def lease(self, *numbers: int) -> list[Lease]:
        """Add the requests *numbers* and lease them, in this order."""
        self.add(*(entry(n, priority=1000 - i) for i, n in enumerate(numbers)))
        found = self.database.run(self.frontier.claim, len(numbers))
        assert [lease.fingerprint for lease in found] == [fingerprint(n) for n in numbers]
        return found

    def commit(self, *settlements: Settlement, frontier: Frontier | None = None) -> Committed:
        return self.database.run(commit, frontier or self.frontier, list(settlements), self.run)

    def page(self, number: int, *records: Record, **values: Any) -> Committed:
        """Lease the page *number* and settle it with *records*."""
        (lease,) = self.lease(number)
        return self.commit(Settlement(lease, records=list(records), **values))

    def counts(self) -> dict[str, int]:
        with self.database.read() as conn:
            return self.frontier.counts(conn)

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        columns = tables.metadata.tables[table]
        query = select(columns).filter_by(**where).order_by(*columns.primary_key.columns)
        with self.database.read() as conn:
            return [dict(row._mapping) for row in conn.execute(query)]

    def row(self, table: str, **where: Any) -> dict[str, Any]:
        (found,) = self.rows(table, **where)
        return found

    def problems(self, data_dir: Path, **options: Any) -> list[checks.Problem]:
        with self.database.read() as conn:
            return checks.check(conn, data_dir, **options)
