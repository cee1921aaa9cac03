"""Pages and captures: the last good answer of each URL, and the bodies, compressed, once per content."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import zstandard
from sqlalchemy import select

from crawlers.ledger import bulk, tables
from crawlers.ledger.bodies import storable
from crawlers.ledger.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Row

    from crawlers.ledger.settlement import Answer

_LEVEL = 1
"""Of pages, 5 % larger than level 3; its tables stay in the processor's cache beside a crawl, which halves what it takes."""
_PAGE = (
    "source", "fingerprint", "url", "host", "status", "etag", "last_modified", "headers", "encoding", "body_sha256",
    "request", "fetched_at",
)  # fmt: skip
_KEY = ("source", "fingerprint")
_CAPTURE = ("sha256", "body", "size", "stored", "captured_at")
_local = threading.local()
_pages, _captures = tables.pages, tables.captures


def put(conn: Connection, source: str, answers: Sequence[tuple[Answer, str]]) -> None:
    """Write answers, each with the host that its request was leased for."""
    if not answers:
        return
    bodies = {a.body_sha256: a.body for a, _ in answers if a.body_sha256 is not None and a.body is not None}
    known = {row[0] for row in bulk.select(conn, _captures, ("sha256",), "sha256", list(bodies))}
    now = utc_now()
    rows = [_capture_row(sha256, body, now) for sha256, body in sorted(bodies.items()) if sha256 not in known]
    bulk.insert(conn, _captures, _CAPTURE, rows, key=("sha256",))
    pages = {a.fingerprint: _page_row(source, a, host) for a, host in answers}
    bulk.insert(conn, _pages, _PAGE, list(pages.values()), key=_KEY, replace=_PAGE[2:])


def compress(body: bytes) -> bytes:
    """*body* as it is stored."""
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return compressor.compress(body)  # type: ignore[no-any-return]


def decompress(data: bytes) -> bytes:
    """The inverse of :func:`compress`."""
    return zstandard.ZstdDecompressor().decompress(data)


def load(conn: Connection, sha256: str) -> bytes | None:
    """The body that *sha256* names, or None where it was never kept or has expired."""
    data = conn.execute(select(_captures.c.body).where(_captures.c.sha256 == sha256)).scalar()
    return None if data is None else decompress(data)


def page(conn: Connection, source: str, fingerprint: str) -> Row[Any] | None:
    """The last good answer to the request *fingerprint*: the columns of ``pages``."""
    name = fingerprint.partition(":")[0]
    return conn.execute(select(_pages).where(_pages.c.source == source, _pages.c.fingerprint == name)).first()


def pages(conn: Connection, source: str, batch: int = 1000) -> Iterator[Row[Any]]:
    """All pages of *source*, by fingerprint, read piece by piece."""
    last = ""
    while True:
        query = select(_pages).where(_pages.c.source == source, _pages.c.fingerprint > last)
        rows = conn.execute(query.order_by(_pages.c.fingerprint).limit(batch)).all()
        yield from rows
        if len(rows) < batch:
            return
        last = rows[-1].fingerprint


def validators(
    conn: Connection, source: str, fingerprints: Iterable[str]
) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Fingerprint, as given, to ETag, Last-Modified and capture hash, for pages that a 304 could be answered from."""
    names: dict[str, list[str]] = {}
    for given in fingerprints:
        names.setdefault(given.partition(":")[0], []).append(given)
    if not names:
        return {}
    sql = (
        "SELECT fingerprint, etag, last_modified, body_sha256 FROM pages "
        f"WHERE {bulk.among(conn, 'fingerprint')} AND source = ? AND (etag IS NOT NULL OR last_modified IS NOT NULL) "
        "AND EXISTS (SELECT 1 FROM captures WHERE sha256 = body_sha256)"
    )
    rows = conn.exec_driver_sql(bulk.sql(conn, sql), (bulk.listed(conn, names), source))
    return {given: (row[1], row[2], row[3]) for row in rows for given in names[row[0]]}


def expire(conn: Connection, before: str) -> int:
    """Drop the bodies that no page has confirmed since *before* (RFC 3339); return how many."""
    sql = (
        "DELETE FROM captures WHERE captured_at < ? AND NOT EXISTS "
        "(SELECT 1 FROM pages WHERE body_sha256 = captures.sha256 AND fetched_at >= ?)"
    )
    dropped = conn.exec_driver_sql(bulk.sql(conn, sql), (before, before)).rowcount
    if dropped:
        conn.exec_driver_sql(
            "UPDATE pages SET body_sha256 = NULL WHERE body_sha256 IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM captures WHERE sha256 = body_sha256)"
        )
    return dropped


def _capture_row(sha256: str, body: bytes, now: str) -> tuple[Any, ...]:
    data = compress(body)
    return sha256, data, len(body), len(data), now


def _page_row(source: str, answer: Answer, host: str) -> tuple[Any, ...]:
    return (
        source, answer.fingerprint, storable(answer.url), storable(host), answer.status, storable(answer.etag),
        storable(answer.last_modified), answer.headers, answer.encoding, answer.body_sha256, answer.request,
        answer.fetched_at,
    )  # fmt: skip
