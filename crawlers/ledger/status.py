"""What is in the ledger: states by crawl, sizes, runs. Nothing here reads a row that it need not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select

from crawlers.ledger import crawls, tables
from crawlers.ledger.settlement import STATES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from crawlers.ledger.database import Database

_COUNTED = (tables.pages, tables.record_versions, tables.signatures, tables.media_urls, tables.runs, tables.workers)
_RUNS = 10


def overview(conn: Connection, source: str | None = None, runs: int = _RUNS) -> dict[str, Any]:
    """States, sizes and the last runs, as plain values.

    Args:
        conn: in a read transaction.
        source: only this one.
        runs: how many of the last runs.
    """
    names = [source] if source is not None else crawls.sources(conn)
    records = _grouped(conn, tables.records, "state")
    refused = _grouped(conn, tables.rejections, "stage")
    return {
        "sources": [
            {
                "source": name,
                "records": {"kept": 0, "gone": 0, **records.get(name, {})},
                "rejected": sum(refused.get(name, {}).values()),
                "crawls": _crawls(conn, name),
            }
            for name in names
        ],
        "rows": _rows(conn, records, refused),
        "captures": _captures(conn),
        "media": _media(conn),
        "runs": [_run(row) for row in crawls.runs(conn, source, runs)],
    }


def size(database: Database) -> int:
    """Bytes that the database takes: the file with its log, or what the server says."""
    path = database.path
    if path is not None:
        files = (path, path.with_name(path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with database.read() as conn:
        return int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _grouped(conn: Connection, table: Any, column: str) -> dict[str, dict[str, int]]:
    query = select(table.c.source, table.c[column], func.count()).group_by(table.c.source, table.c[column])
    found: dict[str, dict[str, int]] = {}
    for source, value, number in conn.execute(query):
        found.setdefault(source, {})[value] = int(number)
    return found


def _crawls(conn: Connection, source: str) -> list[dict[str, Any]]:
    """The newest round of each command that was given for *source*."""
    table = tables.crawls
    newest = (
        select(func.max(table.c.id).label("id"))
        .where(table.c.source == source)
        .group_by(table.c.scope, table.c.kind)
        .subquery()
    )
    rows = conn.execute(select(table).join(newest, newest.c.id == table.c.id).order_by(table.c.id)).all()
    counts = _request_counts(conn, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "round": row.round,
            "state": row.state,
            "arguments": orjson.loads(row.arguments),
            "started_at": row.started_at,
            "completed_at": row.completed_at,
            "requests": counts.get(row.id, dict.fromkeys(STATES, 0)),
        }
        for row in rows
    ]


def _request_counts(conn: Connection, ids: list[int]) -> dict[int, dict[str, int]]:
    table = tables.request_counts
    found: dict[int, dict[str, int]] = {}
    for row in conn.execute(select(table).where(table.c.crawl_id.in_(ids))):
        found.setdefault(row.crawl_id, dict.fromkeys(STATES, 0))[row.state] = int(row.number)
    return found


def _rows(conn: Connection, records: dict[str, dict[str, int]], refused: dict[str, dict[str, int]]) -> dict[str, int]:
    counts = tables.request_counts
    rows = {
        "requests": int(conn.execute(select(func.sum(counts.c.number))).scalar() or 0),
        "records": sum(sum(states.values()) for states in records.values()),
        "rejections": sum(sum(stages.values()) for stages in refused.values()),
    }
    for table in _COUNTED:
        rows[str(table.name)] = int(conn.execute(select(func.count()).select_from(table)).scalar_one())
    return rows


def _captures(conn: Connection) -> dict[str, int]:
    table = tables.captures
    query = select(func.count(), func.sum(table.c.stored), func.sum(table.c.size)).select_from(table)
    number, stored, plain = conn.execute(query).one()
    return {"number": int(number), "bytes": int(stored or 0), "bytes_uncompressed": int(plain or 0)}


def _media(conn: Connection) -> dict[str, int]:
    table = tables.media
    number, stored = conn.execute(select(func.count(), func.sum(table.c.bytes)).select_from(table)).one()
    return {"number": int(number), "bytes": int(stored or 0)}


def _run(row: Any) -> dict[str, Any]:
    names = ("id", "source", "command", "worker", "started_at", "finished_at", "reason", "exit_code")
    return {name: getattr(row, name) for name in names}
