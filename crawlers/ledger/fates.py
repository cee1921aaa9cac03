"""Writes what became of records: kept, changed, touched, rejected or gone.

A record id stands in ``records`` or in ``rejections``, never in both: the source's newest word counts. Where two pages
of one crawl speak for the same id (a product under two addresses), the page with the lower fingerprint has the word,
so that the outcome does not depend on which of them was answered first, nor on where a crawl was killed.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from crawlers.items import from_dict
from crawlers.ledger import bulk
from crawlers.ledger.bodies import Body, body_of, json_text, storable
from crawlers.ledger.tables import record_versions, records, rejections, signatures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from crawlers.errors import Rejected
    from crawlers.items import Record
    from crawlers.ledger.settlement import Displaced

logger = logging.getLogger(__name__)

_HOST = re.compile(r"://([^/?#]*)")

_KNOWN = (
    "id", "version", "content_hash", "envelope_hash", "state", "crawl_id", "page_fingerprint", "version_run", "asked_by",
)  # fmt: skip
_REJECTED = ("record_id", "crawl_id", "page_fingerprint", "duplicate_of", "asked_by")
_INSERT = (
    "id", "source", "key", "version", "content_hash", "envelope_hash", "state", "url", "host", "type", "modality",
    "language", "body", "crawl_id", "page_fingerprint", "first_run", "version_run", "changed_run", "seen_run", "created_at",
    "changed_at", "asked_by",
)  # fmt: skip
_REPLACE = tuple(name for name in _INSERT if name not in {"id", "source", "key", "first_run", "created_at"})
_TOUCH = ("state", "crawl_id", "page_fingerprint", "seen_run", "asked_by")
_REJECT = (
    "record_id", "source", "key", "url", "stage", "reason", "detail", "value", "threshold", "settings_digest",
    "duplicate_of", "body", "crawl_id", "page_fingerprint", "run_id", "rejected_at", "asked_by",
)  # fmt: skip


@dataclass(slots=True)
class Fate:
    """A record as it left the pipelines."""

    record: Record
    rejected: Rejected | None
    page: str | None
    """Fingerprint of the page it was found on, where there is one."""
    unit: int = 0
    """Number of the settlement that it came with."""


@dataclass(slots=True)
class Context:
    """On whose behalf rows are written."""

    crawl_id: int
    run_id: str
    settings_digest: str | None
    now: str
    fetches: bool = True
    """Whether the crawl asks for pages; refine and readmit read what was fetched."""


class _Origin(NamedTuple):
    """Where a record was found."""

    page: str | None
    """Fingerprint of the page."""
    asked_by: int | None
    """The crawl that asked for the page last, where that is known."""


@dataclass(slots=True)
class Outcome:
    """What was written."""

    new: int = 0
    changed: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    repeated: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    """Id to source of each record that is kept."""
    unsigned: list[str] = field(default_factory=list)
    """Ids of records whose signature, if there is one, is that of an earlier text."""


@dataclass(slots=True)
class _Plan:
    """The rows of one round of distinct ids."""

    upserts: list[tuple[Any, ...]] = field(default_factory=list)
    touches: list[tuple[Any, ...]] = field(default_factory=list)
    archive: list[str] = field(default_factory=list)
    """Ids whose present row becomes an earlier version."""
    drop: list[str] = field(default_factory=list)
    """Ids that leave ``records``."""
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)
    """Ids that leave ``rejections``."""


def write(conn: Connection, context: Context, found: Sequence[Fate]) -> Outcome:
    """Write *found*; later ones of the same id come after earlier ones."""
    outcome = Outcome()
    for fates in _rounds(_own_words(found, outcome)):
        _write_round(conn, context, fates, outcome)
    return outcome


def displace(conn: Connection, context: Context, displaced: Sequence[Displaced]) -> list[str]:
    """Reject kept records that give way to others; return the ids of those that were there."""
    wanted = {one.record_id: one for one in displaced}
    texts = dict(bulk.select(conn, signatures, ("record_id", "text_hash"), "record_id", list(wanted)))
    for id_, one in list(wanted.items()):
        if one.text_hash not in {None, texts.get(id_)}:
            del wanted[id_]
    columns = ("id", "body", "page_fingerprint")
    rows = bulk.select(conn, records, columns, "id", list(wanted), where="AND state = 'kept'")
    found = [Fate(from_dict(orjson.loads(body)), wanted[id_].rejected, page) for id_, body, page in rows]
    write(conn, context, found)
    return [fate.record.id for fate in found]


def mark_gone_pages(conn: Connection, context: Context, source: str, pages: Sequence[str]) -> list[str]:
    """Mark the kept records of *source* that were found on *pages* gone; return their ids."""
    if not pages:
        return []
    condition = f"{bulk.among(conn, 'page_fingerprint')} AND source = ? AND state = 'kept'"
    sql = bulk.sql(conn, f"SELECT id FROM records WHERE {condition}")
    ids = [row[0] for row in conn.exec_driver_sql(sql, (bulk.listed(conn, pages), source))]
    rows = [("gone", context.run_id, context.now, id_) for id_ in ids]
    bulk.update(conn, records, "id", ("state", "changed_run", "changed_at"), rows)
    return ids


def _own_words(found: Sequence[Fate], outcome: Outcome) -> list[Fate]:
    """One fate for each id that a page gave: the first kept one, or else the first rejected one."""
    chosen: dict[tuple[int, str], Fate] = {}
    for fate in found:
        if chosen.setdefault((fate.unit, fate.record.id), fate) is not fate:
            outcome.repeated += 1
            logger.warning(
                "%s gave the record %s (key %r) more than once: the first one is kept. "
                "Where one page gives several records, their keys differ in a part after #",
                fate.record.url, fate.record.id, fate.record.key,
            )  # fmt: skip
    return list(chosen.values())


def _rounds(found: Iterable[Fate]) -> list[list[Fate]]:
    """*found* in order, in lists in which no id comes twice."""
    rounds: list[list[Fate]] = []
    times: dict[str, int] = {}
    for fate in found:
        number = times.get(fate.record.id, 0)
        times[fate.record.id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(fate)
    return rounds


def _write_round(conn: Connection, context: Context, fates: list[Fate], outcome: Outcome) -> None:
    ids = [fate.record.id for fate in fates]
    known = {row[0]: row for row in bulk.select(conn, records, _KNOWN, "id", ids)}
    refused = {row[0]: row for row in bulk.select(conn, rejections, _REJECTED, "record_id", ids)}
    fresh = [fate.record.id for fate in fates if fate.rejected is None and fate.record.id not in known]
    history = _history(conn, fresh)
    origins = _origins(conn, context, fates, {**refused, **known})
    plan = _Plan()
    for fate in fates:
        id_ = fate.record.id
        before = known.get(id_)
        earlier = before if before is not None else refused.get(id_)
        if earlier is not None and (
            _is_spoken_for(earlier, fate, context) or _was_displaced(conn, earlier, fate, context)
        ):
            outcome.repeated += 1
            continue
        if fate.rejected is not None:
            _reject(plan, context, fate, origins[id_], before, outcome)
        else:
            if id_ in refused:
                plan.admitted.append(id_)
            _keep(conn, plan, context, fate.record, origins[id_], before, history.get(id_), outcome)
    _execute(conn, plan)


def _origins(conn: Connection, context: Context, fates: list[Fate], before: Mapping[str, Any]) -> dict[str, _Origin]:
    """Id to origin. What refine finds for the first time belongs to the crawl that asked for its page."""
    origins: dict[str, _Origin] = {}
    for fate in fates:
        earlier = before.get(fate.record.id)
        page = fate.page or (earlier.page_fingerprint if earlier is not None else None)
        asked_by = context.crawl_id if context.fetches else earlier.asked_by if earlier is not None else None
        origins[fate.record.id] = _Origin(page, asked_by)
    pages = {origin.page for origin in origins.values() if origin.page and origin.asked_by is None}
    if not pages:
        return origins
    sql = bulk.sql(
        conn,
        "SELECT q.fingerprint, max(q.crawl_id) FROM crawls this JOIN crawls c ON c.source = this.source "
        "JOIN requests q ON q.crawl_id = c.id WHERE this.id = ? AND c.kind = 'crawl' "
        f"AND {bulk.among(conn, 'q.fingerprint')} GROUP BY q.fingerprint",
    )
    asked = dict(map(tuple, conn.exec_driver_sql(sql, (context.crawl_id, bulk.listed(conn, pages)))))
    if len(asked) < len(pages):
        asked = _askers_by_neighbours(conn, context, pages - set(asked)) | asked
    return {
        id_: origin if origin.asked_by else origin._replace(asked_by=asked.get(origin.page))
        for id_, origin in origins.items()
    }


def _askers_by_neighbours(conn: Connection, context: Context, pages: set[str]) -> dict[str | None, Any]:
    """Page to the crawl that asked for it, of what else was found there: compacting has dropped the request."""
    sql = bulk.sql(
        conn,
        "SELECT r.page_fingerprint, max(r.asked_by) FROM crawls this JOIN records r ON r.source = this.source "
        f"WHERE this.id = ? AND r.asked_by IS NOT NULL AND {bulk.among(conn, 'r.page_fingerprint')} GROUP BY r.page_fingerprint",
    )
    return dict(map(tuple, conn.exec_driver_sql(sql, (context.crawl_id, bulk.listed(conn, pages)))))


def _is_spoken_for(earlier: Any, fate: Fate, context: Context) -> bool:
    """Whether another page of this crawl, with a lower fingerprint, has given this id already."""
    if earlier.crawl_id != context.crawl_id or fate.page is None or earlier.page_fingerprint is None:
        return False
    return bool(earlier.page_fingerprint < fate.page) and getattr(earlier, "state", "kept") != "gone"


def _was_displaced(conn: Connection, earlier: Any, fate: Fate, context: Context) -> bool:
    """Whether a duplicate has taken the record's place while its own page was still under way."""
    if fate.rejected is not None or fate.page is None or getattr(earlier, "duplicate_of", None) is None:
        return False
    if (earlier.crawl_id, earlier.page_fingerprint) != (context.crawl_id, fate.page):
        return False
    ((body,),) = bulk.select(conn, rejections, ("body",), "record_id", [fate.record.id])
    # A record that its own page's pipelines refused was never sealed.
    return bool(orjson.loads(body)["content_hash"] == fate.record.content_hash)


