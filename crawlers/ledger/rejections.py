"""Reads the rejections: counted, listed, looked up. What is rejected is kept, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import func, select, tuple_

from crawlers.ledger import bulk
from crawlers.ledger.tables import rejections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection, Row, Select

_KEY = (rejections.c.stage, rejections.c.reason, rejections.c.record_id)


def counts(conn: Connection, source: str) -> list[tuple[str, str, int]]:
    """Stage, reason and number of rejections, the most frequent first."""
    number = func.count().label("number")
    query = (
        select(rejections.c.stage, rejections.c.reason, number)
        .where(rejections.c.source == source)
        .group_by(rejections.c.stage, rejections.c.reason)
        .order_by(number.desc(), rejections.c.stage, rejections.c.reason)
    )
    return [(row[0], row[1], int(row[2])) for row in conn.execute(query)]


def iterate(
    conn: Connection,
    source: str,
    reason: str | None = None,
    stage: str | None = None,
    url: str | None = None,
    where: Callable[[dict[str, Any]], bool] | None = None,
    batch: int = 1000,
) -> Iterator[dict[str, Any]]:
    """Rejections of *source*, by stage, reason and id, read piece by piece.

    Args:
        conn: in a read transaction.
        source: name of the source.
        reason: only this one.
        stage: only this one.
        url: only those whose URL contains this.
        where: only those for which this is true.
        batch: rows that are read at a time.

    Yields:
        The columns of ``rejections``; ``value`` and ``threshold`` as JSON values, and the record as ``record``.
    """
    query = _chosen(select(rejections), source, stage, reason)
    if url is not None:
        query = query.where(rejections.c.url.contains(url, autoescape=True))
    query = query.order_by(*_KEY).limit(batch)
    last: tuple[str, str, str] | None = None
    while True:
        rows = conn.execute(query if last is None else query.where(tuple_(*_KEY) > tuple_(*last))).all()
        for row in rows:
            found = _as_dict(row)
            if where is None or where(found):
                yield found
        if len(rows) < batch:
            return
        last = (rows[-1].stage, rows[-1].reason, rows[-1].record_id)


def keys(conn: Connection, source: str, stage: str | None = None, reason: str | None = None) -> list[str]:
    """Record ids of the rejections of *source*, ordered."""
    query = _chosen(select(rejections.c.record_id), source, stage, reason)
    return list(conn.execute(query.order_by(rejections.c.record_id)).scalars())


def get(conn: Connection, record_id: str) -> dict[str, Any] | None:
    """The rejection of *record_id*, as :func:`iterate` yields it; None where it is not rejected."""
    row = conn.execute(select(rejections).where(rejections.c.record_id == record_id)).first()
    return None if row is None else _as_dict(row)


def delete(conn: Connection, ids: Sequence[str]) -> int:
    """Forget the rejections of *ids*; return how many there were."""
    return bulk.delete(conn, rejections, "record_id", ids)


def _chosen(query: Select[Any], source: str, stage: str | None, reason: str | None) -> Select[Any]:
    query = query.where(rejections.c.source == source)
    if stage is not None:
        query = query.where(rejections.c.stage == stage)
    return query if reason is None else query.where(rejections.c.reason == reason)


def _as_dict(row: Row[Any]) -> dict[str, Any]:
    data = {str(name): value for name, value in row._mapping.items()}
    data["record"] = orjson.loads(data.pop("body"))
    for name in ("value", "threshold"):
        data[name] = None if data[name] is None else orjson.loads(data[name])
    return data
