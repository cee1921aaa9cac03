"""A full disk, a locked database, a restarted server, an unwritable folder: nothing is lost, and the message says it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time

import pytest

from tests.flow import harness
from tests.flow.test_crash import crawl_args
from tests.missing import missing
from tests.server import Site


@pytest.fixture
def site():
    with Site(pages=300, page_bytes=20_000) as site:
        yield site


def test_a_full_disk_stops_the_crawl_and_space_lets_it_go_on(small_disk, site):
    args = [*crawl_args(site), "-s", "EXPORTS="]
    full = harness.run(small_disk.path, *args)
    assert full.code == 1, full
    assert "no space left" in full.err
    assert str(small_disk.path) in full.err
    assert "Traceback" not in full.err
    asked = len(site.log)
    assert asked < 300

    small_disk.resize(100)
    assert harness.run(small_disk.path, *args).code == 0
    assert harness.states(small_disk.path) == {"done": 315}
    with sqlite3.connect(small_disk.path / "gristmill.db") as db:
        assert db.execute("SELECT count(*), count(DISTINCT id), max(version) FROM records").fetchone() == (315, 315, 1)
    assert len(site.log) <= 315 + 2 + 16
    harness.ledger_is_sound(small_disk.path)


def test_a_locked_database_is_waited_for(tmp_path, site):
    process = harness.start(tmp_path, *crawl_args(site))
    try:
        while len(site.log) < 50:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        with sqlite3.connect(tmp_path / "gristmill.db", timeout=30, isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")
            asked = len(site.log)
            time.sleep(4)
            assert len(site.log) <= asked + 16, "requests go out while nothing can be stored"
            db.execute("ROLLBACK")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    assert "Traceback" not in err
    assert harness.states(tmp_path) == {"done": 315}
    assert len(harness.records(tmp_path, "pages")) == 315


def test_a_database_locked_for_too_long_ends_with_a_message(tmp_path, site):
    harness.run(tmp_path, *crawl_args(site), "-a", "unused=1", "-s", "CLOSESPIDER_PAGECOUNT=5")
    with sqlite3.connect(tmp_path / "gristmill.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        result = harness.run(tmp_path, *crawl_args(site), "-s", "LEDGER_TIMEOUT=1")
    assert result.code == 1, result
    assert "gristmill.db" in result.err
    assert "Traceback" not in result.err


def test_an_unwritable_folder_says_so_before_the_first_request(tmp_path, site):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    result = harness.run(blocked / "data", *crawl_args(site))
    assert result.code in {1, 2}, result
    assert str(blocked) in result.err
    assert "Traceback" not in result.err
    assert site.log == []


def test_a_database_of_a_newer_version_is_left_alone(tmp_path, site):
    harness.run(tmp_path, *crawl_args(site), "-s", "CLOSESPIDER_PAGECOUNT=5")
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        db.execute("INSERT INTO schema_versions VALUES (999, '2030-01-01T00:00:00Z', '99.0')")
    asked = len(site.log)
    result = harness.run(tmp_path, *crawl_args(site))
    assert result.code == 1, result
    assert "newer" in result.err
    assert "Traceback" not in result.err
    assert len(site.log) == asked


def test_a_restarted_server_costs_nothing(tmp_path, site, postgresql_server, postgresql_url):
    if postgresql_server.own is None:
        missing("a PostgreSQL server that is not ours is not restarted")
    process = harness.start(tmp_path, *crawl_args(site), DATABASE_URL=postgresql_url)
    restart = threading.Thread(target=postgresql_server.control, args=("restart", "-m", "immediate"))
    try:
        while len(site.log) < 50:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        restart.start()
        out, err = process.communicate(timeout=90)
    finally:
        process.kill()
        restart.join()
    assert process.returncode == 0, out + err
    assert "Traceback" not in err
    found = harness.records(tmp_path, "pages")
    assert len(found) == len({r["id"] for r in found}) == 315
    harness.ledger_is_sound(tmp_path, DATABASE_URL=postgresql_url)


def test_interrupted_politely_it_says_how_to_go_on(tmp_path, site):
    process = harness.start(tmp_path, *crawl_args(site))
    while len(site.log) < 50:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, 2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    assert "same command" in out + err
    states = harness.states(tmp_path)
    assert states.get("leased", 0) == 0
    assert states["pending"] > 0
    assert harness.run(tmp_path, *crawl_args(site)).code == 0
    assert harness.states(tmp_path) == {"done": 315}
