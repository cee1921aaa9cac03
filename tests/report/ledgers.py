"""A ledger with one crawl in it, filled by the ledger's own functions, for tests of what a person sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crawlers.errors import Rejected
from crawlers.hashing import sha256
from crawlers.items import KeywordMatch, Media, Record
from crawlers.ledger import commit, crawls, records
from crawlers.ledger.database import open_database
from crawlers.ledger.frontier import Frontier
from crawlers.ledger.settlement import Answer, Entry, Settlement

if TYPE_CHECKING:
    from pathlib import Path

    from crawlers.ledger.database import Database

SOURCE = "shop"
RUN = "20261124T083301Z-1a2b3c"


@dataclass
class Filled:
    """A crawl in the making."""

    database: Database
    crawl_id: int
    frontier: Frontier
    run_id: str = RUN
    settlements: list[Settlement] = field(default_factory=list)

    def discover(self, *urls: str) -> None:
        """URLs that wait."""
        entries = [
            Entry(fingerprint=sha256(url.encode())[7:47], url=url, host="shop.example", payload="{}") for url in urls
        ]
        self.database.run(lambda conn: self.frontier.add(conn, entries, run_id=self.run_id))

    def settle(self, number: int = 1, **facts: Any) -> list[Settlement]:
        """Claim *number* URLs and settle them; *facts* are fields of Settlement, or callables of the URL."""
        leases = self.database.run(self.frontier.claim, number, 2e9)
        assert len(leases) == number
        done = []
        for lease in leases:
            values = {name: value(lease.url) if callable(value) else value for name, value in facts.items()}
            done.append(Settlement(lease, **values))
        self.database.run(lambda conn: commit.commit(conn, self.frontier, done, self.run_id))
        return done

    def first_record(self) -> str:
        """Id of a kept record."""
        with self.database.read() as conn:
            return next(records.iterate(conn, SOURCE))["id"]

    def finish(self) -> None:
        """Complete the crawl where nothing waits."""
        self.database.run(lambda conn: crawls.complete_crawl(conn, self.crawl_id))


def begin(path: Path, *, arguments: dict[str, str] | None = None, run_id: str = RUN, mode: str = "crawl") -> Filled:
    """A fresh crawl in a SQLite ledger in *path*."""
    return begin_in(open_database(f"sqlite:///{path / 'gristmill.db'}"), arguments=arguments, run_id=run_id, mode=mode)


def begin_in(
    database: Database, *, arguments: dict[str, str] | None = None, run_id: str = RUN, mode: str = "crawl"
) -> Filled:
    """A fresh crawl in *database*."""
    worker = "test:1:aa"

    def first(conn: Any) -> Filled:
        crawl = crawls.open_crawl(conn, SOURCE, "scope", arguments or {}, mode)
        frontier = Frontier(crawl.id, worker)
        frontier.register(conn)
        crawls.start_run(
            conn, run_id=run_id, crawl_id=crawl.id, source=SOURCE, command="scrapy crawl shop", worker=worker
        )
        return Filled(database, crawl.id, frontier, run_id)

    return database.run(first)


def record(url: str, *, text: str = "A kettle that boils.", **facts: Any) -> Record:
    """A record found at *url*."""
    return Record(
        source=SOURCE, key=url, url=url, title=f"Title of {url}", text=text, language="en", type="Product", **facts
    )


def answer(url: str, body: bytes) -> Answer:
    """The answer that a page gave."""
    return Answer(
        fingerprint=sha256(url.encode())[7:47], url=url, status=200, headers="{}", encoding="utf-8", etag=None,
        last_modified=None, request="{}", fetched_at="2026-11-24T08:33:02Z", body_sha256=sha256(body), body=body,
    )  # fmt: skip


def rejected(url: str, reason: str = "no-keyword", stage: str = "keywords", **facts: Any) -> tuple[Record, Rejected]:
    """A record that a pipeline refused."""
    return record(url), Rejected(stage=stage, reason=reason, **{"detail": f"refused: {reason}", **facts})


def ordinary(path: Path) -> Filled:
    """Twenty URLs: 12 with a record, 3 rejected, 2 failed, 2 skipped, 1 redirected."""
    return fill(begin(path, arguments={"keywords": "kettle"}))


def fill(filled: Filled) -> Filled:
    """The pages of :func:`ordinary`."""
    filled.discover(*(f"http://shop.example/{n}" for n in range(20)))
    filled.settle(10, status=200, records=lambda url: [record(url, keywords=[KeywordMatch("kettle", "include", 2, 8)])])
    picture = Media(url="http://shop.example/k.jpg", sha256="sha256:" + "a" * 64, path="media/aa/aa/a.jpg", bytes=5000)
    lost = Media(url="http://shop.example/l.jpg", error="http-404: the site answered 404")
    filled.settle(
        2, status=200, records=lambda url: [record(url, text="x" * 700, media=[picture, lost], flags=["truncated"])]
    )
    filled.settle(2, status=200, rejections=lambda url: [rejected(url, value=0, threshold=1)])
    filled.settle(
        1, status=200, rejections=lambda url: [rejected(url, "near-duplicate", "deduplicate", duplicate_of="0" * 32)]
    )
    filled.settle(2, state="failed", reason="http-404", detail="the site answered 404", status=404)
    filled.settle(2, state="skipped", reason="robots", detail="robots.txt: Disallow: /")
    filled.settle(1, status=302, reason="redirected", detail="http://shop.example/0")
    filled.finish()
    return filled
