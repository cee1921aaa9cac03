"""Counts what a report shows: requests by reason and host, records by language, rejections by stage, with samples.

Everything is counted by the database; only :func:`sample` and the ``…_samples`` functions read rows, few of them.
The requests of a crawl are read in the order in which they lie: in that of an index of hashes each row is a read of its
own, unless the whole table is kept in memory.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import and_, case, false, func, or_, select

from crawlers.ledger.settlement import LIST
from crawlers.ledger.tables import records, rejections, requests, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection

_NUMBER = func.count().label("number")


def request_reasons(conn: Connection, crawl_id: int) -> list[tuple[str, str, int]]:
    """State, reason and number of requests that have a reason, the most frequent first."""
    query = (
        select(requests.c.state, requests.c.reason, _NUMBER)
        .where(_of(conn, crawl_id), requests.c.reason.is_not(None))
        .group_by(requests.c.state, requests.c.reason)
        .order_by(_NUMBER.desc(), requests.c.state, requests.c.reason)
    )
    return [(row[0], row[1], int(row[2])) for row in conn.execute(query)]


def request_samples(conn: Connection, crawl_id: int, state: str, reason: str, limit: int) -> list[dict[str, Any]]:
    """The first *limit* requests that ended so: url, status and detail."""
    query = (
        select(requests.c.url, requests.c.status, requests.c.detail)
        .where(_of(conn, crawl_id), requests.c.state == state, requests.c.reason == reason)
        .order_by(requests.c.id)
        .limit(limit)
    )
    return [{"url": row.url, "status": row.status, "detail": row.detail} for row in conn.execute(query)]


def statuses(conn: Connection, crawl_id: int) -> dict[str, int]:
    """HTTP status to number of requests that were answered with it."""
    query = (
        select(requests.c.status, _NUMBER)
        .where(_of(conn, crawl_id), requests.c.status.is_not(None))
        .group_by(requests.c.status)
        .order_by(requests.c.status)
    )
    return {str(row[0]): int(row[1]) for row in conn.execute(query)}


def hosts(conn: Connection, crawl_id: int, source: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The *limit* hosts with the most requests, each with its states and kept records; and the number of all hosts."""
    host = requests.c.host
    states = [
        func.sum(case((requests.c.state == state, 1), else_=0)).label(state)
        for state in ("pending", "leased", "done", "failed", "skipped")
    ]
    here = _of(conn, crawl_id)
    query = select(host, _NUMBER, *states).where(here).group_by(host)
    rows = conn.execute(query.order_by(_NUMBER.desc(), host).limit(limit)).all()
    names = [row.host for row in rows]
    kept = _records_by_host(conn, source, names)
    total = conn.execute(select(func.count(host.distinct())).where(here)).scalar_one()
    found = [
        {
            "host": row.host or "(no host)", "discovered": int(row.number), "done": int(row.done),
            "failed": int(row.failed), "skipped": int(row.skipped), "pending": int(row.pending + row.leased),
            "records": kept.get(row.host, 0),
        }
        for row in rows
    ]  # fmt: skip
    return found, int(total)


def _records_by_host(conn: Connection, source: str, names: Sequence[str]) -> dict[str, int]:
    query = (
        select(records.c.host, _NUMBER)
        .where(_kept(source), records.c.host.in_(names))
        .group_by(records.c.host)
    )  # fmt: skip
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def records_by(conn: Connection, source: str, *columns: str) -> dict[str, dict[str, int]]:
    """For each of *columns* (type, modality, language): value to number of kept records, the most frequent first."""
    values = [records.c[column] for column in columns]
    found: dict[str, Counter[str | None]] = {column: Counter() for column in columns}
    for *row, number in conn.execute(select(*values, _NUMBER).where(_kept(source)).group_by(*values)):
        for column, value in zip(columns, row, strict=True):
            found[column][value] += int(number)
    return {column: _named(numbers) for column, numbers in found.items()}


def _named(numbers: Counter[str | None]) -> dict[str, int]:
    ordered = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0] or ""))
    return {"unknown" if value is None else value: number for value, number in ordered}


