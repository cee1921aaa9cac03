"""Which worker fetches from which host, while several share a crawl.

A host belongs to one worker at a time, so that a site never sees more than one worker's delay and concurrency. Each worker
has its share and no more: one that came first lets go of what is beyond it, host by host, as soon as nothing of the host is
in its hands. A host is free again too when its worker leaves or dies, and gone when nothing of it is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.ledger import bulk
from crawlers.ledger.settlement import LEASED, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_LOOKED_AT = 200
"""Hosts of its own, and free ones, that a worker looks at for one claim."""


class HostShares:
    """One worker's view of the hosts of a crawl.

    Args:
        crawl_id: the crawl.
        worker: this worker.
    """

    def __init__(self, crawl_id: int, worker: str) -> None:
        self._crawl = crawl_id
        self._worker = worker

    def settle(self, conn: Connection) -> None:
        """Write down whose hosts are whose for those who claimed them while they were alone; let go of those beyond the share."""
        sql = (
            "UPDATE hosts SET worker = (SELECT min(r.worker) FROM requests r WHERE r.crawl_id = hosts.crawl_id "
            "AND r.host = hosts.host AND r.state = 'leased') WHERE crawl_id = ? AND worker IS NULL AND host IN "
            "(SELECT host FROM requests WHERE crawl_id = ? AND state = 'leased')"
        )
        conn.exec_driver_sql(bulk.sql(conn, sql), (self._crawl, self._crawl))
        leaving = [
            (self._crawl, host) for host in self._mine(conn)[self._share(conn) :] if not self._is(conn, host, LEASED)
        ]
        if leaving:
            conn.exec_driver_sql(
                bulk.sql(conn, "UPDATE hosts SET worker = NULL WHERE crawl_id = ? AND host = ?"), leaving
            )

    def candidates(self, conn: Connection) -> list[str]:
        """Hosts that this worker may claim from, within its share: its own first, then those that are nobody's."""
        share, mine = self._share(conn), self._mine(conn)
        if len(mine) >= share:
            return mine[:share]
        sql = bulk.sql(conn, "SELECT host FROM hosts WHERE crawl_id = ? AND worker IS NULL LIMIT ?")
        free = conn.exec_driver_sql(sql, (self._crawl, min(share - len(mine), _LOOKED_AT)))
        return [*mine, *(row[0] for row in free)]

    def take(self, conn: Connection, hosts: Sequence[str]) -> None:
        """Make *hosts* this worker's."""
        rows = [(self._worker, self._crawl, host) for host in hosts]
        if rows:
            conn.exec_driver_sql(bulk.sql(conn, "UPDATE hosts SET worker = ? WHERE crawl_id = ? AND host = ?"), rows)

    def drop_drained(self, conn: Connection, hosts: Sequence[str]) -> None:
        """Forget those of *hosts* of which nothing is left."""
        rows = [
            (self._crawl, host)
            for host in hosts
            if not self._is(conn, host, PENDING) and not self._is(conn, host, LEASED)
        ]
        if rows:
            conn.exec_driver_sql(bulk.sql(conn, "DELETE FROM hosts WHERE crawl_id = ? AND host = ?"), rows)

    def _mine(self, conn: Connection) -> list[str]:
        """This worker's hosts, always in the same order, so that it lets go of the same ones until they are gone."""
        sql = bulk.sql(conn, "SELECT host FROM hosts WHERE crawl_id = ? AND worker = ? ORDER BY host LIMIT ?")
        return [row[0] for row in conn.exec_driver_sql(sql, (self._crawl, self._worker, _LOOKED_AT))]

    def _share(self, conn: Connection) -> int:
        """How many hosts this worker may have: an equal part, rounded up, so that none is nobody's for long."""
        sql = "SELECT count(*) FROM workers WHERE crawl_id = ?"
        workers = max(1, conn.exec_driver_sql(bulk.sql(conn, sql), (self._crawl,)).scalar_one())
        sql = "SELECT count(*) FROM (SELECT 1 AS one FROM hosts WHERE crawl_id = ? LIMIT ?) AS counted"
        hosts = conn.exec_driver_sql(bulk.sql(conn, sql), (self._crawl, workers * _LOOKED_AT)).scalar_one()
        return max(1, -(-int(hosts) // int(workers)))

    def _is(self, conn: Connection, host: str, state: str) -> bool:
        """Whether a request of *host* is in *state*."""
        sql = f"SELECT 1 FROM requests WHERE crawl_id = ? AND host = ? AND state = '{state}' LIMIT 1"
        return conn.exec_driver_sql(bulk.sql(conn, sql), (self._crawl, host)).first() is not None
