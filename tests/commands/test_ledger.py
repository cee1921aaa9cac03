from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError
from scrapy.settings import Settings

from crawlers.commands.ledger import Command
from crawlers.ledger import crawls
from crawlers.ledger.database import open_database
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import Ledger, answer, entry, record, rejected, signature


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose ledger has seen one crawl."""
    ledger = Ledger(open_database(f"sqlite:///{tmp_path}/data/gristmill.db"))
    kept = record("a")
    (lease,) = ledger.lease(1)
    page = Settlement(
        lease, records=[kept], rejections=[rejected("b")], signatures=[signature(kept)],
        children=[entry(2, skipped="offsite")], answer=answer(lease, b"x" * 5000),
    )  # fmt: skip
    ledger.commit(page)
    ledger.database.run(ledger.frontier.leave)
    ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    ledger.database.run(lambda conn: crawls.finish_run(conn, ledger.run, reason="finished", exit_code=0))
    ledger.database.close()
    return tmp_path / "data"


def run(data: Path, *words: str, **settings) -> int:
    command = Command()
    command.settings = Settings({"DATA_DIR": str(data), "LEDGER_TIMEOUT": 2, **settings})
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    options, args = parser.parse_known_args(list(words))
    command.run(args, options)
    return command.exitcode


def break_(data: Path) -> None:
    database = open_database(f"sqlite:///{data}/gristmill.db")
    with database.write() as conn:
        conn.exec_driver_sql("DELETE FROM captures")
    database.close()


@pytest.mark.parametrize("words", [(), ("status",)])
def test_status_shows_states_sizes_and_runs(data, capsys, words):
    assert run(data, *words) == 0
    out = capsys.readouterr().out
    assert f"Ledger   {data}/gristmill.db  " in out
    assert "shop: 1 records kept, 0 gone, 1 rejected" in out
    assert "crawl 1, round 1, complete: pending 0  leased 0  done 1  failed 0  skipped 1" in out
    assert "Captures 1  " in out
    assert "(5.0 kB unpacked)" in out
    assert "exit 0 (finished)" in out
    assert "scrapy crawl shop" in out


def test_status_as_json(data, capsys):
    assert run(data, "status", "--format", "json", "--source", "shop") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["database"]["where"] == f"{data}/gristmill.db"
    assert report["database"]["bytes"] > 10_000
    assert report["sources"][0]["crawls"][0]["requests"]["done"] == 1
    assert report["rows"]["requests"] == 2
    assert report["runs"][0]["exit_code"] == 0


def test_a_run_that_was_killed_is_shown_as_such(data, capsys):
    database = open_database(f"sqlite:///{data}/gristmill.db")
    values = {"run_id": "20260102T000000Z-bbbbbb", "crawl_id": 1, "source": "shop", "command": "c", "worker": "w:1:x"}
    database.run(lambda conn: crawls.start_run(conn, **values))
    database.close()
    run(data, "status")
    assert "running, or killed" in capsys.readouterr().out


def test_check_of_a_sound_ledger(data, capsys):
    assert run(data, "check", "--full") == 0
    assert "every invariant holds" in capsys.readouterr().out


def test_check_names_what_is_wrong_and_what_to_do(data, capsys):
    break_(data)
    assert run(data, "check") == 1
    out = capsys.readouterr().out
    assert "capture-of-page: page http://shop.example/1: expected the capture sha256:" in out
    assert "--fresh" in out
    assert "1 problems in" in out
    assert run(data, "check", "--format", "json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["kind"] == "capture-of-page"
    assert set(problem) == {"kind", "what", "where", "remedy"}


def test_compact_says_what_it_dropped(data, capsys):
    database = open_database(f"sqlite:///{data}/gristmill.db")
    with database.write() as conn:
        conn.exec_driver_sql("UPDATE captures SET captured_at = '2020-01-01T00:00:00Z'")
        conn.exec_driver_sql("UPDATE pages SET fetched_at = '2020-01-01T00:00:00Z'")
    database.close()
    assert run(data, "compact", CAPTURE_RETENTION_DAYS=0) == 0
    assert "Dropped 0 captures" in capsys.readouterr().out
    assert run(data, "compact", CAPTURE_RETENTION_DAYS=30) == 0
    assert "Dropped 1 captures and 0 requests of earlier rounds" in capsys.readouterr().out
    assert run(data, "compact", "--days", "1", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["captures"] == 0


def test_backup_to_a_path_and_to_the_data_folder(data, capsys, tmp_path):
    assert run(data, "backup", str(tmp_path / "copy.db")) == 0
    assert str(tmp_path / "copy.db") in capsys.readouterr().out
    assert run(data, "backup", "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert Path(report["path"]).parent == data / "backups"
    assert Path(report["path"]).stat().st_size == report["bytes"]


def test_a_ledger_that_is_not_there(tmp_path, capsys):
    assert run(tmp_path, "status") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(
        f"error: expected a ledger at {tmp_path}/gristmill.db, got no file: run `scrapy crawl"
    )
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_an_unknown_kind_is_wrong_use(tmp_path, capsys):
    assert run(tmp_path, "status", DATABASE_URL="mysql://u@h/d") == 2
    assert "DATABASE_URL: expected sqlite:///" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("status",), ("check",), ("compact",)])
def test_a_setting_that_is_no_number_is_wrong_use(data, capsys, words):
    assert run(data, *words, LEDGER_TIMEOUT="abc") == 2
    assert capsys.readouterr().err == "error: LEDGER_TIMEOUT: expected a number of at least 0, got 'abc'\n"


def test_compact_with_a_retention_that_is_no_number(data, capsys):
    assert run(data, "compact", CAPTURE_RETENTION_DAYS="x") == 2
    assert "CAPTURE_RETENTION_DAYS: expected a number of at least 0, got 'x'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("statsu",), ("status", "extra"), ("backup", "a", "b"), ("status", "--source", "nobody")]
)
def test_wrong_use(data, words):
    with pytest.raises(UsageError, match="expected"):
        run(data, *words)


def test_help_says_what_each_action_does():
    command = Command()
    for action in ("status", "check", "compact", "backup"):
        assert action in command.syntax()
        assert f"{action}" in command.long_desc()