def record_changes(conn: Connection, source: str, crawl_id: int) -> dict[str, int]:
    """How many of the source's records are new, changed and so on since this crawl began, and how many went.

    Changed is what has another content now; updated is what has the same, and other facts about it.
    """
    here = select(runs.c.id).where(runs.c.crawl_id == crawl_id).scalar_subquery()
    new = and_(records.c.state == "kept", records.c.first_run.in_(here))
    seen = and_(records.c.state == "kept", records.c.crawl_id == crawl_id)
    known = and_(seen, records.c.first_run.not_in(here))
    changed = and_(known, records.c.version_run.in_(here))
    updated = and_(known, records.c.version_run.not_in(here), records.c.changed_run.in_(here))
    unchanged = and_(seen, records.c.changed_run.not_in(here))
    gone = and_(records.c.state == "gone", records.c.changed_run.in_(here))
    columns = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0).label(name)
        for name, condition in (
            ("new", new), ("changed", changed), ("updated", updated), ("unchanged", unchanged), ("gone", gone),
            ("kept", records.c.state == "kept"),
        )
    ]  # fmt: skip
    row = conn.execute(select(*columns).where(records.c.source == source)).one()
    return {str(name): int(value) for name, value in zip(row._fields, row, strict=True)}


def rejection_counts(conn: Connection, source: str, crawl_id: int | None = None) -> list[tuple[str, str, int]]:
    """Stage, reason and number, the most frequent first; of one crawl, or of all that is rejected now."""
    query = select(rejections.c.stage, rejections.c.reason, _NUMBER).where(rejections.c.source == source)
    if crawl_id is not None:
        query = query.where(rejections.c.crawl_id == crawl_id)
    query = query.group_by(rejections.c.stage, rejections.c.reason)
    query = query.order_by(_NUMBER.desc(), rejections.c.stage, rejections.c.reason)
    return [(row[0], row[1], int(row[2])) for row in conn.execute(query)]


def rejection_samples(
    conn: Connection, source: str, crawl_id: int, stage: str, reason: str, limit: int
) -> list[dict[str, Any]]:
    """The first *limit* rejections by record id, which is a random choice: ids are hashes."""
    r = rejections.c
    query = select(
        r.record_id, r.key, r.url, r.detail, r.value, r.threshold, r.duplicate_of, r.body
    ).where(r.source == source, r.crawl_id == crawl_id, r.stage == stage, r.reason == reason)  # fmt: skip
    return [_rejection(row) for row in conn.execute(query.order_by(r.record_id).limit(limit))]


def _rejection(row: Any) -> dict[str, Any]:
    return {
        "record_id": row.record_id,
        "key": row.key,
        "url": row.url,
        "detail": row.detail,
        "value": None if row.value is None else orjson.loads(row.value),
        "threshold": None if row.threshold is None else orjson.loads(row.threshold),
        "duplicate_of": row.duplicate_of,
        "record": orjson.loads(row.body),
    }


def sample(conn: Connection, source: str, limit: int) -> Iterator[dict[str, Any]]:
    """Up to *limit* kept records: the first by id, which is a random choice, since ids are hashes."""
    query = select(records.c.body).where(_kept(source)).order_by(records.c.id).limit(limit)
    for row in conn.execute(query, execution_options={"yield_per": 500}):
        yield orjson.loads(row[0])


def settled_by(conn: Connection, crawl_id: int, run_id: str) -> int:
    """Requests of the crawl that this run settled."""
    query = select(func.count()).where(_of(conn, crawl_id), requests.c.run_id == run_id)
    return int(conn.execute(query).scalar_one())


def answered(conn: Connection, crawl_id: int, limit: int) -> list[tuple[str, str]]:
    """Fingerprint and URL of some requests that were answered and whose callback ran."""
    query = (
        select(requests.c.fingerprint, requests.c.url)
        .where(_of(conn, crawl_id), requests.c.state == "done")
        .where(or_(requests.c.reason.is_(None), requests.c.reason == LIST))
        .order_by(requests.c.id)
        .limit(limit)
    )
    return [(row[0].partition(":")[0], row[1]) for row in conn.execute(query)]


def _kept(source: str) -> ColumnElement[bool]:
    return and_(records.c.source == source, records.c.state == "kept")


def _of(conn: Connection, crawl_id: int) -> ColumnElement[bool]:
    """The requests of a crawl; on SQLite those from its first one to its last one.

    There both ends are known from the index of fingerprints alone, since it has the ids. With a bare ``crawl_id = …`` it
    would go through the requests by that index, in an order that is as good as random; a sum it cannot look up. PostgreSQL
    reads the rows in their own order by itself, and would look for the ends in those of all crawls.
    """
    if conn.dialect.name != "sqlite":
        return requests.c.crawl_id == crawl_id
    ids = select(func.min(requests.c.id), func.max(requests.c.id)).where(requests.c.crawl_id == crawl_id)
    first, last = conn.execute(ids).one()
    if first is None:
        return false()
    return and_(requests.c.id.between(first, last), requests.c.crawl_id + 0 == crawl_id)
