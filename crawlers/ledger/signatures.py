"""The deduplication index: one row for each kept record, numbered so that every worker can read what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.ledger import bulk
from crawlers.ledger.tables import signatures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from crawlers.ledger.settlement import Signature

_COLUMNS = ("record_id", "source", "text_hash", "bands")


def since(conn: Connection, seq: int = 0, batch: int = 10_000) -> Iterator[tuple[int, str, str, bytes, bytes]]:
    """Rows with a number above *seq*, in order: number, record id, source, text hash, bands."""
    sql = bulk.sql(conn, f"SELECT seq, {', '.join(_COLUMNS)} FROM signatures WHERE seq > ? ORDER BY seq LIMIT ?")
    while True:
        rows = conn.exec_driver_sql(sql, (seq, batch)).all()
        yield from map(tuple, rows)
        if len(rows) < batch:
            return
        seq = rows[-1][0]


def of_crawl(conn: Connection, crawl_id: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Record id, text hash and bands of the records whose text the crawl *crawl_id* brought."""
    sql = (
        "SELECT s.record_id, s.text_hash, s.bands FROM signatures s JOIN records r ON r.id = s.record_id "
        "JOIN runs v ON v.id = r.version_run WHERE v.crawl_id = ? ORDER BY s.seq"
    )
    for row in conn.exec_driver_sql(bulk.sql(conn, sql), (crawl_id,)):
        yield row[0], row[1], row[2]


def among(conn: Connection, ids: Sequence[str]) -> list[str]:
    """Those of *ids* that are in the index."""
    return [row[0] for row in bulk.select(conn, signatures, ("record_id",), "record_id", ids)]


def put(conn: Connection, wanted: Sequence[Signature], sources: Mapping[str, str]) -> None:
    """Write the signatures of kept records; one that replaces another gets a new number.

    Args:
        conn: in a write transaction.
        wanted: signatures, the last one of a record counts.
        sources: record id to the name of its source.
    """
    last = {signature.record_id: signature for signature in wanted}
    for row in bulk.select(conn, signatures, ("record_id", "text_hash", "bands"), "record_id", list(last)):
        old = last[row[0]]
        if (bytes(row[1]), bytes(row[2])) == (old.text_hash, old.bands):
            del last[row[0]]
    delete(conn, list(last))
    rows = [(s.record_id, sources[s.record_id], s.text_hash, s.bands) for s in last.values()]
    bulk.insert(conn, signatures, _COLUMNS, rows)


def delete(conn: Connection, ids: Sequence[str]) -> None:
    """Take records out of the index."""
    bulk.delete(conn, signatures, "record_id", ids)
