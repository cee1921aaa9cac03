"""The frontier: requests wait here, are leased to workers, and come back when their worker is gone.

A worker alone on a crawl takes whatever comes first. As soon as there are two, each claims hosts for itself
(:mod:`crawlers.ledger.hostshares`), so that a site never sees more than one worker's delay and concurrency.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from crawlers.ledger import bulk, processes
from crawlers.ledger.clock import utc_now
from crawlers.ledger.database import serialize
from crawlers.ledger.hostshares import HostShares
from crawlers.ledger.settlement import LEASED, LIST, PENDING, SKIPPED, STATES, Entry, Lease
from crawlers.ledger.tables import crawls, hosts, request_counts, requests, runs, workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

_LEASE = "id, fingerprint, url, host, payload, priority, depth, attempts"
_NEW = ("crawl_id", "fingerprint", "url", "host", "priority", "depth", "state", "available_at", "payload", "parent_id")
_NEW_SKIPPED = (*_NEW, "reason", "detail", "settled_at", "run_id")
_KEY = ("crawl_id", "fingerprint")
_HOSTS_A_CLAIM = 16


class Frontier:
    """One worker's view of one crawl's requests.

    Args:
        crawl_id: the crawl.
        worker: ``host:pid:nonce``, unique to this process's part.
        lease_seconds: life of a lease without a heartbeat.
    """

    def __init__(self, crawl_id: int, worker: str, lease_seconds: float = 60.0) -> None:
        self.crawl_id = crawl_id
        self.worker = worker
        self.lease_seconds = lease_seconds
        self._shares = HostShares(crawl_id, worker)
        self._row: Row[Any] | None = None
        self._digests: dict[str, str | None] = {}

    # --- workers ----------------------------------------------------------------------------------------------------

    def register(self, conn: Connection) -> None:
        """Take part in the crawl, or renew the part taken."""
        pid = int(self.worker.rsplit(":", 2)[1])
        row = (
            self.worker, self.crawl_id, processes.machine(), pid, processes.started(pid), time.time() + self.lease_seconds,
        )  # fmt: skip
        columns = ("worker", "crawl_id", "machine", "pid", "started", "expires_at")
        bulk.insert(conn, workers, columns, [row], key=("worker",), replace=("expires_at",))

    def heartbeat(self, conn: Connection) -> None:
        """Renew this worker's leases, and take back those of workers that died. Call it at a third of the lease."""
        self.register(conn)
        self.recover(conn)

    def leave(self, conn: Connection) -> None:
        """End this worker's part: its leases and hosts are free at once."""
        serialize(conn)
        bulk.delete(conn, workers, "worker", [self.worker])
        self._free(conn)

    def recover(self, conn: Connection) -> int:
        """Give back what workers hold that died or have been silent for too long; return how many requests.

        A process of this machine that is gone is known to be dead without waiting for its lease to expire.
        """
        serialize(conn)
        sql = "SELECT worker, machine, pid, started, expires_at FROM workers WHERE crawl_id = ?"
        rows = conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id,)).all()
        dead = [row.worker for row in rows if row.worker != self.worker and self._is_dead(row, conn.dialect.name)]
        bulk.delete(conn, workers, "worker", dead)
        return self._free(conn)

    def _is_dead(self, row: Any, dialect: str) -> bool:
        if row.expires_at < time.time():
            return True
        here = processes.machine()
        if row.machine == here:
            return not processes.is_alive(row.pid, row.started)
        # A SQLite ledger never leaves its machine: another boot of the same host is over.
        return dialect == "sqlite" and row.machine.split("/")[1] != here.split("/")[1]

    def _free(self, conn: Connection) -> int:
        """Give back leases and hosts of everybody who is not in ``workers``."""
        absent = "worker NOT IN (SELECT worker FROM workers WHERE crawl_id = ?)"
        sql = (
            "UPDATE requests SET state = 'pending', worker = NULL, attempts = attempts + 1 "
            f"WHERE crawl_id = ? AND state = 'leased' AND {absent}"
        )
        given_back = conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, self.crawl_id)).rowcount
        sql = f"UPDATE hosts SET worker = NULL WHERE crawl_id = ? AND {absent}"
        conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, self.crawl_id))
        self._move(conn, {PENDING: given_back, LEASED: -given_back})
        return given_back

    def _is_alone(self, conn: Connection) -> bool:
        sql = "SELECT count(*) FROM workers WHERE crawl_id = ? AND worker <> ?"
        return not conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, self.worker)).scalar()

    def is_first(self, conn: Connection) -> bool:
        """Whether this is the one among the crawl's workers that does what one alone must do."""
        sql = "SELECT min(worker) FROM workers WHERE crawl_id = ?"
        return bool(conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id,)).scalar() == self.worker)

    # --- requests come and go ---------------------------------------------------------------------------------------

    def add(
        self, conn: Connection, entries: Iterable[Entry], parent_id: int | None = None, run_id: str | None = None
    ) -> int:
        """Add *entries* that are not known yet; return how many were new."""
        serialize(conn)
        return self.discover(conn, [(entry, parent_id) for entry in entries], run_id)

    def discover(self, conn: Connection, found: Sequence[tuple[Entry, int | None]], run_id: str | None) -> int:
        """Add requests with the ids of those that led to them; return how many were new."""
        if not found:
            return 0
        crawl = self.crawl_id
        waiting = [
            (crawl, e.fingerprint, e.url, e.host, e.priority, e.depth, PENDING, e.available_at, e.payload, parent)
            for e, parent in found
            if e.skipped is None
        ]
        now = utc_now()
        skipped = [
            (
                crawl, e.fingerprint, e.url, e.host, e.priority, e.depth, SKIPPED, 0.0, e.payload, parent,
                e.skipped, e.detail, now, run_id,
            )
            for e, parent in found
            if e.skipped is not None
        ]  # fmt: skip
        bulk.insert(
            conn, hosts, ("crawl_id", "host"), [(crawl, host) for host in {row[3] for row in waiting}],
            key=("crawl_id", "host"),
        )  # fmt: skip
        new_waiting = bulk.insert(conn, requests, _NEW, waiting, key=_KEY)
        new_skipped = bulk.insert(conn, requests, _NEW_SKIPPED, skipped, key=_KEY)
        self._move(conn, {PENDING: new_waiting, SKIPPED: new_skipped})
        return new_waiting + new_skipped

    def held(self, conn: Connection, ids: Sequence[int]) -> set[tuple[int, int]]:
        """Which of the requests *ids* this worker holds: id and attempts.

        A lease is only the one that a worker was given if its attempts agree too: while the worker was silent the
        request may have come back to it anew.
        """
        sql = f"SELECT id, attempts FROM requests WHERE {bulk.among(conn, 'id')} AND state = 'leased' AND worker = ?"
        rows = conn.exec_driver_sql(bulk.sql(conn, sql), (bulk.listed(conn, ids), self.worker)) if ids else ()
        return {(row[0], row[1]) for row in rows}

    def settle(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write the final states of requests that this worker holds.

        Args:
            conn: in a write transaction.
            rows: state, reason, detail, status, settled_at, run_id, id.
        """
        columns = ("state", "reason", "detail", "status", "settled_at", "run_id", "worker")
        bulk.update(conn, requests, "id", columns, [(*row[:6], None, row[6]) for row in rows])
        moves = {LEASED: -len(rows)}
        for row in rows:
            moves[row[0]] = moves.get(row[0], 0) + 1
        self._move(conn, moves)

    def give_back(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make requests that this worker holds pending again.

        Args:
            conn: in a write transaction.
            rows: reason, detail, status, available_at, attempts, id.
        """
        columns = ("reason", "detail", "status", "available_at", "attempts", "state", "worker")
        bulk.update(conn, requests, "id", columns, [(*row[:5], PENDING, None, row[5]) for row in rows])
        self._move(conn, {LEASED: -len(rows), PENDING: len(rows)})

    def release(self, conn: Connection, ids: Sequence[int]) -> int:
        """Give back leases that were never handed out; they do not count as attempts. Return how many."""
        held = sorted(id_ for id_, _ in self.held(conn, ids))
        bulk.update(conn, requests, "id", ("state", "worker"), [(PENDING, None, id_) for id_ in held])
        self._move(conn, {LEASED: -len(held), PENDING: len(held)})
        return len(held)

    def skip_pending(self, conn: Connection, reason: str, detail: str | None = None, run_id: str | None = None) -> int:
        """Skip everything that still waits; return how many requests."""
        serialize(conn)
        sql = (
            "UPDATE requests SET state = 'skipped', reason = ?, detail = ?, settled_at = ?, run_id = ? "
            "WHERE crawl_id = ? AND state = 'pending'"
        )
        values = (reason, detail, utc_now(), run_id, self.crawl_id)
        number = conn.exec_driver_sql(bulk.sql(conn, sql), values).rowcount
        self._move(conn, {PENDING: -number, SKIPPED: number})
        return number

    def take_up(self, conn: Connection, reason: str) -> int:
        """Make what was skipped for *reason* wait again; return how many requests."""
        serialize(conn)
        sql = (
            "UPDATE requests SET state = 'pending', reason = NULL, detail = NULL, settled_at = NULL, run_id = NULL "
            "WHERE crawl_id = ? AND state = 'skipped' AND reason = ?"
        )
        number = conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, reason)).rowcount
        sql = (  # a host of which nothing was left is not there any more
            "INSERT INTO hosts (crawl_id, host) SELECT DISTINCT crawl_id, host FROM requests "
            "WHERE crawl_id = ? AND state = 'pending' ON CONFLICT (crawl_id, host) DO NOTHING"
        )
        conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id,))
        self._move(conn, {SKIPPED: -number, PENDING: number})
        return number

    # --- claiming ---------------------------------------------------------------------------------------------------

    def claim(self, conn: Connection, limit: int, now: float | None = None) -> list[Lease]:
        """Lease up to *limit* requests: highest priority first, then oldest, and not before their time.

        With other workers on the crawl: of hosts that are this worker's or nobody's, which become this worker's.
        """
        if limit <= 0:
            return []
        now = time.time() if now is None else now
        serialize(conn)
        leases = self._first(conn, limit, now) if self._is_alone(conn) else self._by_host(conn, limit, now)
        rows = [(LEASED, self.worker, lease.id) for lease in leases]
        bulk.update(conn, requests, "id", ("state", "worker"), rows)
        self._move(conn, {PENDING: -len(rows), LEASED: len(rows)})
        return leases

    def _first(self, conn: Connection, limit: int, now: float) -> list[Lease]:
        sql = (
            f"SELECT {_LEASE} FROM requests WHERE crawl_id = ? AND state = 'pending' AND available_at <= ? "
            "ORDER BY priority DESC, id LIMIT ?"
        )
        return [Lease(*row) for row in conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, now, limit))]

    def _by_host(self, conn: Connection, limit: int, now: float) -> list[Lease]:
        self._shares.settle(conn)
        candidates = self._shares.candidates(conn)
        share = max(1, -(-limit // max(1, min(len(candidates), _HOSTS_A_CLAIM))))
        leases: list[Lease] = []
        taken: list[str] = []
        empty: list[str] = []
        for host in candidates:
            found = self._of_host(conn, host, min(share, limit - len(leases)), now)
            leases += found
            (taken if found else empty).append(host)
            if len(leases) >= limit:
                break
        self._shares.take(conn, taken)
        self._shares.drop_drained(conn, empty)
        return leases

    def _of_host(self, conn: Connection, host: str, limit: int, now: float) -> list[Lease]:
        sql = (
            f"SELECT {_LEASE} FROM requests WHERE crawl_id = ? AND host = ? AND state = 'pending' "
            "AND available_at <= ? ORDER BY priority DESC, id LIMIT ?"
        )
        return [Lease(*row) for row in conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id, host, now, limit))]

    # --- figures ----------------------------------------------------------------------------------------------------

    def counts(self, conn: Connection) -> dict[str, int]:
        """State to number of requests; every state is there."""
        sql = bulk.sql(conn, "SELECT state, number FROM request_counts WHERE crawl_id = ?")
        found = {row[0]: int(row[1]) for row in conn.exec_driver_sql(sql, (self.crawl_id,))}
        return {state: found.get(state, 0) for state in STATES}

    def pages(self, conn: Connection) -> int:
        """Requests that were answered with a page: what a page budget counts. Redirects and sitemaps are none."""
        sql = f"SELECT count(*) FROM requests WHERE crawl_id = ? AND state = 'done' AND (reason IS NULL OR reason = '{LIST}')"
        return int(conn.exec_driver_sql(bulk.sql(conn, sql), (self.crawl_id,)).scalar_one())

    def pages_of_all(self, conn: Connection) -> tuple[int, int] | None:
        """Answered pages and leased requests of all workers; None where this one is alone and knows them itself."""
        serialize(conn)
        if self._is_alone(conn):
            return None
        return self.pages(conn), self.counts(conn)[LEASED]

    def next_available(self, conn: Connection) -> float | None:
        """Unix seconds at which this worker can claim something; in the past: now. None: nothing that it may claim waits."""
        if self._is_alone(conn):
            return self._soonest(conn, "", ())
        times = [self._soonest(conn, "AND host = ?", (host,)) for host in self._shares.candidates(conn)]
        return min((t for t in times if t is not None), default=None)

    def _soonest(self, conn: Connection, condition: str, values: tuple[Any, ...]) -> float | None:
        start = f"FROM requests WHERE crawl_id = ? AND state = 'pending' {condition}"
        first = bulk.sql(conn, f"SELECT available_at {start} AND available_at <= ? LIMIT 1")
        row = conn.exec_driver_sql(first, (self.crawl_id, *values, time.time())).first()
        if row is None:  # what waits now waits for its time: few requests, so that looking at all of them is cheap
            sql = bulk.sql(conn, f"SELECT min(available_at) {start}")
            row = conn.exec_driver_sql(sql, (self.crawl_id, *values)).first()
        return None if row is None or row[0] is None else float(row[0])

    def source(self, conn: Connection) -> str:
        """Name of the crawl's source."""
        return str(self._crawl(conn).source)

    def fetches(self, conn: Connection) -> bool:
        """Whether the crawl asks for pages; refine and readmit read what was fetched."""
        return bool(self._crawl(conn).kind == "crawl")

    def _crawl(self, conn: Connection) -> Row[Any]:
        if self._row is None:
            self._row = conn.execute(crawls.select().where(crawls.c.id == self.crawl_id)).one()
        return self._row

    def settings_digest(self, conn: Connection, run_id: str) -> str | None:
        """Digest of the settings that the run *run_id* has."""
        if run_id not in self._digests:
            row = conn.execute(runs.select().where(runs.c.id == run_id)).first()
            if row is None:
                return None
            self._digests[run_id] = row.settings_digest
        return self._digests[run_id]

    def _move(self, conn: Connection, moves: dict[str, int]) -> None:
        """Add *moves* (state to change) to the counts."""
        move(conn, [(self.crawl_id, state, change) for state, change in moves.items() if change])


def move(conn: Connection, changes: list[tuple[int, str, int]]) -> None:
    """Add to the counts: crawl, state, by how much."""
    if changes:
        conn.exec_driver_sql(bulk.sql(conn, _MOVE), changes)


_MOVE = (
    f"INSERT INTO {request_counts.name} (crawl_id, state, number) VALUES (?, ?, ?) "
    "ON CONFLICT (crawl_id, state) DO UPDATE SET number = request_counts.number + excluded.number"
)
