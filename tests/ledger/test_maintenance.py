from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from crawlers.errors import DiskFull, LedgerError
from crawlers.ledger import crawls, maintenance
from crawlers.ledger.database import open_database
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import Ledger, answer, entry, record
from tests.missing import missing


def fill(ledger, size: int = 300) -> None:
    leases = ledger.lease(*range(size))
    ledger.commit(
        *(
            Settlement(
                lease, records=[record(f"k{n}", "text " * 50)],
                answer=answer(lease, os.urandom(4000), fetched_at="2020-01-01T00:00:00Z"),
            )
            for n, lease in enumerate(leases)
        )
    )  # fmt: skip
    with ledger.database.write() as conn:
        conn.exec_driver_sql("UPDATE captures SET captured_at = '2020-01-01T00:00:00Z'")


def test_compacting_drops_what_is_not_needed_and_gives_the_space_back(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(maintenance, "_BATCH", 100)
    fill(ledger)
    ledger.next_round()
    ledger.page(1, record("k1", "text " * 50))
    ledger.database.run(ledger.frontier.leave)
    done = maintenance.compact(ledger.database, retention_days=30)
    assert (done.captures, done.requests) == (300, 300)
    assert done.after < done.before - 1_000_000
    assert len(ledger.rows("records")) == 300
    assert len(ledger.rows("requests")) == 1
    assert ledger.problems(tmp_path, full=True) == []
    again = maintenance.compact(ledger.database, retention_days=30)
    assert (again.captures, again.requests) == (0, 0)


def test_compacting_that_is_killed_between_two_batches_leaves_a_sound_ledger(ledger, tmp_path, monkeypatch):
    monkeypatch.setattr(maintenance, "_BATCH", 4)
    ledger.commit(*(Settlement(lease) for lease in ledger.lease(*range(10))))
    ledger.next_round()
    left = []
    while ledger.database.run(maintenance._drop_old_requests):
        assert ledger.problems(tmp_path) == []
        left.append(len(ledger.rows("requests")))
    assert left == [6, 2, 0]
    assert ledger.rows("request_counts", crawl_id=1) == []
    assert ledger.rows("hosts", crawl_id=1) == []


def test_a_retention_of_zero_keeps_every_capture(ledger):
    fill(ledger, 3)
    ledger.database.run(ledger.frontier.leave)
    assert maintenance.compact(ledger.database, retention_days=0).captures == 0
    assert len(ledger.rows("captures")) == 3


def test_requests_of_an_open_crawl_and_of_the_last_round_stay(ledger):
    ledger.page(1)
    ledger.add(entry(2))
    ledger.database.run(ledger.frontier.leave)
    assert maintenance.compact(ledger.database).requests == 0
    assert len(ledger.rows("requests")) == 2


def test_a_crawl_after_compacting_goes_on_counting_rounds(ledger):
    ledger.page(1)
    ledger.next_round()
    ledger.page(1)
    ledger.database.run(ledger.frontier.leave)
    maintenance.compact(ledger.database)
    ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    assert ledger.open().round == 3


def test_nobody_compacts_under_a_crawl(ledger):
    with pytest.raises(LedgerError, match=r"nobody writes to, got a crawl by worker .*: compact when it has ended"):
        maintenance.compact(ledger.database)


# --- backup ---------------------------------------------------------------------------------------------------------


def test_a_copy_is_whole_while_the_ledger_is_in_use(sqlite_url, tmp_path):
    ledger = Ledger(open_database(sqlite_url))
    fill(ledger, 100)
    with ledger.database.write() as conn:
        ledger.frontier.add(conn, [entry(5000)])
        path = maintenance.backup(ledger.database, tmp_path / "copies/one.db")
    assert path == tmp_path / "copies/one.db"
    assert [file.name for file in path.parent.iterdir()] == ["one.db"], "one file, nothing beside it"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    copy = Ledger.__new__(Ledger)
    copy.database, copy.frontier = open_database(f"sqlite:///{path}"), ledger.frontier
    assert len(copy.rows("records")) == 100
    assert copy.counts()["pending"] == 0, "what was not committed is not in it"
    assert copy.problems(tmp_path, full=True) == []
    copy.database.close()
    ledger.database.close()


def test_a_copy_ends_while_others_commit_without_end(sqlite_url, tmp_path):
    ledger = Ledger(open_database(sqlite_url))
    fill(ledger, 2000)
    writer, done = open_database(sqlite_url), threading.Event()

    def commit() -> None:
        while not done.is_set():
            with writer.write() as conn:
                conn.exec_driver_sql("UPDATE runs SET reason = 'busy'")

    thread = threading.Thread(target=commit)
    thread.start()
    try:
        path = maintenance.backup(ledger.database, tmp_path / "copy.db")
    finally:
        done.set()
        thread.join()
    copy = Ledger.__new__(Ledger)
    copy.database = open_database(f"sqlite:///{path}")
    assert len(copy.rows("records")) == 2000
    for database in (copy.database, writer, ledger.database):
        database.close()


def test_a_file_that_is_there_is_not_overwritten(database, tmp_path):
    (tmp_path / "mine").write_text("dear to me")
    with pytest.raises(LedgerError, match=r"expected a path where no file is, got .*mine"):
        maintenance.backup(database, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "dear to me"


def test_a_folder_that_cannot_be_written(database, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="expected a folder to write to"):
        maintenance.backup(database, tmp_path / "file/copy.db")


def test_a_copy_that_fails_leaves_nothing(sqlite_url, tmp_path, monkeypatch):
    ledger = Ledger(open_database(sqlite_url))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull, match="No space left on device"):
        maintenance.backup(ledger.database, tmp_path / "copies/one.db")
    assert list((tmp_path / "copies").iterdir()) == []
    ledger.database.close()


def test_a_damaged_ledger_is_not_passed_on_as_a_backup(sqlite_url, tmp_path):
    ledger = Ledger(open_database(sqlite_url))
    fill(ledger, 50)
    ledger.database.close()
    path = tmp_path / "gristmill.db"
    with path.open("r+b") as file:
        file.seek(40_000)
        file.write(b"\xff" * 40_000)
    with pytest.raises(LedgerError):
        maintenance.backup(open_database(sqlite_url), tmp_path / "copies/one.db")
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_server_is_dumped_by_pg_dump(postgresql_server, postgresql_url, tmp_path, monkeypatch):
    ledger = Ledger(open_database(postgresql_url))
    ledger.page(1, record("a"))
    if postgresql_server.own is not None:
        monkeypatch.setenv("PATH", f"{postgresql_server.own.bin_path}:{os.environ['PATH']}")
    if shutil.which("pg_dump") is None:
        missing("pg_dump is not on PATH")
    path = maintenance.backup(ledger.database, tmp_path / "copy.dump")
    assert path.read_bytes().startswith(b"PGDMP")
    ledger.database.close()


def test_a_server_without_pg_dump_says_what_is_missing(postgresql_url, tmp_path, monkeypatch):
    database = open_database(postgresql_url)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LedgerError, match="needs the program pg_dump"):
        maintenance.backup(database, tmp_path / "copy.dump")
    assert not list(tmp_path.glob("*.dump*"))
    database.close()


def test_what_pg_dump_complains_about_is_passed_on(postgresql_url, tmp_path, monkeypatch):
    database = open_database(postgresql_url)
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'server version mismatch' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(LedgerError, match=r"pg_dump could not copy postgresql.*: server version mismatch"):
        maintenance.backup(database, tmp_path / "copy.dump")
    database.close()


def test_a_backup_opens_with_plain_sqlite(sqlite_url, tmp_path):
    ledger = Ledger(open_database(sqlite_url))
    path = maintenance.backup(ledger.database, Path(tmp_path / "copy.db"))
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert raw.execute("SELECT count(*) FROM crawls").fetchone() == (1,)
    raw.close()
    ledger.database.close()
