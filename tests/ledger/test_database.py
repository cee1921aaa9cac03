from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scrapy.settings import Settings
from sqlalchemy import text

from crawlers.errors import ConfigurationError, DiskFull, LedgerCorrupt, LedgerError, LedgerLocked, LedgerTooNew
from crawlers.ledger.database import CACHE, SMALL_CACHE, database_url, open_database
from tests.ledger_pages import Ledger, entry, record
from tests.missing import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_default_is_a_file_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_url(Settings({"DATA_DIR": "data"})) == f"sqlite:///{tmp_path}/data/gristmill.db"
    assert database_url(Settings()) == f"sqlite:///{tmp_path}/data/gristmill.db"
    assert database_url(Settings({"DATA_DIR": "/var/x"})) == "sqlite:////var/x/gristmill.db"


def test_a_relative_file_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_url(Settings({"DATABASE_URL": "sqlite:///here.db"})) == f"sqlite:///{tmp_path}/here.db"


@pytest.mark.parametrize("given", ["postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_the_driver_of_a_server_is_named(given):
    assert database_url(Settings({"DATABASE_URL": given})) == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    "given",
    ["mysql://u:secret@h/d", "nonsense", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg2://u:secret@h/d"],
)
def test_another_kind_of_database_is_wrong_use(given):
    with pytest.raises(ConfigurationError, match="expected sqlite:///") as caught:
        open_database(given)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_makes_its_folder_and_opens_again(tmp_path):
    url = f"sqlite:///{tmp_path}/a/b/ledger.db"
    ledger = Ledger(open_database(url))
    ledger.add(entry(1))
    ledger.database.close()
    again = open_database(url, create=False)
    with again.read() as conn:
        assert ledger.frontier.counts(conn)["pending"] == 1
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert again.path == tmp_path / "a/b/ledger.db"
    again.close()


def test_a_file_that_has_to_be_there(tmp_path):
    with pytest.raises(LedgerError, match=r"expected a ledger at .*none.db, got no file: run `scrapy crawl"):
        open_database(f"sqlite:///{tmp_path}/none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"expected a folder to write to at .*file/x"):
        open_database(f"sqlite:///{tmp_path}/file/x/ledger.db")


def test_a_folder_in_the_place_of_the_file(tmp_path):
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerError, match="Check the permissions"):
        open_database(f"sqlite:///{tmp_path}/ledger.db")


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"%PDF-1.7 " * 1000)
    with pytest.raises(LedgerError, match=r"expected a SQLite database at .*ledger.db, got another kind of file"):
        open_database(f"sqlite:///{tmp_path}/ledger.db")


def test_a_damaged_file(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(open_database(url))
    ledger.add(*(entry(n) for n in range(2000)))
    ledger.database.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(LedgerCorrupt, match=r"Restore a backup|got: "):
        Ledger(open_database(url)).database.run(lambda conn: conn.exec_driver_sql("SELECT * FROM requests").all())


def test_tables_of_another_program_are_left_alone(url):
    database = open_database.__globals__["Database"](open_database.__globals__["_normal"](url), 5)
    with database.write() as conn:
        conn.execute(text("CREATE TABLE records (id INTEGER)"))
    database.close()
    with pytest.raises(LedgerError, match=r"tables of another program \(records\)"):
        open_database(url)


def test_a_newer_ledger_is_not_touched(database, url):
    with database.write() as conn:
        conn.execute(text("INSERT INTO schema_versions VALUES (999, '2030-01-01T00:00:00Z', '9.0')"))
    with pytest.raises(LedgerTooNew, match=r"got version 999.*pip install -U gristmill"):
        open_database(url)


# --- transactions ---------------------------------------------------------------------------------------------------


def test_run_gives_back_what_the_function_returns(database):
    assert database.run(lambda conn, a, b: a + b, 1, 2) == 3


def test_an_error_of_the_function_is_raised_and_nothing_stays(ledger):
    def broken(conn):
        ledger.frontier.add(conn, [entry(1)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.database.run(broken)
    assert ledger.counts()["pending"] == 0


def test_write_commits_at_the_end_of_its_block(ledger):
    with ledger.database.write() as conn:
        ledger.frontier.add(conn, [entry(1)])
    with contextlib.suppress(ZeroDivisionError), ledger.database.write() as conn:
        ledger.frontier.add(conn, [entry(2)])
        raise ZeroDivisionError
    assert ledger.counts()["pending"] == 1


def test_wrong_sql_is_an_error_of_ours_without_a_retry(database):
    calls = []
    with pytest.raises(LedgerError, match="refused"):
        database.run(lambda conn: (calls.append(1), conn.execute(text("SELECT * FROM nowhere"))))
    assert len(calls) == 1
    with pytest.raises(LedgerError, match="refused"), database.read() as conn:
        conn.execute(text("SELECT * FROM nowhere"))


@pytest.mark.parametrize("megabytes", [CACHE, SMALL_CACHE])
def test_a_connection_of_sqlite_keeps_as_much_as_it_is_told(sqlite_url, megabytes):
    database = open_database(sqlite_url, cache=megabytes)
    with database.read() as conn:
        assert conn.exec_driver_sql("PRAGMA cache_size").scalar() == -1024 * megabytes
    database.close()


def test_a_reader_sees_one_state_on_sqlite(sqlite_url):
    ledger = Ledger(open_database(sqlite_url))
    with ledger.database.read() as conn:
        assert ledger.frontier.counts(conn)["pending"] == 0
        ledger.add(entry(1))
        assert ledger.frontier.counts(conn)["pending"] == 0
    assert ledger.counts()["pending"] == 1
    ledger.database.close()


def test_many_threads_write_and_nothing_is_lost(ledger):
    def work(start: int) -> None:
        for number in range(10):
            ledger.add(entry(start * 100 + number))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.counts()["pending"] == len(ledger.rows("requests")) == 80


# --- locked, broken, full -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def held(url: str, seconds: float) -> Iterator[None]:
    """Hold the write lock of the database at *url* for some seconds, as another process would."""
    ready = threading.Event()

    def work() -> None:
        other = open_database(url)
        with other.write() as conn:
            if other.dialect == "postgresql":
                conn.execute(text("LOCK TABLE requests IN ACCESS EXCLUSIVE MODE"))
            ready.set()
            time.sleep(seconds)
        other.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        thread.join()


def test_a_locked_database_is_waited_for(ledger, url):
    with held(url, 1.6):
        assert ledger.add(entry(1)) == 1
    assert ledger.counts()["pending"] == 1


def test_a_database_that_stays_locked_is_an_error_that_says_so(ledger, url):
    impatient = open_database(url, timeout=1.0)
    with held(url, 3.5):
        with pytest.raises(LedgerLocked, match=r"available within 1 seconds.*LEDGER_TIMEOUT"):
            impatient.run(ledger.frontier.add, [entry(1)])
        if impatient.dialect == "sqlite":
            with pytest.raises(LedgerLocked), impatient.write():
                pass
    impatient.close()


def test_a_locked_sqlite_ledger_can_still_be_read(sqlite_url):
    ledger = Ledger(open_database(sqlite_url))
    with held(sqlite_url, 1.0):
        second = open_database(sqlite_url, timeout=0.1)
        with second.read() as conn:
            assert ledger.frontier.counts(conn)["pending"] == 0
    second.close()
    ledger.database.close()


def kill_connections(server, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def test_a_connection_that_breaks_in_the_middle_begins_again(postgresql_server, postgresql_url):
    ledger = Ledger(open_database(postgresql_url))
    tries = []

    def add(conn):
        tries.append(1)
        ledger.frontier.add(conn, [entry(len(tries))])
        if len(tries) == 1:
            kill_connections(postgresql_server, postgresql_url)
        return ledger.frontier.counts(conn)["pending"]

    assert ledger.database.run(add) == 1
    assert len(tries) == 2
    assert [row["fingerprint"][-1] for row in ledger.rows("requests")] == ["2"]
    ledger.database.close()


@pytest.mark.parametrize("before", [True, False])
def test_a_connection_that_breaks_in_the_commit_is_looked_into(postgresql_server, postgresql_url, before, monkeypatch):
    """Whether the commit took place is known, so that leases of the same transaction are neither lost nor doubled."""
    from sqlalchemy.engine import RootTransaction

    ledger = Ledger(open_database(postgresql_url))
    ledger.add(entry(1), entry(2))
    real, breaks = RootTransaction.commit, [True]

    def commit(self):
        if not breaks or self.connection.get_execution_options().get("gristmill_read"):
            return real(self)
        breaks.clear()
        if before:  # the answer that never comes: to a commit that was not heard, or that was
            kill_connections(postgresql_server, postgresql_url)
        else:
            raw = self.connection.connection.driver_connection
            raw.execute("COMMIT")
            kill_connections(postgresql_server, postgresql_url)
        return real(self)

    monkeypatch.setattr(RootTransaction, "commit", commit)
    leases = ledger.database.run(ledger.frontier.claim, 1)
    assert len(leases) == 1
    assert ledger.counts() == {"pending": 1, "leased": 1, "done": 0, "failed": 0, "skipped": 0}
    assert ledger.row("requests", state="leased")["id"] == leases[0].id
    ledger.database.close()


def test_a_transaction_that_a_crash_takes_with_it_is_made_again(postgresql_server, postgresql_url, monkeypatch):
    """The crash takes its number too, which is another writer's when the first one asks what became of it."""
    if postgresql_server.own is None:
        missing("a PostgreSQL server that is not ours is not restarted")
    from sqlalchemy.engine import RootTransaction

    ledger, other = Ledger(open_database(postgresql_url)), open_database(postgresql_url)
    real, numbers, crashed = RootTransaction.commit, [], []

    def number(conn):
        return int(conn.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar())

    def add(conn):
        numbers.append(number(conn))
        ledger.frontier.add(conn, [entry(len(numbers))])

    def commit(self):
        if numbers and not crashed:
            crashed.append(True)
            postgresql_server.control("restart", "-m", "immediate")
            while other.run(number) < numbers[0]:
                pass
        return real(self)

    monkeypatch.setattr(RootTransaction, "commit", commit)
    ledger.database.run(add)
    assert crashed
    assert [row["fingerprint"][-1] for row in ledger.rows("requests")] == ["2"]
    other.close()
    ledger.database.close()


def test_a_server_that_restarts_is_waited_for(postgresql_server, postgresql_url):
    if postgresql_server.own is None:
        missing("a PostgreSQL server that is not ours is not restarted")
    ledger = Ledger(open_database(postgresql_url, timeout=30))
    postgresql_server.control("-m", "fast", "stop")
    failures = []

    def work() -> None:
        try:
            ledger.add(entry(1))
        except LedgerError as exc:
            failures.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(1)
    socket = postgresql_server.own.get_postmaster_info().socket_dir
    postgresql_server.control("-o", f'-h "" -k {socket}', "start")
    thread.join()
    assert failures == []
    assert ledger.counts()["pending"] == 1
    ledger.database.close()


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(LedgerLocked, match="or the server is down"):
        open_database(f"postgresql://nobody@/nothing?host={tmp_path}", timeout=0.5)


def test_a_database_that_does_not_exist(postgresql_url):
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    with pytest.raises(LedgerError, match="Check user, password and database in DATABASE_URL"):
        open_database(postgresql_url.replace(name, "no_such_database"), timeout=5)


def test_a_full_disk_names_the_disk_and_loses_nothing(sqlite_url):
    ledger = Ledger(open_database(sqlite_url))
    ledger.add(entry(1))
    full = open_database(sqlite_url)

    def limited(conn):
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # the very error that a full disk gives
        ledger.frontier.add(conn, [entry(n) for n in range(2, 5000)])

    with pytest.raises(DiskFull, match=r"no space left where the ledger lives \(.*gristmill.db\): free some space"):
        full.run(limited)
    full.close()
    assert ledger.counts()["pending"] == len(ledger.rows("requests")) == 1
    assert ledger.add(entry(2)) == 1
    ledger.database.close()


def test_a_full_disk_on_the_server(postgresql_url):
    database = open_database(postgresql_url)
    with pytest.raises(DiskFull, match="no space left"):
        database.run(
            lambda conn: conn.exec_driver_sql(
                "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
            )
        )
    database.close()


def test_a_process_that_was_killed_in_a_transaction_leaves_nothing(sqlite_url):
    """The file as a kill leaves it: a log with a transaction that has no commit."""
    ledger = Ledger(open_database(sqlite_url))
    path = Path(ledger.database.path or "")
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA cache_size = 1")  # so that it writes before the commit
    raw.execute("BEGIN IMMEDIATE")
    for number in range(500):
        row = (ledger.crawl.id, f"{number:x}", "u" * 500, "h")
        raw.execute(
            "INSERT INTO requests (crawl_id, fingerprint, url, host, state, payload) VALUES (?, ?, ?, ?, 'pending', '{}')",
            row,
        )
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.db-wal").write_bytes(path.with_name(path.name + "-wal").read_bytes())
    raw.close()
    database = open_database(f"sqlite:///{copy}")
    with database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM requests").scalar() == 0
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    database.close()
    ledger.database.close()


def test_all_that_is_read_in_one_block_is_of_one_moment(ledger):
    ledger.page(1, record("a"))
    with ledger.database.read() as conn:
        before = conn.execute(text("SELECT count(*) FROM records")).scalar()
        ledger.page(2, record("b"))
        assert conn.execute(text("SELECT count(*) FROM records")).scalar() == before == 1
    with ledger.database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM records")).scalar() == 2
