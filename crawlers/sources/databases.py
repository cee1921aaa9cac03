"""Opens other people's databases: to read, never to write, and without telling anybody the password."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import NoSuchModuleError

from crawlers.errors import ArgumentError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
}
_DRIVERS = {"postgresql": 'pip install "gristmill[postgres]"', "mysql": "pip install pymysql"}


def open_to_read(url: str, source: str) -> Engine:
    """The database at *url*, for reading.

    Args:
        url: as SQLAlchemy writes it.
        source: name of the source, for messages.

    Raises:
        ArgumentError: it is no such URL, its driver is not installed, or it names a file that is not there.
    """
    parsed = _parsed(url, source)
    backend = parsed.get_backend_name()
    _check_file(parsed, backend, source)
    try:
        engine = create_engine(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as exc:
        hint = f": {_DRIVERS[backend]}" if backend in _DRIVERS else ""
        raise ArgumentError(
            f"{source}: argument 'database': expected the driver of {parsed.drivername} to be installed, "
            f"got no module {exc.name!r}{hint}"
        ) from None
    statement = _READ_ONLY.get(backend)
    if statement is not None:
        event.listen(engine, "connect", _saying(statement))
    return engine


def _parsed(url: str, source: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (UrlError, NoSuchModuleError, ModuleNotFoundError, ValueError) as exc:
        # The URL itself is not shown: what cannot be parsed may have its password anywhere.
        raise ArgumentError(
            f"{source}: argument 'database': expected a SQLAlchemy URL such as sqlite:///shop.db or "
            f"postgresql+psycopg://me@host/shop, got {'nothing' if not url else 'another'} ({type(exc).__name__})"
        ) from None
    return parsed


def _check_file(url: URL, backend: str, source: str) -> None:
    """SQLite would make an empty database where there is none."""
    name = url.database
    if backend != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return
    if not Path(name).is_file():
        raise ArgumentError(f"{source}: argument 'database': expected a SQLite file, got {name!r}, which is not there")


def _saying(statement: str) -> Any:
    def connected(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()
        if not getattr(connection, "autocommit", False):
            connection.commit()

    return connected
