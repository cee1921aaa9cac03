"""Keeps the ledger small and safe: gives space back, and copies it while it is in use."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from crawlers.errors import DiskFull, LedgerError
from crawlers.ledger import bulk, captures, crawls, frontier, indoubt, processes, status, tables
from crawlers.ledger.failures import failure_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from crawlers.ledger.database import Database

_BATCH = 20_000
_COMPACTED = (
    "requests",
    "captures",
    "pages",
    "records",
    "record_versions",
    "rejections",
    "signatures",
    "hosts",
    "last_commits",
)


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compacting did."""

    before: int
    """Bytes of the database before."""
    after: int
    captures: int
    """Bodies that were dropped."""
    requests: int
    """Requests of earlier rounds that were dropped."""


def compact(database: Database, retention_days: float = 90) -> Compacted:
    """Drop what is no longer needed and give its space back to the disk.

    Dropped are captures that no page has confirmed for *retention_days* (0: none), and the requests of rounds that are
    over and followed by a newer one. Records, versions and rejections stay.

    Raises:
        LedgerError: a worker is at its crawl.
    """
    database.run(_refuse_while_crawling)
    before = status.size(database)
    dropped = 0
    if retention_days > 0:
        oldest = datetime.now(UTC) - timedelta(days=retention_days)
        dropped = database.run(captures.expire, oldest.strftime("%Y-%m-%dT%H:%M:%SZ"))
    database.run(indoubt.forget)
    requests = 0
    while number := database.run(_drop_old_requests):
        requests += number
    _vacuum(database)
    return Compacted(before, status.size(database), dropped, requests)


def backup(database: Database, path: Path) -> Path:
    """Copy the ledger to *path*, whole, while it may be in use; return the path.

    SQLite: a database file. PostgreSQL: an archive of ``pg_dump`` for ``pg_restore``.

    Raises:
        LedgerError: the file is there already, cannot be written, or ``pg_dump`` is missing.
    """
    path = path.expanduser().absolute()
    if path.exists():
        raise LedgerError(f"expected a path where no file is, got {path}: move that file away, or name another path")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as exc:
        raise LedgerError(f"expected a folder to write to at {path.parent}, got {exc.strerror or exc}") from None
    part = Path(name)
    try:
        if database.dialect == "sqlite":
            _copy_sqlite(database, part)
        else:
            _dump_postgresql(database, part)
        _publish(part, path)
    except OSError as exc:
        raise DiskFull(f"could not write the backup to {path}: {exc.strerror or exc}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _refuse_while_crawling(conn: Connection) -> None:
    here, now = processes.machine(), time.time()
    for row in conn.execute(select(tables.workers)):
        dead = row.expires_at < now or (row.machine == here and not processes.is_alive(row.pid, row.started))
        if not dead:
            raise LedgerError(
                f"expected a ledger that nobody writes to, got a crawl by worker {row.worker}: compact when it has ended"
            )


def _drop_old_requests(conn: Connection) -> int:
    """Drop a batch of the requests of rounds that are over and have a successor; their counts stay in step."""
    older, newer = tables.crawls.alias(), tables.crawls.alias()
    query = (
        select(older.c.id)
        .where(older.c.state != crawls.OPEN)
        .where(newer.c.source == older.c.source, newer.c.scope == older.c.scope)
        .where(newer.c.kind == older.c.kind, newer.c.round > older.c.round)
        .distinct()
    )
    ids = list(conn.execute(query).scalars())
    if not ids:
        return 0
    chosen = f"SELECT id FROM requests WHERE {bulk.among(conn, 'crawl_id')} LIMIT {_BATCH}"
    sql = f"DELETE FROM requests WHERE id IN ({chosen}) RETURNING crawl_id, state"
    dropped = Counter(map(tuple, conn.exec_driver_sql(sql, (bulk.listed(conn, ids),))))
    frontier.move(conn, [(crawl_id, state, -number) for (crawl_id, state), number in dropped.items()])
    if dropped.total() < _BATCH:
        bulk.delete(conn, tables.request_counts, "crawl_id", ids)
        bulk.delete(conn, tables.hosts, "crawl_id", ids)
    return dropped.total()


def _vacuum(database: Database) -> None:
    """Rewrite the files without the gaps."""
    try:
        with database.connect_raw() as raw:
            if database.dialect == "sqlite":
                raw.execute("VACUUM")
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            else:
                raw.autocommit = True
                for name in _COMPACTED:
                    raw.execute(f"VACUUM (FULL, ANALYZE) {name}")
    except DBAPIError as exc:
        raise failure_of(exc, database) from None


def _copy_sqlite(database: Database, part: Path) -> None:
    target = sqlite3.connect(part)
    try:
        with database.connect_raw() as raw:
            raw.backup(target)  # in one step: with several, each commit of another process makes it begin again
        target.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        (verdict,) = target.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise failure_of(DBAPIError("backup", None, exc), database) from None
    finally:
        target.close()
    if verdict != "ok":
        raise LedgerError(f"expected a sound copy of {database.where}, got: {verdict}")


def _dump_postgresql(database: Database, part: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise LedgerError(
            "a backup of PostgreSQL needs the program pg_dump, which is not on PATH: install the PostgreSQL client of the "
            "server's version (Debian: apt-get install postgresql-client), or make the backup on the server"
        )
    url = database.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ)
    if database.url.password:
        environment["PGPASSWORD"] = str(database.url.password)  # not on the command line, where everybody could read it
    command = [program, "--format=custom", f"--file={part}", f"--dbname={url}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise LedgerError(f"pg_dump could not copy {database.where}: {done.stderr.strip()}")


def _publish(part: Path, path: Path) -> None:
    """Make *part* visible as *path*, once all of it is on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.chmod(0o640)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
