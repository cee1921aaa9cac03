"""The real command over a ledger that the ledger's own functions filled."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.flow import harness
from tests.report import ledgers

SPIDERS = harness.settings(SPIDER_MODULES="tests.flow.spiders")
EVIL = '=HYPERLINK("http://evil.example")\x1b[2J[bold]'


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    ledgers.ordinary(path).database.close()
    return path


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    path = tmp_path_factory.mktemp("evil")
    filled = ledgers.begin(path)
    filled.discover("http://shop.example/1")
    bad, why = ledgers.rejected("http://shop.example/1", detail=EVIL, value=EVIL)
    bad.title, bad.text, bad.url = EVIL, EVIL, f"http://shop.example/{EVIL}"
    filled.settle(status=200, rejections=[(bad, why)])
    filled.database.close()
    return path


def rejected(data, *args):
    return harness.run(data, "rejected", *args, *SPIDERS)


def test_counts_by_stage_and_reason(data):
    result = rejected(data, "shop")
    assert result.code == 0, result
    rows = [line.split() for line in result.out.splitlines()[1:3]]
    assert rows == [["keywords", "no-keyword", "2", "66.7%"], ["deduplicate", "near-duplicate", "1", "33.3%"]]


def test_it_says_how_to_read_and_readmit_them(data):
    out = rejected(data, "shop").out
    assert "scrapy rejected shop --reason no-keyword" in out
    assert "scrapy readmit shop --reason no-keyword" in out


def test_with_a_reason_each_record_is_shown(data):
    out = rejected(data, "shop", "--reason", "no-keyword").out
    assert out.count("keywords/no-keyword") == 2
    assert "value 0, threshold 1" in out
    assert "refused: no-keyword" in out
    assert "near-duplicate" not in out


def test_a_duplicate_names_the_kept_record(data):
    out = rejected(data, "shop", "--stage", "deduplicate").out
    assert f"duplicate of {'0' * 32}" in out


def test_a_part_of_the_url_is_enough(data):
    rows = [
        json.loads(line) for line in rejected(data, "shop", "--url", "example/13", "--format", "jsonl").out.splitlines()
    ]
    assert [row["url"] for row in rows] == ["http://shop.example/13"]


def test_jsonl_has_whole_records(data):
    rows = [json.loads(line) for line in rejected(data, "shop", "--format", "jsonl").out.splitlines()]
    assert len(rows) == 3
    assert {(row["stage"], row["reason"]) for row in rows} == {
        ("keywords", "no-keyword"),
        ("deduplicate", "near-duplicate"),
    }
    assert all(row["record"]["text"] == "A kettle that boils." for row in rows)
    assert {row["value"] for row in rows} == {0, None}


def test_csv_has_a_line_for_each_record(data):
    rows = list(csv.DictReader(io.StringIO(rejected(data, "shop", "--format", "csv").out)))
    assert len(rows) == 3
    assert rows[1]["reason"] == "no-keyword"
    assert rows[1]["threshold"] == "1"
    assert rows[0]["duplicate_of"] == "0" * 32


def test_csv_is_safe_to_open_in_a_spreadsheet(evil):
    (row,) = csv.DictReader(io.StringIO(rejected(evil, "shop", "--format", "csv").out))
    assert not [name for name, value in row.items() if value[:1] in {"=", "+", "-", "@", "\t", "\r"}]


def test_a_page_cannot_write_on_the_terminal(evil):
    result = rejected(evil, "shop", "--reason", "no-keyword")
    assert "\x1b" not in result.out
    assert "[bold]" in result.out


def test_no_more_than_asked_for(data):
    assert len(rejected(data, "shop", "--format", "jsonl", "--limit", "2").out.splitlines()) == 2
    out = rejected(data, "shop", "--reason", "no-keyword", "--limit", "1").out
    assert out.count("keywords/no-keyword") == 1
    assert "Only the first 1 are shown" in out


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_is_a_number(data, limit):
    result = rejected(data, "shop", f"--limit={limit}")
    assert result.code == 2
    assert "--limit" in result.err


def test_nothing_like_that(data):
    result = rejected(data, "shop", "--reason", "unheard-of")
    assert result.code == 0
    assert "No rejected record of shop is like that" in result.out


def test_a_source_that_was_not_crawled_yet(data, tmp_path):
    assert "Nothing of pages is rejected." in rejected(data, "pages").out
    result = rejected(tmp_path, "pages")
    assert result.code == 0
    assert "it was not crawled yet (scrapy crawl pages)" in result.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", [["nope"], [], ["shop", "-s", "LEDGER_TIMEOUT=abc"]])
def test_wrong_use(data, args):
    result = rejected(data, *args)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_an_unknown_source_lists_those_of_the_project_and_of_the_ledger(data, tmp_path):
    assert "Known: " in rejected(tmp_path, "nope").err
    err = rejected(data, "nope").err
    assert "shop" in err
    assert "pages" in err


def test_a_broken_ledger_is_a_message(tmp_path):
    (tmp_path / "gristmill.db").write_bytes(b"not a database" * 100)
    result = rejected(tmp_path, "shop")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert str(tmp_path / "gristmill.db") in result.err


def test_a_reader_that_leaves_early(data):
    """Like `| head -1`: no traceback."""
    process = harness.start(data, "rejected", "shop", "--format", "jsonl", *SPIDERS)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
