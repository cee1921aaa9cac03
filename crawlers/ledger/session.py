"""One process's part in a crawl: which database, which crawl, which run, under which name."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from crawlers.credentials import masked
from crawlers.hashing import digest
from crawlers.ledger import captures, crawls
from crawlers.ledger.budget import PageBudget, without_budget
from crawlers.ledger.database import open_ledger
from crawlers.ledger.frontier import Frontier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings
    from sqlalchemy import Connection

    from crawlers.ledger.database import Database
    from crawlers.ledger.settlement import Lease

CRAWL, REFINE, READMIT = "crawl", "refine", "readmit"


def new_run_id() -> str:
    """A run's name, sortable by its start: ``20261124T083301Z-1a2b3c``."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def settings_digest(settings: BaseSettings) -> str:
    """``sha256:…`` of every setting that differs from Scrapy's defaults, secrets included only as part of the hash."""
    changed = {
        name: repr(settings[name])
        for name in sorted(settings)
        if (settings.getpriority(name) or 0) > 0 and not name.startswith("GRISTMILL_")
    }
    return digest(changed)


@dataclass
class Session:
    """Opened by the scheduler when a spider opens, closed with it."""

    database: Database
    frontier: Frontier
    run_id: str
    source: str
    mode: str
    """crawl, refine or readmit."""
    crawl_id: int
    round: int
    resumed: bool
    budget: PageBudget
    """Pages of the whole crawl; without a limit where nothing is fetched."""

    @property
    def revisiting(self) -> bool:
        """Whether earlier crawls may have left validators for conditional requests."""
        return self.mode == CRAWL and self.round > 1

    def validators(
        self, conn: Connection, leases: Iterable[Lease]
    ) -> dict[str, tuple[str | None, str | None, str | None]]:
        """ETag, Last-Modified and capture hash of each leased request that was answered before."""
        return captures.validators(conn, self.source, [lease.fingerprint for lease in leases])

    @classmethod
    def open(cls, crawler: Crawler) -> Session:
        """Open the ledger, find or begin the crawl that the spider's arguments name, and begin a run in it."""
        settings = crawler.settings
        spider: Any = crawler.spider
        mode = settings.get("GRISTMILL_MODE", CRAWL)
        arguments = orjson.loads(settings.get("GRISTMILL_ARGUMENTS") or "{}")
        scope = digest(without_budget(arguments, spider)).removeprefix("sha256:")
        budget = PageBudget.of(spider) if mode == CRAWL else PageBudget()
        shown = {name: masked(value) if isinstance(value, str) else value for name, value in arguments.items()}
        worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        run_id = new_run_id()
        database = open_ledger(settings)

        def begin(conn: Connection) -> tuple[crawls.Crawl, Frontier]:
            fresh = settings.getbool("GRISTMILL_FRESH")
            if fresh:
                crawls.abandon(conn, spider.name, scope, mode)
            crawl = crawls.open_crawl(conn, spider.name, scope, shown, mode, None if fresh else budget.limit)
            frontier = Frontier(crawl.id, worker, settings.getfloat("LEASE_SECONDS"))
            frontier.register(conn)
            frontier.recover(conn)
            crawls.start_run(
                conn,
                run_id=run_id,
                crawl_id=crawl.id,
                source=spider.name,
                command=masked(settings.get("GRISTMILL_COMMAND") or f"{mode} {spider.name}"),
                worker=worker,
                settings_digest=settings_digest(settings),
            )
            return crawl, frontier

        crawl, frontier = database.run(begin)
        return cls(database, frontier, run_id, spider.name, mode, crawl.id, crawl.round, crawl.resumed, budget)
