"""An export is whole, described by its manifest, and the same bytes for the same records."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading

import jsonschema
import pytest

from crawlers.errors import DiskFull, GristmillError
from crawlers.exporters import EXPORTERS
from crawlers.exporters.materialise import is_whole, manifest_path, materialise
from crawlers.items import Record
from crawlers.ledger.database import open_database
from tests.flow import harness
from tests.ledger_pages import Ledger, entry

TEMPORARY = ".tmp-"


def page(ledger, number, *texts):
    """A settled page with a record for each text."""
    found = [Record("shop", f"{number}/{i}", text=text) for i, text in enumerate(texts)]
    for record in found:
        record.seal()
    ledger.add(entry(number))
    ledger.page(number, *found)


@pytest.fixture
def database(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/gristmill.db")
    page(Ledger(database), 1, *(f"text {i}" for i in range(5)))
    yield database
    database.close()


def read(path):
    return json.loads(path.read_bytes())


def test_the_manifest_describes_the_file(tmp_path, database):
    export = materialise(database, "shop", "jsonl", tmp_path / "shop")
    data = export.path.read_bytes()
    manifest = read(manifest_path(export.path))
    assert export.path.name == "records.jsonl"
    assert manifest_path(export.path).name == "records.jsonl.manifest.json"
    assert manifest["records"] == len(data.splitlines()) == 5
    assert manifest["bytes"] == len(data)
    assert manifest["sha256"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert (manifest["source"], manifest["format"], manifest["since_run"]) == ("shop", "jsonl", None)
    assert manifest["run_id"].startswith("2026")
    assert is_whole(export.path)


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_manifests_are_as_their_schema_says(tmp_path, database, name):
    schema = read(harness.ROOT / "schemas" / "dataset.schema.json")
    digest = "sha256:" + "0" * 64
    database.run(lambda conn: conn.exec_driver_sql(f"UPDATE runs SET settings_digest = '{digest}'"))
    export = materialise(database, "shop", name, tmp_path / "shop")
    manifest = read(manifest_path(export.path))
    jsonschema.Draft202012Validator(schema).validate(manifest)
    assert manifest["settings_digest"] == digest
    named = manifest["schema"].split(":")[3]
    assert read(harness.ROOT / "schemas" / f"{named}.schema.json")["$id"] == manifest["schema"]


def test_tasks_are_as_their_schema_says(tmp_path, database):
    schema = read(harness.ROOT / "schemas" / "task.schema.json")
    tasks = read(materialise(database, "shop", "label-studio", tmp_path / "shop").path)
    assert len(tasks) == 5
    for task in tasks:
        jsonschema.Draft202012Validator(schema).validate(task)


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


def test_records_that_are_gone_come_only_when_asked_for(tmp_path, database):
    database.run(lambda conn: conn.exec_driver_sql("UPDATE records SET state = 'gone' WHERE key = '1/0'"))
    assert materialise(database, "shop", "jsonl", tmp_path).records == 4
    export = materialise(database, "shop", "jsonl", tmp_path, gone=True)
    assert export.records == 5
    assert read(manifest_path(export.path))["gone"] is True


@pytest.fixture
def larger(tmp_path):
    """An export of five records, and a ledger that has twenty now."""
    path = tmp_path / "ledger"
    database = open_database(f"sqlite:///{path}/gristmill.db")
    ledger = Ledger(database)
    page(ledger, 1, *(f"text {i}" for i in range(5)))
    materialise(database, "shop", "label-studio", tmp_path / "before")
    page(ledger, 2, *(f"more {i}" for i in range(15)))
    yield database, tmp_path
    database.close()


def content(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if TEMPORARY not in p.name}


def test_killed_at_any_step_nothing_is_torn_and_the_next_export_repairs(larger):
    database, root = larger
    url = f"sqlite:///{root}/ledger/gristmill.db"
    result = subprocess.run(
        [sys.executable, "-m", "tests.exporters.steps", url, str(root)],
        cwd=harness.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    data, manifest = "tasks.label-studio.json", "tasks.label-studio.json.manifest.json"
    before, whole = content(root / "before"), content(root / "whole")
    steps = sorted((p for p in root.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    assert len(steps) >= 14, "three files, each written and renamed, and their folder"
    seen = set()
    for folder in steps:
        found = content(folder)
        assert set(found) == set(whole)
        assert found[data] in {before[data], whole[data]}, f"step {folder.name}: half a file"
        fits = json.loads(found[manifest])["records"] == len(json.loads(found[data]))
        assert is_whole(folder / data) is fits, f"step {folder.name}"
        seen.add((found[data] == whole[data], fits))
        materialise(database, "shop", "label-studio", folder)
        assert content(folder)[data] == whole[data]
        assert is_whole(folder / data)
        assert not [p for p in folder.iterdir() if TEMPORARY in p.name], f"step {folder.name} left something"
    assert seen == {(False, True), (True, False), (True, True)}


def test_a_full_disk_leaves_the_last_export_as_it_was(larger, monkeypatch):
    """The manifest is written before the file is renamed, so that a disk that is full only for it changes nothing."""
    database, root = larger
    before, synced, fsync = content(root / "before"), [], os.fsync
    for at in (1, 2, 3):

        def full(handle, at=at):
            synced.append(handle)
            if len(synced) == at:
                raise OSError(errno.ENOSPC, "no space")
            return fsync(handle)

        synced.clear()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="what was there before is untouched"):
            materialise(database, "shop", "label-studio", root / "before")
        assert content(root / "before") == before
        assert len(list((root / "before").iterdir())) == len(before)


def test_exports_of_several_workers_fit_their_manifests(larger):
    database, root = larger
    target = root / "shared"
    errors = []

    def export():
        try:
            for _ in range(5):
                materialise(database, "shop", "jsonl", target)
        except Exception as exc:
            errors.append(exc)

    workers = [threading.Thread(target=export) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert is_whole(target / "records.jsonl")
    assert len(list(target.iterdir())) == 2


def test_where_it_cannot_be_written_it_says_so(tmp_path, database):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GristmillError, match="cannot write"):
        materialise(database, "shop", "jsonl", tmp_path / "file" / "shop")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(GristmillError, match="cannot write"):
        materialise(database, "shop", "jsonl", tmp_path, output=tmp_path / "folder.jsonl")
    assert not list((tmp_path / "folder.jsonl").iterdir())


@pytest.mark.parametrize("wrong", ["", "[]", "{", '{"sha256": 3}'])
def test_a_manifest_that_is_none_proves_nothing(tmp_path, database, wrong):
    path = materialise(database, "shop", "jsonl", tmp_path).path
    manifest_path(path).write_text(wrong)
    assert not is_whole(path)
    assert not is_whole(tmp_path / "gone" / "records.jsonl")
