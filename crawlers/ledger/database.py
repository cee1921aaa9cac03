"""Opens the ledger and runs transactions on it, on SQLite and on PostgreSQL.

SQLite runs in WAL mode; every write transaction begins with ``BEGIN IMMEDIATE``, so that a transaction that began can
always end. On PostgreSQL :func:`serialize` gives the same: writers pass one after the other. :meth:`Database.run` is
the way to write: it begins again while the database is locked or restarting, and knows after a connection broke in the
middle of ``COMMIT`` whether the commit took place (``indoubt.py``).
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import DBAPIError

from crawlers.checks import value_of
from crawlers.configuration import data_folder
from crawlers.errors import ConfigurationError, LedgerError, MissingPackageError
from crawlers.ledger import migrations
from crawlers.ledger.failures import failure_of, is_connection_lost, is_transient
from crawlers.ledger.indoubt import Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scrapy.settings import BaseSettings
    from sqlalchemy import Connection, Engine

T = TypeVar("T")

FILE_NAME = "gristmill.db"
CACHE, SMALL_CACHE = 32, 4
"""MB of a SQLite file that a connection keeps in memory: one that works all the time, and one that passes through once."""

_READ_ONLY = "gristmill_read"
_READING: dict[str, dict[str, Any]] = {
    "sqlite": {_READ_ONLY: True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Options of a connection that reads: all of its statements see one state."""
_LOCK_KEY = 0x6772697374  # "grist": the advisory lock that lets PostgreSQL's writers pass one by one
_SQLITE_WAIT = 1.0  # seconds that SQLite itself waits for a lock before it comes back to our loop


def database_url(settings: BaseSettings) -> str:
    """The ledger's SQLAlchemy URL: ``DATABASE_URL``, or a SQLite file in ``DATA_DIR``. File paths are made absolute."""
    given = str(settings.get("DATABASE_URL") or "")
    if not given:
        path = data_folder(settings).absolute() / FILE_NAME
        return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)
    return _normal(given).render_as_string(hide_password=False)


def open_ledger(settings: BaseSettings, *, create: bool = True, cache: int = CACHE) -> Database:
    """Open the ledger that the settings name (``DATABASE_URL``, ``DATA_DIR``, ``LEDGER_TIMEOUT``); as :func:`open_database`."""
    return open_database(database_url(settings), value_of(settings, "LEDGER_TIMEOUT"), create, cache)


