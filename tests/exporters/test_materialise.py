"""An export is whole, described by its manifest, and the same bytes for the same records."""

from __future__ import annotations

import hashlib
import json

import pytest

from crawlers.exporters.materialise import is_whole, manifest_path, materialise
from crawlers.items import Record
from crawlers.ledger.database import open_database
from tests.ledger_pages import Ledger, entry


@pytest.fixture
def database(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/gristmill.db")
    ledger = Ledger(database)
    ledger.add(entry(1))
    found = [Record("shop", f"k{i}", text=f"text {i}", provenance=Record("a", "b").provenance) for i in range(5)]
    for record in found:
        record.seal()
    ledger.page(1, *found)
    yield database
    database.close()


def test_the_manifest_describes_the_file(tmp_path, database):
    export = materialise(database, "shop", "jsonl", tmp_path / "shop", run_id="run-1", settings_digest="sha256:x")
    data = export.path.read_bytes()
    manifest = json.loads(manifest_path(export.path).read_bytes())
    assert export.path.name == "records.jsonl"
    assert manifest_path(export.path).name == "records.jsonl.manifest.json"
    assert manifest["records"] == len(data.splitlines()) == 5
    assert manifest["bytes"] == len(data)
    assert manifest["sha256"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert (manifest["run_id"], manifest["settings_digest"], manifest["source"]) == ("run-1", "sha256:x", "shop")
    assert is_whole(export.path)


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet", "label-studio"])
def test_the_same_records_give_the_same_bytes(tmp_path, database, name):
    first = materialise(database, "shop", name, tmp_path / "a")
    second = materialise(database, "shop", name, tmp_path / "b")
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_records_come_in_the_order_of_their_ids(tmp_path, database):
    path = materialise(database, "shop", "jsonl", tmp_path).path
    ids = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    assert ids == sorted(ids)


def test_a_torn_file_is_found_and_the_next_export_repairs_it(tmp_path, database):
    path = materialise(database, "shop", "jsonl", tmp_path).path
    path.write_bytes(path.read_bytes()[:-20])
    assert not is_whole(path)
    materialise(database, "shop", "jsonl", tmp_path)
    assert is_whole(path)
    manifest_path(path).unlink()
    assert not is_whole(path)


def test_what_came_before_a_run_is_left_out(tmp_path, database):
    path = materialise(database, "shop", "jsonl", tmp_path, output=tmp_path / "new.jsonl", since_run="99999999").path
    assert path.read_bytes() == b""


def test_a_source_without_records_gives_an_empty_file(tmp_path, database):
    export = materialise(database, "nothing", "label-studio", tmp_path)
    assert export.records == 0
    assert json.loads(export.path.read_bytes()) == []
