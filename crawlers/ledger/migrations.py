"""The schema's versions: creates the tables in an empty database, and brings an older one forward.

A change of ``tables.py`` raises :data:`CURRENT` and adds a step that makes the older tables equal to the new ones.
Steps run in one transaction on both databases: a migration that is killed has not happened.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, inspect, select, text

import crawlers
from crawlers.errors import LedgerError, LedgerTooNew
from crawlers.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

CURRENT = 4
"""Version of the schema that ``tables.py`` draws."""


def _add_version_run(conn: Connection) -> None:
    """Until now a run that only changed what is around a record's content was not told from one that made a version."""
    conn.execute(text("ALTER TABLE records ADD COLUMN version_run VARCHAR(40)"))
    conn.execute(text("UPDATE records SET version_run = changed_run"))


def _add_asked_by(conn: Connection) -> None:
    """Until now ``crawl_id`` stood for it, which refine and readmit change too."""
    number = "BIGINT" if conn.dialect.name == "postgresql" else "INTEGER"
    for table in ("records", "rejections"):
        conn.execute(text(f"ALTER TABLE {table} ADD COLUMN asked_by {number}"))
        crawl = f"SELECT 1 FROM crawls c WHERE c.id = {table}.crawl_id AND c.kind = 'crawl'"
        conn.execute(text(f"UPDATE {table} SET asked_by = crawl_id WHERE EXISTS ({crawl})"))
        asked = (
            "SELECT max(q.crawl_id) FROM crawls c JOIN requests q ON q.crawl_id = c.id "
            f"WHERE c.source = {table}.source AND c.kind = 'crawl' AND q.fingerprint = {table}.page_fingerprint"
        )
        conn.execute(text(f"UPDATE {table} SET asked_by = ({asked}) WHERE asked_by IS NULL"))


def _add_last_commits(conn: Connection) -> None:
    """Until now the number of PostgreSQL's own transaction was asked for, which is given again after a crash."""
    tables.last_commits.create(conn)


STEPS: Mapping[int, Callable[[Connection], None]] = {2: _add_version_run, 3: _add_asked_by, 4: _add_last_commits}
"""Version to the function that makes it out of the version before."""


def version_of(conn: Connection) -> int:
    """The version of the schema in the database; 0 where there is none yet."""
    if not inspect(conn).has_table(tables.versions.name):
        return 0
    return conn.execute(select(func.max(tables.versions.c.version))).scalar() or 0


def is_current(conn: Connection, where: str, current: int = CURRENT) -> bool:
    """Whether nothing is to be done.

    Raises:
        LedgerTooNew: the database was written by a newer version of this package.
    """
    found = version_of(conn)
    if found > current:
        raise LedgerTooNew(
            f"expected a ledger of version {current} or older at {where}, got version {found}, written by a newer "
            f"Gristmill (this is {crawlers.__version__}): upgrade with `pip install -U gristmill`"
        )
    return found == current


def migrate(
    conn: Connection,
    where: str,
    current: int = CURRENT,
    steps: Mapping[int, Callable[[Connection], None]] = STEPS,
) -> list[int]:
    """Create or migrate; return the versions that were applied. Safe to call from several processes at once.

    Raises:
        LedgerTooNew: the database was written by a newer version of this package.
        LedgerError: a table of ours is there without a version, so it is not known what it holds.
    """
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7237)")  # two fresh workers create the tables once
    if is_current(conn, where, current):
        return []
    found = version_of(conn)
    if found == 0:
        foreign = sorted(set(inspect(conn).get_table_names()) & set(tables.metadata.tables))
        if foreign:
            raise LedgerError(
                f"expected an empty database or a ledger at {where}, got tables of another program ({', '.join(foreign)}): "
                "give the ledger a database of its own with DATABASE_URL"
            )
        tables.metadata.create_all(conn, checkfirst=False)
        applied = [current]
    else:
        applied = list(range(found + 1, current + 1))
        for version in applied:
            steps[version](conn)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conn.execute(
        tables.versions.insert(),
        [{"version": version, "applied_at": now, "software": crawlers.__version__} for version in applied],
    )
    return applied
