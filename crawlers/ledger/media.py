"""Media: which files are stored, by content, and what each URL gave last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from crawlers.ledger import bulk, tables
from crawlers.ledger.bodies import storable
from crawlers.ledger.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Row

_media, _urls = tables.media, tables.media_urls
_URL = ("url", "sha256", "etag", "last_modified", "fetched_at")


def by_url(conn: Connection, url: str) -> Row[Any] | None:
    """What *url* gave last: the columns of ``media``, with ``etag``, ``last_modified`` and ``fetched_at`` of the answer."""
    query = select(_media, _urls.c.etag, _urls.c.last_modified, _urls.c.fetched_at).join(
        _urls, _urls.c.sha256 == _media.c.sha256
    )
    return conn.execute(query.where(_urls.c.url == storable(url))).first()


def errors(conn: Connection, record_id: str) -> dict[str, str]:
    """URL to error of the media of a record, kept or rejected, that could not be had."""
    found: dict[str, str] = {}
    for stored, key in ((tables.records, "id"), (tables.rejections, "record_id")):
        for (body,) in bulk.select(conn, stored, ("body",), key, [record_id]):
            media = orjson.loads(body)["media"]
            found.update({item["url"]: item["error"] for item in media if item.get("url") and item.get("error")})
    return found


def main_pictures(conn: Connection, batch: int = 1000) -> Iterator[tuple[str, str]]:
    """Record id and ``sha256:…`` of the main picture of every kept record whose modality is image."""
    sql = bulk.sql(
        conn,
        "SELECT id, body FROM records WHERE modality = 'image' AND state = 'kept' AND id > ? ORDER BY id LIMIT ?",
    )
    last = ""
    while True:
        rows = conn.exec_driver_sql(sql, (last, batch)).all()
        for record_id, body in rows:
            found = orjson.loads(body)["media"]
            main = next((media for media in found if media.get("role") == "main"), found[0] if found else {})
            if main.get("sha256"):
                yield record_id, main["sha256"]
        if len(rows) < batch:
            return
        last = rows[-1][0]


def put(
    conn: Connection,
    *,
    sha256: str,
    path: str,
    media_type: str,
    size: int,
    facts: Mapping[str, Any],
    url: str | None = None,
    etag: str | None = None,
    last_modified: str | None = None,
) -> None:
    """Write down a stored file, and which URL gave it.

    Args:
        conn: in a write transaction.
        sha256: ``sha256:…`` of the file.
        path: below the data folder, with slashes.
        media_type: as found in the bytes.
        size: in bytes.
        facts: width, height, perceptual hash, quality …; those of a file that is known already are replaced.
        url: where it came from.
        etag: of the answer.
        last_modified: of the answer, as sent.
    """
    columns = ("sha256", "path", "media_type", "bytes", "facts", "stored_at")
    row = (sha256, path, media_type, size, orjson.dumps(facts).decode(), utc_now())
    bulk.insert(conn, _media, columns, [row], key=("sha256",), replace=("path", "media_type", "bytes", "facts"))
    if url is not None:
        seen = (storable(url), sha256, etag, last_modified, utc_now())
        bulk.insert(conn, _urls, _URL, [seen], key=("url",), replace=_URL[1:])