def _history(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Id to number and content hash of the last version of records that were here before and left."""
    columns = ("id", "version", "content_hash")
    last: dict[str, tuple[int, str]] = {}
    for id_, version, content_hash in bulk.select(conn, record_versions, columns, "id", ids):
        if id_ not in last or last[id_][0] < version:
            last[id_] = (version, content_hash)
    return last


def _keep(
    conn: Connection,
    plan: _Plan,
    context: Context,
    record: Record,
    origin: _Origin,
    before: Any,
    past: tuple[int, str] | None,
    outcome: Outcome,
) -> None:
    content_hash = record.content_hash or record.seal()
    outcome.kept[record.id] = record.source
    if before is None:
        outcome.new += 1
        record.version = _version_after(conn, record.id, past, content_hash)
        plan.upserts.append(_row(record, body_of(record), context, origin, context.run_id))
        return
    record.version, made_by = before.version, context.run_id
    if before.content_hash == content_hash:
        body = body_of(record)
        if body.envelope_hash == before.envelope_hash:
            outcome.unchanged += 1
            plan.touches.append(("kept", context.crawl_id, origin.page, context.run_id, origin.asked_by, record.id))
            return
        outcome.updated += 1
        made_by = before.version_run
    else:
        outcome.changed += 1
        outcome.unsigned.append(record.id)
        if before.crawl_id == context.crawl_id and origin.page and before.page_fingerprint not in {None, origin.page}:
            record.version = _reverted(conn, record.id, before.version, content_hash)
        else:
            plan.archive.append(record.id)
            record.version = before.version + 1
        body = body_of(record)
    plan.upserts.append(_row(record, body, context, origin, made_by))


def _version_after(conn: Connection, id_: str, past: tuple[int, str] | None, content_hash: str) -> int:
    """The number of a record that comes back: the old one where it comes back as it was."""
    if past is None:
        return 1
    version, old_hash = past
    if old_hash != content_hash:
        return version + 1
    _forget_version(conn, id_, version)
    return version


def _reverted(conn: Connection, id_: str, version: int, content_hash: str) -> int:
    """The number of a record that another page of the crawl had given first: that is no change of the source.

    Where this page's content is that of the version before, the number goes back too.
    """
    past = _history(conn, [id_]).get(id_)
    if past is None or past != (version - 1, content_hash):
        return version
    _forget_version(conn, id_, version - 1)
    return version - 1


def _forget_version(conn: Connection, id_: str, version: int) -> None:
    table = record_versions
    conn.execute(table.delete().where(table.c.id == id_, table.c.version == version))


def _row(record: Record, body: Body, context: Context, origin: _Origin, made_by: str | None) -> tuple[Any, ...]:
    run, now, url = context.run_id, context.now, record.url
    found = _HOST.search(url) if url else None
    host = found[1] if found else None
    return (
        record.id, storable(record.source), storable(record.key), record.version, record.content_hash, body.envelope_hash,
        "kept", storable(url), storable(host), record.type, record.modality, record.language, body.text,
        context.crawl_id, origin.page, run, made_by, run, run, now, now, origin.asked_by,
    )  # fmt: skip


def _reject(plan: _Plan, context: Context, fate: Fate, origin: _Origin, before: Any, outcome: Outcome) -> None:
    record, rejected = fate.record, fate.rejected
    assert rejected is not None
    outcome.rejected += 1
    outcome.unsigned.append(record.id)
    outcome.kept.pop(record.id, None)
    if before is not None:
        plan.archive.append(record.id)
        plan.drop.append(record.id)
    plan.rejects.append((
        record.id, storable(record.source), storable(record.key), storable(record.url), rejected.stage, rejected.reason,
        storable(rejected.detail), json_text(rejected.value), json_text(rejected.threshold), context.settings_digest,
        rejected.duplicate_of, body_of(record).text, context.crawl_id, origin.page, context.run_id, context.now,
        origin.asked_by,
    ))  # fmt: skip


def _execute(conn: Connection, plan: _Plan) -> None:
    if plan.archive:
        sql = (
            "INSERT INTO record_versions (id, version, content_hash, body, run_id) "
            f"SELECT id, version, content_hash, body, changed_run FROM records WHERE {bulk.among(conn, 'id')}"
        )
        conn.exec_driver_sql(sql, (bulk.listed(conn, plan.archive),))
    bulk.delete(conn, records, "id", plan.drop)
    bulk.delete(conn, rejections, "record_id", plan.admitted)
    bulk.insert(conn, records, _INSERT, plan.upserts, key=("id",), replace=_REPLACE)
    bulk.update(conn, records, "id", _TOUCH, plan.touches)
    bulk.insert(conn, rejections, _REJECT, plan.rejects, key=("record_id",), replace=_REJECT[1:])
