"""Verifies every invariant of the ledger. What is found names the place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from crawlers.ledger import stored
from crawlers.ledger.settlement import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_SHOWN = 20  # problems of one kind that are listed; the others are only counted
_RESUME = "run the same `scrapy crawl` again: it takes back what was left behind"
_REPORT = "restore a backup, or report this with the output of `scrapy ledger status`"


@dataclass(frozen=True, slots=True)
class Problem:
    """An invariant that does not hold."""

    kind: str
    """Slug of the invariant."""
    what: str
    """Expected and got."""
    where: str
    """The row or file."""
    remedy: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant as a query for the rows that break it: each has what is wrong, and where."""

    kind: str
    query: str
    remedy: str


RULES = (
    Rule(
        "unknown-state",
        "SELECT 'expected a known state, got ' || state, 'request ' || id FROM requests "  # rows, not groups: names them
        f"WHERE state NOT IN ({', '.join(repr(state) for state in STATES)})",
        _REPORT,
    ),
    Rule(
        "state-without-reason",
        "SELECT 'expected a reason, got none for a ' || state || ' request', 'request ' || id || ' ' || url "
        "FROM requests WHERE state IN ('failed', 'skipped') AND (reason IS NULL OR reason = '')",
        _REPORT,
    ),
    Rule(
        "counts",
        "SELECT 'expected ' || n || ' ' || state || ' requests, got a count of ' || m, 'crawl ' || crawl_id FROM ("
        "SELECT crawl_id, state, sum(n) AS n, sum(m) AS m FROM ("
        "SELECT crawl_id, state, count(*) AS n, 0 AS m FROM requests GROUP BY crawl_id, state UNION ALL "
        "SELECT crawl_id, state, 0, number FROM request_counts) AS both_of_them GROUP BY crawl_id, state) AS sums "
        "WHERE n <> m",
        _REPORT,
    ),
    Rule(
        "lease-without-worker",
        "SELECT 'expected a worker that takes part in the crawl, got ' || coalesce(worker, 'none'), 'request ' || id "
        "FROM requests WHERE state = 'leased' AND (worker IS NULL OR worker NOT IN (SELECT worker FROM workers) "
        "OR worker IN (SELECT worker FROM runs WHERE finished_at IS NOT NULL))",
        _RESUME,
    ),
    Rule(
        "worker-without-lease",
        "SELECT 'expected no worker for a ' || state || ' request, got ' || worker, 'request ' || id FROM requests "
        "WHERE state <> 'leased' AND worker IS NOT NULL",
        _REPORT,
    ),
    Rule(
        "complete-crawl",
        "SELECT 'expected nothing left of a ' || c.state || ' crawl, got ' || q.number || ' ' || q.state || ' requests', "
        "'crawl ' || c.id || ' of ' || c.source FROM request_counts q JOIN crawls c ON c.id = q.crawl_id "
        "WHERE c.state <> 'open' AND q.state IN ('pending', 'leased') AND q.number <> 0",
        _REPORT,
    ),
    Rule(
        "parent",
        "SELECT 'expected the request that led here, got no row ' || q.parent_id, 'request ' || q.id || ' ' || q.url "
        "FROM requests q WHERE q.parent_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM requests p WHERE p.id = q.parent_id AND p.crawl_id = q.crawl_id)",
        _REPORT,
    ),
    Rule(
        "kept-and-rejected",
        "SELECT 'expected either a record or a rejection, got both', 'record ' || id FROM records "
        "WHERE id IN (SELECT record_id FROM rejections)",
        "run `scrapy refine <source>`: the newest decision is written again",
    ),
    Rule(
        "record-state",
        "SELECT 'expected kept or gone, got ' || state, 'record ' || id FROM records WHERE state NOT IN ('kept', 'gone')",
        _REPORT,
    ),
    Rule(
        "version",
        "SELECT 'expected earlier versions below ' || r.version || ', got ' || v.version, 'record ' || r.id "
        "FROM record_versions v JOIN records r ON r.id = v.id WHERE v.version >= r.version",
        _REPORT,
    ),
    Rule(
        "signature-without-record",
        "SELECT 'expected a kept record, got none for a signature', 'record ' || record_id FROM signatures "
        "WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.id = record_id AND r.state = 'kept')",
        "run `scrapy refine <source>`: the index is written again",
    ),
    Rule(
        "capture-of-page",
        "SELECT 'expected the capture ' || body_sha256 || ', got none', 'page ' || url FROM pages "
        "WHERE body_sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM captures WHERE sha256 = body_sha256)",
        "crawl the source again with --fresh: the page is fetched anew",
    ),
    Rule(
        "duplicate-of",
        "SELECT 'expected the record that was kept instead, got no record ' || duplicate_of, 'rejection ' || record_id "
        "FROM rejections d WHERE duplicate_of IS NOT NULL AND NOT EXISTS (SELECT 1 FROM records WHERE id = d.duplicate_of) "
        "AND NOT EXISTS (SELECT 1 FROM rejections k WHERE k.record_id = d.duplicate_of) "
        # A kill may have taken the page of the kept one: the crawl that goes on brings it.
        "AND (crawl_id IS NULL OR crawl_id NOT IN (SELECT id FROM crawls WHERE state = 'open'))",
        "run `scrapy readmit <source> --stage deduplicate`: it is looked at again",
    ),
    Rule(
        "media-of-url",
        "SELECT 'expected the stored file ' || u.sha256 || ', got no row for it', 'media URL ' || u.url FROM media_urls u "
        "WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.sha256 = u.sha256)",
        "crawl the source again with --fresh: the file is fetched anew",
    ),
)
"""What a query can tell. What needs the bytes is in ``stored.py``."""


def check(conn: Connection, data_dir: Path, full: bool = False) -> list[Problem]:
    """All problems of the ledger; an empty list where every invariant holds.

    Args:
        conn: in a read transaction.
        data_dir: where the media files are.
        full: read every capture and media file, not a sample of them.
    """
    found = _few("database", _integrity(conn))
    for rule in RULES:
        rows = conn.execute(text(rule.query))
        found += _few(rule.kind, (Problem(rule.kind, str(row[0]), str(row[1]), rule.remedy) for row in rows))
    for kind, findings in stored.findings(conn, data_dir, full):
        found += _few(kind, (Problem(kind, *finding) for finding in findings))
    return found


def _few(kind: str, problems: Iterable[Problem]) -> list[Problem]:
    """The first problems of a kind, and one line for the others."""
    shown: list[Problem] = []
    more = 0
    for problem in problems:
        if len(shown) < _SHOWN:
            shown.append(problem)
        else:
            more += 1
    if more:
        shown.append(Problem(kind, f"the same {more:,} more times", "", shown[0].remedy))
    return shown


def _integrity(conn: Connection) -> Iterator[Problem]:
    """What the database itself finds wrong with its file. PostgreSQL checks pages as it reads them."""
    if conn.dialect.name != "sqlite":
        return
    rows: list[Any] = [*conn.exec_driver_sql("PRAGMA quick_check(20)")]
    for (verdict,) in rows:
        if verdict != "ok":
            yield Problem("database", f"expected a sound file, got: {verdict}", "the database file", _REPORT)
    for row in conn.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Problem("database", f"expected a row in {row[2]}, got none", f"row {row[1]} of {row[0]}", _REPORT)
