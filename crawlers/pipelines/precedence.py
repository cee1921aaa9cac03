"""Precedence as the pipelines see it: whether a record takes the place of those that it is a duplicate of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crawlers.ledger import precedence
from crawlers.ledger.database import database_url, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from scrapy.crawler import Crawler

    from crawlers.items import Record
    from crawlers.ledger.database import Database

DISPLACED = "displaced"
"""Key in ``Record.cache``: the :class:`~crawlers.ledger.settlement.Displaced` that give way if the record is kept."""


class Places(NamedTuple):
    """What becomes of records that another one is a duplicate of."""

    following: set[str]
    """Those that give way to it."""
    missing: set[str]
    """Those that are no longer kept, and need no answer."""


class Precedence:
    """Asks the ledger; opened at the first duplicate.

    Args:
        url: of the ledger.
        crawl_id: gives the number of the crawl under way, None before there is one.
        under_way: gives the ids of records that were kept by this process and are not in the ledger yet.
        timeout: seconds to wait for a locked or restarting database.
    """

    def __init__(
        self,
        url: str,
        crawl_id: Callable[[], int | None],
        under_way: Callable[[], Collection[str]],
        *,
        timeout: float = 60.0,
    ) -> None:
        self._url = url
        self._crawl_id = crawl_id
        self._under_way = under_way
        self._timeout = timeout
        self._database: Database | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Precedence:
        """For the crawl that *crawler* takes part in."""
        settings = crawler.settings
        return cls(
            database_url(settings),
            lambda: crawler.stats.get_value("gristmill/crawl_id"),
            lambda: crawler.engine._slot.scheduler.under_way(),  # type: ignore[union-attr]
            timeout=settings.getfloat("LEDGER_TIMEOUT"),
        )

    def places(self, record: Record, others: Sequence[str], *, unchanged: bool) -> Places:
        """How *others* stand to *record*: those in neither set precede it.

        So does, for now, a record that is not in the ledger yet: the end of the crawl looks at such pairs again.

        Args:
            record: on its way through the pipelines.
            others: ids of the records that it is a duplicate of, which have passed the pipelines.
            unchanged: whether the record was kept before as it is now.
        """
        crawl_id, under_way = self._crawl_id(), self._under_way()
        if crawl_id is None:
            return Places(set(), set())
        if self._database is None:
            self._database = open_database(self._url, timeout=self._timeout)
        with self._database.read() as conn:
            found = precedence.standings(conn, [record.id, *others], record.source, crawl_id)
            gone = precedence.standings(conn, [record.id], record.source, crawl_id, state="gone")
        before = found.pop(record.id, None) or gone.get(record.id)
        own = before or precedence.standing(record.key)
        if own.origin == precedence.EARLIER and not unchanged:
            own = own._replace(origin=precedence.CHANGED)
        return Places(
            following={id_ for id_, other in found.items() if other > own},
            missing={id_ for id_ in others if id_ not in found and id_ not in under_way},
        )

    def close(self) -> None:
        """Let go of the ledger."""
        if self._database is not None:
            self._database.close()
            self._database = None
