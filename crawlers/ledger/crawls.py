"""Crawls and runs: what was begun, by whom, with which arguments, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select, update

from crawlers.ledger import bulk, tables
from crawlers.ledger.budget import MAX_PAGES
from crawlers.ledger.clock import utc_now
from crawlers.ledger.database import serialize
from crawlers.ledger.frontier import Frontier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

OPEN, COMPLETE, ABANDONED = "open", "complete", "abandoned"

_crawls, _runs = tables.crawls, tables.runs


@dataclass(frozen=True, slots=True)
class Crawl:
    """A crawl that a run takes part in."""

    id: int
    round: int
    """1 for the first crawl of this source and these arguments."""
    resumed: bool
    """True where it was begun by an earlier run, or by another worker."""


def open_crawl(
    conn: Connection,
    source: str,
    scope: str,
    arguments: Mapping[str, Any],
    kind: str = "crawl",
    max_pages: int | None = None,
) -> Crawl:
    """The open crawl of this source, scope and kind; a new round where the last one is complete.

    One that ended because its page budget was spent is open again where *max_pages* is more. A new crawl of kind
    ``refine`` begins with a request for each page of the source that has a capture.

    Args:
        conn: in a write transaction.
        source: name of the source.
        scope: digest of what tells the crawl from others.
        arguments: the spider's, for a person; those of the last command are kept.
        kind: crawl, refine or readmit.
        max_pages: pages of the whole crawl, 0: no limit; None: a crawl that is over stays so.
    """
    serialize(conn)
    last = conn.execute(_of(source, scope, kind).order_by(_crawls.c.round.desc()).limit(1)).first()
    written = orjson.dumps(arguments, default=str).decode()
    if last is not None and (last.state == OPEN or _is_taken_up(conn, last, max_pages)):
        again = {"state": OPEN, "completed_at": None, "arguments": written}
        conn.execute(update(_crawls).where(_crawls.c.id == last.id).values(again))
        return Crawl(last.id, last.round, resumed=True)
    number = last.round + 1 if last is not None else 1
    values = {
        "source": source, "scope": scope, "kind": kind, "round": number, "state": OPEN, "started_at": utc_now(),
        "arguments": written,
    }  # fmt: skip
    key = conn.execute(_crawls.insert().values(values)).inserted_primary_key
    assert key is not None
    crawl = Crawl(key[0], number, resumed=False)
    if kind == "refine":
        _fill_from_pages(conn, crawl.id, source)
    return crawl


def _is_taken_up(conn: Connection, last: Row[Any], max_pages: int | None) -> bool:
    """Whether *max_pages* lets a crawl go on that ended with its budget; then what it had left waits again."""
    if last.state != COMPLETE or max_pages is None:
        return False
    frontier = Frontier(last.id, "")
    if max_pages and frontier.pages(conn) >= max_pages:
        return False
    return frontier.take_up(conn, MAX_PAGES) > 0


def complete_crawl(conn: Connection, crawl_id: int) -> bool:
    """Close the crawl if nothing of it is pending or leased; return whether it is complete."""
    serialize(conn)
    counts = Frontier(crawl_id, "").counts(conn)
    if counts["pending"] or counts["leased"]:
        return False
    conn.execute(
        update(_crawls)
        .where(_crawls.c.id == crawl_id, _crawls.c.state == OPEN)
        .values(state=COMPLETE, completed_at=utc_now())
    )
    return True


def abandon(conn: Connection, source: str, scope: str, kind: str = "crawl") -> int:
    """Give up the open crawl of this source, scope and kind: what waits is skipped. Return how many requests."""
    serialize(conn)
    row = conn.execute(_of(source, scope, kind).where(_crawls.c.state == OPEN)).first()
    if row is None:
        return 0
    conn.execute(tables.workers.delete().where(tables.workers.c.crawl_id == row.id))
    frontier = Frontier(row.id, "")
    frontier.recover(conn)
    skipped = frontier.skip_pending(conn, ABANDONED, "the crawl was given up for a fresh one")
    conn.execute(update(_crawls).where(_crawls.c.id == row.id).values(state=ABANDONED, completed_at=utc_now()))
    return skipped


def last_crawl(conn: Connection, source: str, kind: str = "crawl") -> Row[Any] | None:
    """The newest crawl of *source*: the columns of ``crawls``; ``arguments`` is JSON."""
    query = select(_crawls).where(_crawls.c.source == source, _crawls.c.kind == kind)
    return conn.execute(query.order_by(_crawls.c.id.desc()).limit(1)).first()


def crawl(conn: Connection, crawl_id: int) -> Row[Any] | None:
    """The columns of the crawl *crawl_id*."""
    return conn.execute(select(_crawls).where(_crawls.c.id == crawl_id)).first()


def start_run(
    conn: Connection,
    *,
    run_id: str,
    crawl_id: int | None,
    source: str,
    command: str,
    worker: str,
    settings_digest: str | None = None,
) -> None:
    """Write down that a process begins its part."""
    values = (run_id, crawl_id, source, command, worker, utc_now(), settings_digest)
    columns = ("id", "crawl_id", "source", "command", "worker", "started_at", "settings_digest")
    bulk.insert(conn, _runs, columns, [values], key=("id",))


def finish_run(
    conn: Connection, run_id: str, *, reason: str, exit_code: int, summary: Mapping[str, Any] | None = None
) -> None:
    """Write down how a process's part ended."""
    text = None if summary is None else orjson.dumps(summary, default=str).decode()
    values = {"finished_at": utc_now(), "reason": reason, "exit_code": exit_code, "summary": text}
    conn.execute(update(_runs).where(_runs.c.id == run_id).values(values))


