"""``scrapy export`` over a ledger that the ledger's own functions filled."""

from __future__ import annotations

import csv
import hashlib
import io
import json

import pytest

from crawlers.exporters import EXPORTERS
from crawlers.exporters.csv import CsvExporter
from crawlers.exporters.materialise import is_whole, manifest_path
from crawlers.items import Record
from crawlers.ledger.database import open_database
from tests.flow import harness
from tests.ledger_pages import Ledger, entry, run_id

SPIDERS = harness.settings(SPIDER_MODULES="tests.flow.spiders")


def fill(ledger, number, *texts):
    found = [Record("shop", f"{number}/{i}", title=f"=T({i})", text=text) for i, text in enumerate(texts)]
    for record in found:
        record.seal()
    ledger.add(entry(number))
    ledger.page(number, *found)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    database = open_database(f"sqlite:///{path}/gristmill.db")
    ledger = Ledger(database)
    fill(ledger, 1, *(f"text {i} 🙂" for i in range(3)))
    ledger.next_round()
    fill(ledger, 2, *(f"later {i}" for i in range(2)))
    database.run(lambda conn: conn.exec_driver_sql("UPDATE records SET state = 'gone' WHERE key = '1/0'"))
    database.close()
    return path


def export(data, *args, **options):
    return harness.run(data, "export", *args, *SPIDERS, **options)


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_each_format_is_written_where_it_belongs(data, name):
    result = export(data, "shop", "--format", name)
    assert result.code == 0, result
    path = data / "shop" / EXPORTERS[name].filename
    assert result.out.startswith(f"{path}  4 records  {path.stat().st_size:,} bytes  sha256:")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in result.out
    assert is_whole(path)
    assert result.err == ""


def test_the_default_is_json_lines_in_the_order_of_ids(data):
    assert export(data, "shop").code == 0
    found = harness.records(data, "shop")
    assert [r["id"] for r in found] == sorted(r["id"] for r in found)
    assert {r["key"] for r in found} == {"1/1", "1/2", "2/0", "2/1"}


def test_csv_is_safe_and_reads_back(data):
    assert export(data, "shop", "-f", "csv").code == 0
    path = data / "shop" / "records.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    assert all(row["title"].startswith("'=T(") for row in rows)
    assert export(data, "shop").code == 0
    assert list(CsvExporter.read(path)) == harness.records(data, "shop")


def test_another_file_only_what_is_new_and_what_is_gone(data, tmp_path):
    later = tmp_path / "some folder" / "later.jsonl"
    result = export(data, "shop", "--output", str(later), "--since-run", run_id(1))
    assert result.code == 0, result
    assert {json.loads(line)["key"] for line in later.read_text().splitlines()} == {"2/0", "2/1"}
    assert json.loads(manifest_path(later).read_text())["since_run"] == run_id(1)
    everything = tmp_path / "all.jsonl"
    result = export(data, "shop", "--output", str(everything), "--include-gone")
    assert result.code == 0, result
    assert len(everything.read_text().splitlines()) == 5


def test_nothing_to_write_is_said_and_is_no_error(data, tmp_path):
    result = export(data, "shop", "--output", str(tmp_path / "x.jsonl"), "--since-run", run_id(2))
    assert result.code == 0, result
    assert "shop has no records since that run: `scrapy rejected shop` tells why" in result.out
    assert (tmp_path / "x.jsonl").read_bytes() == b""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "expected the name of one source, got 0"),
        (["shop", "books"], "expected the name of one source, got 2"),
        (["shop", "-s", "LEDGER_TIMEOUT=abc"], "LEDGER_TIMEOUT: expected a number of at least 0, got 'abc'"),
        (
            ["shop", "--format", "docx"],
            "unknown export format 'docx': expected one of csv, jsonl, label-studio, parquet",
        ),
        (["sho"], "got 'sho'. In the ledger: shop"),
        (["../shop"], "got '../shop'"),
        (["shop", "--since-run", "yesterday"], "expected a run of the ledger, got 'yesterday'"),
    ],
)
def test_wrong_use_is_exit_2_without_a_traceback(data, args, said):
    result = export(data, *args)
    assert result.code == 2, result
    assert said in result.err + result.out
    assert "Traceback" not in result.err


def test_before_the_first_crawl_known_sources_are_told_from_unknown_ones(tmp_path):
    unknown = harness.run(tmp_path, "export", "nobody")
    assert unknown.code == 2, unknown
    assert "Known: books" in unknown.err + unknown.out
    known = harness.run(tmp_path, "export", "quotes")
    assert known.code in {1, 2}, known
    assert "Traceback" not in known.err
    assert not (tmp_path / "gristmill.db").exists()


def test_a_file_that_cannot_be_written_is_exit_1(data, tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = export(data, "shop", "--output", str(tmp_path / "file" / "x.jsonl"))
    assert result.code == 1, result
    assert f"error: cannot write {tmp_path / 'file'}" in result.err
    assert "Traceback" not in result.err


def test_help_names_the_formats(data):
    result = export(data, "--help")
    assert result.code == 0
    assert "csv, jsonl, label-studio, parquet" in " ".join(result.out.split())
    for option in ("--format", "--output", "--since-run", "--include-gone"):
        assert option in result.out
