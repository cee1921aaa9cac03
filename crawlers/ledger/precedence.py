"""Which of several duplicates is the one to keep: a matter of what they are, never of which was answered first.

What was kept before the crawl began comes first, so that a record that has been annotated stays; then the record with
the shorter key, then the alphabet. What is kept at the end of a crawl is therefore the one set in which no two records
are duplicates of each other and every rejected duplicate names a kept record that precedes it (the lexicographically
first maximal independent set): one undisturbed run and ten killed ones end with the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crawlers.ledger import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

FOREIGN, EARLIER, CHANGED, NEW = range(4)
"""Where a record comes from: another source; an earlier crawl, unchanged; one, with a new text; this crawl."""

STAGES = ("deduplicate", "images")
"""The stages that reject duplicates."""

_MANY = 5000


class Standing(NamedTuple):
    """A record's place; of two duplicates the one with the lesser standing is kept."""

    origin: int
    """FOREIGN, EARLIER, CHANGED or NEW."""
    length: int
    """Code points of the key."""
    key: str


def standing(key: str, origin: int = NEW) -> Standing:
    """The place of a record that this source gives under *key*."""
    return Standing(origin, len(key), key)


def standings(
    conn: Connection, ids: Iterable[str], source: str, crawl_id: int, *, state: str = "kept"
) -> dict[str, Standing]:
    """Record id to standing, as the crawl *crawl_id* of *source* sees it, for those of *ids* that are in *state*."""
    sql = (
        "SELECT r.id, r.source, r.key, f.crawl_id, v.crawl_id FROM records r LEFT JOIN runs f ON f.id = r.first_run "
        f"LEFT JOIN runs v ON v.id = r.version_run WHERE {bulk.among(conn, 'r.id')} AND r.state = '{state}'"
    )
    found: dict[str, Standing] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), _MANY):
        rows = conn.exec_driver_sql(sql, (bulk.listed(conn, wanted[start : start + _MANY]),))
        for id_, of, key, first, version in rows:
            origin = (
                FOREIGN if of != source else NEW if first == crawl_id else CHANGED if version == crawl_id else EARLIER
            )
            found[id_] = standing(key, origin)
    return found


def misplaced(conn: Connection, source: str, crawl_id: int) -> list[tuple[str, str]]:
    """Duplicates that the crawl rejected for a record that does not precede them, is no longer kept, or has changed since.

    Returns:
        Record id, and the id of the record it was rejected for, in the order in which they are to be looked at again.
    """
    marks = ", ".join("?" for _ in STAGES)
    sql = bulk.sql(
        conn,
        "SELECT record_id, key, duplicate_of FROM rejections "
        f"WHERE source = ? AND crawl_id = ? AND stage IN ({marks}) AND duplicate_of IS NOT NULL",
    )
    changed = _named_before_a_change(conn, source, crawl_id)
    rejected = conn.exec_driver_sql(sql, (source, crawl_id, *STAGES), execution_options={"yield_per": _MANY})
    wrong: list[tuple[Standing, str, str]] = []
    for rows in rejected.partitions():  # duplicates may be more than the records; what is misplaced are few
        kept = standings(conn, (of for _, _, of in rows), source, crawl_id)
        wrong += [
            (standing(key), id_, of)
            for id_, key, of in rows
            if of not in kept or kept[of] > standing(key) or id_ in changed
        ]
    return [(id_, of) for _, id_, of in sorted(wrong)]


def _named_before_a_change(conn: Connection, source: str, crawl_id: int) -> set[str]:
    """Rejected duplicates whose record of an earlier crawl has got a new text in this one, later or in the same second."""
    marks = ", ".join("?" for _ in STAGES)
    sql = bulk.sql(
        conn,
        "SELECT d.record_id FROM rejections d JOIN records k ON k.id = d.duplicate_of AND k.source = d.source "
        "JOIN runs f ON f.id = k.first_run JOIN runs v ON v.id = k.version_run "
        f"WHERE d.source = ? AND d.crawl_id = ? AND d.stage IN ({marks}) "
        "AND v.crawl_id = d.crawl_id AND f.crawl_id <> d.crawl_id AND k.changed_at >= d.rejected_at",
    )
    return {row[0] for row in conn.exec_driver_sql(sql, (source, crawl_id, *STAGES))}