def runs(conn: Connection, source: str | None = None, limit: int = 20) -> Sequence[Row[Any]]:
    """The newest runs first: the columns of ``runs``. ``finished_at`` is null where a run still runs, or was killed."""
    query = select(_runs).order_by(_runs.c.id.desc()).limit(limit)
    return conn.execute(query if source is None else query.where(_runs.c.source == source)).all()


def last_run(conn: Connection, source: str | None = None) -> Row[Any] | None:
    """The newest run."""
    found = runs(conn, source, 1)
    return found[0] if found else None


def run(conn: Connection, run_id: str) -> Row[Any] | None:
    """The columns of the run *run_id*."""
    return conn.execute(select(_runs).where(_runs.c.id == run_id)).first()


def was_shared(conn: Connection, crawl_id: int) -> bool:
    """Whether two workers may have taken part in the crawl at the same time; a killed one may have lived on."""
    sql = (
        "SELECT 1 FROM runs a JOIN runs b ON b.crawl_id = a.crawl_id AND b.worker <> a.worker AND b.id > a.id "
        "WHERE a.crawl_id = ? AND (a.finished_at IS NULL OR a.finished_at >= b.started_at) LIMIT 1"
    )
    return conn.exec_driver_sql(bulk.sql(conn, sql), (crawl_id,)).first() is not None


def sources(conn: Connection) -> list[str]:
    """Names of the sources that were ever crawled."""
    return list(conn.execute(select(_crawls.c.source).distinct().order_by(_crawls.c.source)).scalars())


def _of(source: str, scope: str, kind: str) -> Any:
    return select(_crawls).where(_crawls.c.source == source, _crawls.c.scope == scope, _crawls.c.kind == kind)


def _fill_from_pages(conn: Connection, crawl_id: int, source: str) -> None:
    """A request for each page that has a capture, in one statement."""
    sql = (
        "INSERT INTO requests (crawl_id, fingerprint, url, host, priority, depth, state, available_at, attempts, payload) "
        "SELECT ?, p.fingerprint, p.url, p.host, 0, 0, 'pending', 0, 0, p.request FROM pages p "
        "WHERE p.source = ? AND p.body_sha256 IN (SELECT sha256 FROM captures) ORDER BY p.fingerprint"
    )
    conn.exec_driver_sql(bulk.sql(conn, sql), (crawl_id, source))
    sql = "INSERT INTO hosts (crawl_id, host) SELECT DISTINCT crawl_id, host FROM requests WHERE crawl_id = ?"
    conn.exec_driver_sql(bulk.sql(conn, sql), (crawl_id,))
    number = conn.execute(
        select(func.count()).select_from(tables.requests).where(tables.requests.c.crawl_id == crawl_id)
    ).scalar_one()
    values = {"crawl_id": crawl_id, "state": "pending", "number": number}
    conn.execute(tables.request_counts.insert().values(values))
