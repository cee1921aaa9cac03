"""Commits settled pages: many in one transaction, each of them whole.

A page whose lease was taken over by another worker is void: nothing of it is written, because the other worker writes
it. The number of statements depends on what there is to write, not on the number of pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawlers.ledger import captures, fates, signatures
from crawlers.ledger.clock import utc_now
from crawlers.ledger.database import serialize
from crawlers.ledger.fates import Fate
from crawlers.ledger.settlement import PENDING, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from crawlers.ledger.frontier import Frontier
    from crawlers.ledger.settlement import Lease


@dataclass(slots=True)
class Committed:
    """What a group of settlements changed."""

    new_children: int = 0
    """Requests that were not known before."""
    new: int = 0
    """Records with an id that was not there."""
    changed: int = 0
    """Records with a new content, that are a new version now."""
    updated: int = 0
    """Records with the same content and other facts about it (keywords, scores, rights); the version stays."""
    unchanged: int = 0
    """Records that were only touched."""
    rejected: int = 0
    repeated: int = 0
    """Records and rejections whose id another page of the crawl, or another item of the page, speaks for."""
    displaced: list[str] = field(default_factory=list)
    """Ids of kept records that are rejected now, because a duplicate that precedes them was found."""
    gone: int = 0
    """Records marked gone because their page is."""
    void: int = 0
    """Settlements of requests that another worker has taken over."""


def commit(conn: Connection, frontier: Frontier, settlements: Sequence[Settlement], run_id: str) -> Committed:
    """Write *settlements* and everything that they found.

    Args:
        conn: in a write transaction, whose end makes it visible.
        frontier: of the worker that holds the leases.
        settlements: closed ones; changed in nothing but their records' ``version``.
        run_id: the run that they belong to.
    """
    serialize(conn)
    held = frontier.held(conn, [s.lease.id for s in settlements if s.lease is not None])
    valid = [s for s in settlements if s.lease is None or _taken(held, s.lease)]
    result = Committed(void=len(settlements) - len(valid))
    children = [(entry, s.lease.id if s.lease is not None else None) for s in valid for entry in s.children]
    result.new_children = frontier.discover(conn, children, run_id)
    _write_records(conn, frontier, valid, run_id, result)
    captures.put(conn, frontier.source(conn), [(s.answer, s.lease.host) for s in valid if s.answer and s.lease])
    _write_states(conn, frontier, valid, run_id)
    return result


def _taken(held: set[tuple[int, int]], lease: Lease) -> bool:
    """Whether *lease* is one of *held*, which it then leaves: a request is settled once."""
    key = (lease.id, lease.attempts)
    if key not in held:
        return False
    held.remove(key)
    return True


def _write_records(
    conn: Connection, frontier: Frontier, valid: list[Settlement], run_id: str, result: Committed
) -> None:
    found = [
        Fate(record, rejected, page_of(s), number)
        for number, s in enumerate(valid)
        for record, rejected in [*((record, None) for record in s.records), *s.rejections]
    ]
    gone_pages = [page_of(s) for s in valid if s.gone]
    if not found and not gone_pages:
        return
    digest, fetches = frontier.settings_digest(conn, run_id), frontier.fetches(conn)
    context = fates.Context(frontier.crawl_id, run_id, digest, utc_now(), fetches)
    outcome = fates.write(conn, context, found)
    gone = fates.mark_gone_pages(conn, context, frontier.source(conn), [page for page in gone_pages if page])
    for kind in ("new", "changed", "updated", "unchanged", "rejected", "repeated"):
        setattr(result, kind, getattr(outcome, kind))
    result.gone = len(gone)
    displaced = [d for s in valid for d in s.displaced if d.by in outcome.kept]
    moved = fates.displace(conn, context, displaced)
    result.displaced = moved
    for id_ in moved:
        outcome.kept.pop(id_, None)
    signatures.delete(conn, [*outcome.unsigned, *gone, *moved])
    wanted = [s for settlement in valid for s in settlement.signatures if s.record_id in outcome.kept]
    signatures.put(conn, wanted, outcome.kept)


def page_of(settlement: Settlement) -> str | None:
    """Fingerprint of the page, without the suffix that keeps repeated requests apart."""
    return settlement.lease.fingerprint.partition(":")[0] if settlement.lease is not None else None


def _write_states(conn: Connection, frontier: Frontier, valid: list[Settlement], run_id: str) -> None:
    now = utc_now()
    settled, given_back = [], []
    for s in valid:
        if s.lease is None:
            continue
        if s.state == PENDING:
            given_back.append((s.reason, s.detail, s.status, s.available_at, s.lease.attempts + 1, s.lease.id))
        else:
            settled.append((s.state, s.reason, s.detail, s.status, now, run_id, s.lease.id))
    if settled:
        frontier.settle(conn, settled)
    if given_back:
        frontier.give_back(conn, given_back)
