"""What a database's error means: try again, or which of our errors it is and what to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from crawlers.errors import DiskFull, LedgerCorrupt, LedgerError, LedgerLocked

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

    from crawlers.ledger.database import Database

_PG_TRANSIENT = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # lock not available: lock_timeout passed
    "57P01",  # admin shutdown
    "57P02",  # crash shutdown
    "57P03",  # cannot connect now: starting up, shutting down, recovering
    "57P05",  # idle session timeout
}
_NEARLY_FULL = 1 << 20  # bytes; SQLite reports a full disk as an I/O error where its shared memory cannot grow


def is_transient(exc: DBAPIError) -> bool:
    """Whether the same transaction may succeed a moment later."""
    code = _sqlite_code(exc)
    if code is not None:
        return code in {"BUSY", "LOCKED"}
    state = _sqlstate(exc)
    return state in _PG_TRANSIENT or is_connection_lost(exc)


def is_connection_lost(exc: DBAPIError) -> bool:
    """Whether the connection to a server broke, or none could be made."""
    if _sqlite_code(exc) is not None:
        return False
    state = _sqlstate(exc)
    if state is None:
        return type(exc.orig).__name__ in {
            "OperationalError",
            "ConnectionTimeout",
            "AdminShutdown",
            "InterfaceError",
        } and (not _is_refusal(str(exc.orig)))
    return state.startswith(("08", "57P0"))


def failure_of(exc: DBAPIError, database: Database) -> LedgerError:
    """The error of ours that *exc* stands for."""
    where, text = database.where, _words_of(exc)
    if _is_full(exc, database):
        return DiskFull(
            f"no space left where the ledger lives ({where}): free some space and run the same command again; "
            "nothing that was settled is lost"
        )
    if is_transient(exc):
        return LedgerLocked(
            f"expected the ledger {where} to be available within {database.timeout:g} seconds, got: {text}. "
            "Another process holds it, or the server is down: run the same command again, or raise LEDGER_TIMEOUT"
        )
    code = _sqlite_code(exc)
    if code == "NOTADB":
        return LedgerError(
            f"expected a SQLite database at {where}, got another kind of file: move it away, or set DATABASE_URL"
        )
    if code == "CORRUPT":
        return LedgerCorrupt(
            f"expected a sound database at {where}, got: {text}. Restore a backup (`scrapy ledger backup` makes them), "
            "or save what is readable with `sqlite3 … .recover`"
        )
    if code in {"CANTOPEN", "READONLY", "PERM", "AUTH"}:
        return LedgerError(
            f"expected to read and write {where}, got: {text}. Check the permissions of the file and its folder"
        )
    if code is None and _sqlstate(exc) is None and _is_refusal(text):
        return LedgerError(
            f"expected to be let in to {where}, got: {text}. Check user, password and database in DATABASE_URL"
        )
    return LedgerError(f"the ledger {where} refused: {text}")


def _is_full(exc: DBAPIError, database: Database) -> bool:
    code = _sqlite_code(exc)
    if code is None:
        return _sqlstate(exc) == "53100"
    if code == "FULL":
        return True
    return code in {"IOERR", "CANTOPEN"} and _free_bytes(database.path) < _NEARLY_FULL


def _free_bytes(path: Path | None) -> int:
    if path is None:
        return _NEARLY_FULL
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(os.fspath(folder)).free
    except OSError:
        return _NEARLY_FULL


def _sqlite_code(exc: DBAPIError) -> str | None:
    """Primary name of SQLite's result code, such as ``BUSY``; None where the error is another database's."""
    name = getattr(exc.orig, "sqlite_errorname", None)
    if name is not None:
        return str(name).split("_")[1]
    return "MISUSE" if type(exc.orig).__module__.startswith("sqlite3") else None


def _sqlstate(exc: DBAPIError) -> str | None:
    state = getattr(exc.orig, "sqlstate", None)
    return str(state) if state else None


def _words_of(exc: DBAPIError) -> str:
    """What the database said, without the statement that some servers repeat below it."""
    said = getattr(getattr(exc.orig, "diag", None), "message_primary", None)
    return str(said or exc.orig).strip()


def _is_refusal(text: str) -> bool:
    """A server that answered and said no. libpq gives these no code of their own while it connects."""
    return any(
        part in text
        for part in ("password authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")
    )
