"""The part of the check that reads what is stored: bodies of records, captures, media files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson
import zstandard

from crawlers.hashing import digest, record_id, sha256
from crawlers.ledger import bulk
from crawlers.ledger.bodies import envelope_hash
from crawlers.ledger.captures import decompress
from crawlers.ledger.tables import media as media_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

Finding = tuple[str, str, str]
"""What, where, and what to do."""

_BATCH = 1000
_SAMPLE = 500
_REFINE = "run `scrapy refine <source>`: the record is made again from its capture"
_AGAIN = "crawl the source again with --fresh: it is fetched anew"
_COLUMNS = "id, source, key, version, content_hash, envelope_hash, body"


def findings(conn: Connection, data_dir: Path, full: bool) -> Iterator[tuple[str, Iterable[Finding]]]:
    """Kind of problem and what was found of it."""
    yield "record-body", _records(conn)
    yield "rejection-body", _rejections(conn)
    yield "capture", _captures(conn, full)
    yield "media-file", _media(conn, data_dir, full)


def _records(conn: Connection) -> Iterator[Finding]:
    for rows in _pieces(conn, "records", "id", _COLUMNS):
        media: dict[str, str] = {}
        for row in rows:
            body = orjson.loads(row.body)
            for what in _faults_of(row, body):
                yield what, f"record {row.id} of {row.source}", _REFINE
            media.update({item["sha256"]: row.id for item in body["media"] if "sha256" in item})
        known = {found[0] for found in bulk.select(conn, media_table, ("sha256",), "sha256", list(media))}
        for missing in sorted(set(media) - known):
            yield f"expected the stored file {missing}, got no row for it", f"record {media[missing]}", _REFINE


def _faults_of(row: Any, body: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one record's row."""
    for name in ("id", "version", "content_hash"):
        if body[name] != getattr(row, name):
            yield f"expected {name} {getattr(row, name)!r} in the stored body, got {body[name]!r}"
    if record_id(body["source"], body["key"]) != row.id:
        yield f"expected the id of source {body['source']!r} and key {body['key']!r}, got {row.id}"
    media = [item.get("sha256") or item.get("url") for item in body["media"]]
    content = digest({"title": body["title"], "text": body["text"], "fields": body["fields"], "media": media})
    if content != row.content_hash:
        yield f"expected content_hash {content}, got {row.content_hash}"
    body.pop("provenance")
    if envelope_hash(orjson.dumps(body)) != row.envelope_hash:
        yield "expected the envelope_hash of the stored body, got another"


def _rejections(conn: Connection) -> Iterator[Finding]:
    for rows in _pieces(conn, "rejections", "record_id", "record_id, source, body"):
        for row in rows:
            body = orjson.loads(row.body)
            if body["id"] != row.record_id or record_id(body["source"], body["key"]) != row.record_id:
                what = f"expected the id of source {body['source']!r} and key {body['key']!r}"
                yield what, f"rejection {row.record_id} of {row.source}", _REFINE


def _captures(conn: Connection, full: bool) -> Iterator[Finding]:
    for rows in _pieces(conn, "captures", "sha256", "sha256, size, stored, body", full=full, batch=50):
        for row in rows:
            where = f"capture {row.sha256}"
            try:
                body = decompress(bytes(row.body))
            except zstandard.ZstdError as exc:
                yield f"expected a compressed body, got {exc}", where, _AGAIN
                continue
            if sha256(body) != row.sha256:
                yield f"expected a body of this hash, got {sha256(body)}", where, _AGAIN
            if (row.size, row.stored) != (len(body), len(row.body)):
                yield (
                    f"expected {len(body)} bytes, {len(row.body)} stored, got {row.size} and {row.stored}",
                    where,
                    _AGAIN,
                )


def _media(conn: Connection, data_dir: Path, full: bool) -> Iterator[Finding]:
    hashed = 0
    for rows in _pieces(conn, "media", "sha256", "sha256, path, bytes"):
        for row in rows:
            path = data_dir / row.path
            if not path.is_file():
                yield "expected a file, got none", str(path), _AGAIN
            elif path.stat().st_size != row.bytes:
                yield f"expected {row.bytes} bytes, got {path.stat().st_size}", str(path), _AGAIN
            elif full or hashed < _SAMPLE:
                hashed += 1
                with path.open("rb") as file:
                    found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
                if found != row.sha256:
                    yield f"expected content {row.sha256}, got {found}", str(path), _AGAIN


def _pieces(
    conn: Connection, table: str, key: str, columns: str, *, full: bool = True, batch: int = _BATCH
) -> Iterator[list[Any]]:
    """All rows of *table* by ranges of *key*, or the first of them."""
    sql = bulk.sql(conn, f"SELECT {columns} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT ?")
    last, seen = "", 0
    while full or seen < _SAMPLE:
        rows = list(conn.exec_driver_sql(sql, (last, batch)))
        if rows:
            yield rows
        if len(rows) < batch:
            return
        last, seen = getattr(rows[-1], key), seen + len(rows)