def open_database(url: str, timeout: float = 30.0, create: bool = True, cache: int = CACHE) -> Database:
    """Open the ledger at *url*, make its folder and tables where they are missing, bring an older one up to date.

    Args:
        url: of SQLAlchemy, for ``sqlite:///…`` or ``postgresql+psycopg://…``.
        timeout: seconds to wait for a lock or for a server that restarts.
        create: False: a SQLite file that is not there is an error.
        cache: MB of a SQLite file that each connection keeps in memory; :data:`SMALL_CACHE` for one that reads once.

    Raises:
        ConfigurationError: the URL cannot be read, or names another kind of database.
        LedgerLocked, LedgerTooNew, DiskFull, LedgerError: the database cannot be used; says why and what to do.
    """
    parsed = _normal(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_file(parsed, create)
    database = Database(parsed, timeout, cache)
    try:
        database.prepare()
    except BaseException:
        database.close()
        raise
    return database


class Database:
    """An open ledger. Safe to share between threads; each transaction belongs to one thread.

    Args:
        url: normalised URL of SQLAlchemy.
        timeout: seconds to wait for a lock or for a server that restarts.
        cache: MB of a SQLite file that each connection keeps in memory.
    """

    def __init__(self, url: URL, timeout: float, cache: int = CACHE) -> None:
        self.url = url
        self.timeout = timeout
        self._cache = cache
        self.dialect = url.get_backend_name()
        """``sqlite`` or ``postgresql``."""
        self.where = url.database if self.dialect == "sqlite" else url.render_as_string(hide_password=True)
        """How messages name the database: the file's path, or the URL without its password."""
        self._writing = threading.RLock()
        self._signature = Signature()
        self._engine = self._sqlite_engine() if self.dialect == "sqlite" else self._postgresql_engine()

    @property
    def path(self) -> Path | None:
        """The SQLite file, or None on a server."""
        return Path(str(self.url.database)) if self.dialect == "sqlite" else None

    def prepare(self) -> None:
        """Create or migrate the tables, unless they are as this version wants them."""
        with self.read() as conn:
            ready = migrations.is_current(conn, str(self.where))
        if ready:
            return
        if self.dialect == "sqlite":
            self._retried(self._use_wal)
        self.run(migrations.migrate, str(self.where))

    def run(self, fn: Callable[..., T], *args: Any) -> T:
        """``fn(conn, *args)`` in one write transaction, again from the start while the database is not available.

        *fn* must change nothing but the database, or what it may change twice.

        Raises:
            LedgerLocked: not available within ``timeout`` seconds.
            DiskFull, LedgerCorrupt, LedgerError: as the database says.
        """
        return self._retried(lambda: self._transaction(fn, args))

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction for a ``with`` block; only its beginning is retried."""
        with self._writing:
            conn = self._retried(self._begun, False)
            yield from self._guarded(conn)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: everything in the block sees one state of the database."""
        yield from self._guarded(self._retried(self._begun, True))

    @contextmanager
    def connect_raw(self) -> Iterator[Any]:
        """The driver's own connection, outside of any transaction, for what no transaction can do. Thrown away after."""
        raw = self._engine.raw_connection()
        try:
            yield raw.driver_connection
        except self._engine.dialect.loaded_dbapi.Error as exc:
            raise DBAPIError("maintenance", None, exc) from None
        finally:
            raw.invalidate()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # --- transactions -----------------------------------------------------------------------------------------------

    def _transaction(self, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self._writing, self._begun(False) as conn:
            transaction = conn.get_transaction()
            assert transaction is not None
            result = fn(conn, *args)
            if self.dialect == "sqlite":
                transaction.commit()
                return result
            signed = self._signature.sign(conn)
            try:
                transaction.commit()
            except DBAPIError as exc:
                if not (signed and is_connection_lost(exc) and self._retried(self._took_place)):
                    raise
            return result

    def _took_place(self) -> bool:
        """Whether the last transaction was committed; asked on a new connection after the old one broke."""
        with self._begun(False) as conn:
            return self._signature.is_committed(conn)

    def _begun(self, reading: bool) -> Connection:
        conn = self._engine.connect()
        try:
            if reading:
                conn = conn.execution_options(**_READING[self.dialect])
            conn.begin()
        except BaseException:
            conn.close()
            raise
        return conn

    def _guarded(self, conn: Connection) -> Iterator[Connection]:
        try:
            with conn:
                yield conn
                transaction = conn.get_transaction()
                if transaction is not None:
                    transaction.commit()
        except DBAPIError as exc:
            raise failure_of(exc, self) from None

    def _retried(self, fn: Callable[..., T], *args: Any) -> T:
        deadline = time.monotonic() + self.timeout
        pause = 0.02
        while True:
            try:
                return fn(*args)
            except DBAPIError as exc:
                if not is_transient(exc) or time.monotonic() >= deadline:
                    raise failure_of(exc, self) from None
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    # --- engines ----------------------------------------------------------------------------------------------------

    def _sqlite_engine(self) -> Engine:
        engine = create_engine(
            self.url,
            connect_args={
                "timeout": min(_SQLITE_WAIT, self.timeout),
                "check_same_thread": False,
                "isolation_level": None,
            },
            pool_size=5,
            max_overflow=50,
        )
        event.listen(engine, "connect", partial(_sqlite_pragmas, self._cache))
        event.listen(engine, "begin", _sqlite_begin)
        return engine

    def _postgresql_engine(self) -> Engine:
        wait = max(1, int(self.timeout))

        def limits(raw: Any, _: Any) -> None:
            raw.execute(f"SET lock_timeout = '{wait}s'")
            raw.execute("SET idle_in_transaction_session_timeout = 0")
            raw.commit()

        try:
            engine = create_engine(
                self.url,
                connect_args={"connect_timeout": min(wait, 10), "application_name": "gristmill"},
                pool_pre_ping=True,
                pool_size=5,
                max_overflow=50,
            )
        except ModuleNotFoundError as exc:
            raise MissingPackageError(exc.name or "psycopg", "postgres", "A ledger on PostgreSQL") from None
        event.listen(engine, "connect", limits)
        return engine

    def _use_wal(self) -> None:
        """Switch the file to write-ahead logging. It remembers."""
        with self.connect_raw() as raw:
            raw.execute("PRAGMA journal_mode = WAL")


def serialize(conn: Connection) -> None:
    """Let no other writer pass before this transaction ends. On SQLite the transaction's beginning has done that."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


def _sqlite_pragmas(cache: int, raw: Any, _: Any) -> None:
    raw.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a power cut loses the last commits, never a part of one
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute(f"PRAGMA cache_size = {-1024 * cache}")
    raw.execute("PRAGMA wal_autocheckpoint = 4000")
    raw.execute("PRAGMA journal_size_limit = 67108864")


def _sqlite_begin(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN" if conn.get_execution_options().get(_READ_ONLY) else "BEGIN IMMEDIATE")


def _normal(url: str) -> URL:
    """*url* with its driver named and its file's path absolute."""
    try:
        parsed = make_url(url)
    except (UrlError, ValueError):
        raise _wrong_url(url) from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database).expanduser().absolute()
        return parsed.set(drivername="sqlite", database=str(path))
    if backend in {"postgresql", "postgres"} and parsed.drivername in {"postgresql", "postgresql+psycopg", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise _wrong_url(parsed.render_as_string(hide_password=True))


def _wrong_url(shown: str) -> ConfigurationError:
    return ConfigurationError(
        "DATABASE_URL: expected sqlite:///path/to/file.db or postgresql+psycopg://user:password@host/database, "
        f"got {shown!r}"
    )


def _prepare_file(url: URL, create: bool) -> None:
    path = Path(str(url.database))
    if not create and not path.exists():
        raise LedgerError(
            f"expected a ledger at {path}, got no file: run `scrapy crawl <source>` first, or set DATA_DIR"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise LedgerError(
            f"expected a folder to write to at {path.parent}, got {exc.strerror or exc}: make it, or set DATA_DIR"
        ) from None
