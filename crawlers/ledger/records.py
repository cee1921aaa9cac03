"""Reads the records: streamed by ranges of ids, so that a million of them need no more memory than a thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select

from crawlers.ledger import bulk, signatures
from crawlers.ledger.clock import utc_now
from crawlers.ledger.crawls import crawl
from crawlers.ledger.tables import records, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Row


def iterate(
    conn: Connection, source: str, state: str = "kept", since_run: str | None = None, batch: int = 1000
) -> Iterator[dict[str, Any]]:
    """The records of *source*, ordered by id. Arguments as in :func:`bodies`."""
    for text in bodies(conn, source, state, since_run, batch):
        yield orjson.loads(text)


def bodies(
    conn: Connection, source: str, state: str = "kept", since_run: str | None = None, batch: int = 1000
) -> Iterator[str]:
    """The records of *source* as the JSON texts that are stored, ordered by id.

    Args:
        conn: in a read transaction.
        source: name of the source.
        state: kept or gone.
        since_run: a run's id: only what later runs made or changed.
        batch: rows that are read at a time.
    """
    later = "AND changed_run > ?" if since_run is not None else ""
    sql = bulk.sql(
        conn,
        f"SELECT id, body FROM records WHERE source = ? AND state = ? AND id > ? {later} ORDER BY id LIMIT ?",
    )
    last, extra = "", (since_run,) if since_run is not None else ()
    while True:
        rows = conn.exec_driver_sql(sql, (source, state, last, *extra, batch)).all()
        for _, body in rows:
            yield body
        if len(rows) < batch:
            return
        last = rows[-1][0]


def get(conn: Connection, record_id: str) -> dict[str, Any] | None:
    """The record *record_id*, kept or gone; None where there is none."""
    rows = bulk.select(conn, records, ("body",), "id", [record_id])
    return orjson.loads(rows[0][0]) if rows else None


def texts(conn: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Record id to text, for those of *ids* that are there."""
    rows = bulk.select(conn, records, ("id", "body"), "id", list(ids))
    return {row[0]: orjson.loads(row[1])["text"] or "" for row in rows}


def counts(conn: Connection, source: str) -> dict[str, int]:
    """State (kept, gone) to number of records."""
    sql = bulk.sql(conn, "SELECT state, count(*) FROM records WHERE source = ? GROUP BY state")
    return {"kept": 0, "gone": 0, **{row[0]: int(row[1]) for row in conn.exec_driver_sql(sql, (source,))}}


def mark_gone(conn: Connection, crawl_id: int) -> int:
    """After a complete crawl: mark the records gone that the source no longer gives; return how many.

    Gone is what an earlier crawl with the same arguments saw and this one did not, although the page it was found on
    was answered, or no link leads there any more. Where a page failed, or the crawl was cut by its budget, what lies
    behind is not known, and only the pages that were answered count.
    """
    this = crawl(conn, crawl_id)
    if this is None or not _has_earlier(conn, this):
        return 0  # and no record has been read for it
    page = "SELECT 1 FROM requests q WHERE q.crawl_id = ? AND q.fingerprint = records.page_fingerprint"
    unasked = "" if _was_cut(conn, crawl_id) else f"OR NOT EXISTS ({page})"
    sql = (
        "SELECT id FROM records WHERE source = ? AND state = 'kept' AND asked_by IN "
        "(SELECT id FROM crawls WHERE source = ? AND scope = ? AND kind = 'crawl' AND id < ?) "
        f"AND (EXISTS ({page} AND q.state = 'done') {unasked})"
    )
    values = (this.source, this.source, this.scope, crawl_id, crawl_id, *([crawl_id] if unasked else []))
    ids = [row[0] for row in conn.exec_driver_sql(bulk.sql(conn, sql), values)]
    run_id = conn.execute(select(func.max(runs.c.id)).where(runs.c.crawl_id == crawl_id)).scalar() or ""
    now = utc_now()
    bulk.update(
        conn, records, "id", ("state", "changed_run", "changed_at"), [("gone", run_id, now, id_) for id_ in ids]
    )
    signatures.delete(conn, ids)
    return len(ids)


def _has_earlier(conn: Connection, this: Row[Any]) -> bool:
    """Whether there was a crawl with the same arguments before *this* one."""
    sql = "SELECT 1 FROM crawls WHERE source = ? AND scope = ? AND kind = 'crawl' AND id < ? LIMIT 1"
    return conn.exec_driver_sql(bulk.sql(conn, sql), (this.source, this.scope, this.id)).first() is not None


def _was_cut(conn: Connection, crawl_id: int) -> bool:
    """Whether the crawl could not see all that the source has: pages failed, or its budget was spent."""
    sql = (
        "SELECT 1 FROM requests WHERE crawl_id = ? AND (state = 'failed' OR (state = 'skipped' AND reason = 'max-pages')) "
        "LIMIT 1"
    )
    return conn.exec_driver_sql(bulk.sql(conn, sql), (crawl_id,)).first() is not None
