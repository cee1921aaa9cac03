"""Folders of files: every line, row and file is a record or a rejection that names its place."""

from __future__ import annotations

import csv
import io
import json
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.errors import ArgumentError, GristmillError
from crawlers.sources import files
from crawlers.sources.files import FilesSource
from tests.flow import harness


class Corpus(FilesSource):
    name = "corpus"


def read_all(source, name):
    found, query = [], {}
    while query is not None:
        piece = source.read_piece(name, query)
        found += [json.loads(line) for line in piece.body.splitlines()]
        query = piece.following
    return found


def test_json_lines_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_ROWS", 7)
    lines = [json.dumps({"id": i, "text": "ä" * i}) for i in range(40)]
    (tmp_path / "a.jsonl").write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    found = read_all(Corpus(folder=str(tmp_path)), "a.jsonl")
    assert [row["row"]["id"] for row in found] == list(range(40))
    assert [row["line"] for row in found] == [1 + 2 * i for i in range(40)]


def test_broken_lines_keep_their_place(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"id": 1}\n{"id": \n[1]\n\xff\xfe\n{"id": 2}')
    found = read_all(Corpus(folder=str(tmp_path)), "a.jsonl")
    assert [row["row"]["id"] for row in found if "row" in row] == [1, 2]
    assert [row["line"] for row in found if "error" in row] == [2, 3, 4]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(st.text(alphabet='ab,;"\n ä', max_size=6), min_size=3, max_size=3), max_size=12),
    pieces=st.integers(1, 5),
)
def test_csv_with_anything_in_its_cells(tmp_path_factory, rows, pieces):
    folder = tmp_path_factory.mktemp("csv")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["x", "y", "z"])
    writer.writerows(rows)
    (folder / "a.csv").write_text(out.getvalue(), encoding="utf-8-sig", newline="")
    before, files._ROWS = files._ROWS, pieces
    try:
        found = read_all(Corpus(folder=str(folder)), "a.csv")
    finally:
        files._ROWS = before
    assert [list(row["row"].values()) for row in found] == rows


def test_csv_delimiters_and_rows_of_another_width(tmp_path):
    (tmp_path / "a.csv").write_text("id;name\n1;one\n2;two;three\n3;drei\n", encoding="utf-8")
    found = read_all(Corpus(folder=str(tmp_path)), "a.csv")
    assert [row.get("row") for row in found] == [{"id": "1", "name": "one"}, None, {"id": "3", "name": "drei"}]
    assert found[1]["line"] == 3
    assert "expected 2 columns, got 3" in found[1]["error"]


def test_what_leads_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.txt").write_text("canary")
    source = Corpus(folder=str(tmp_path / "in"))
    (tmp_path / "in" / "link.txt").symlink_to(tmp_path / "secret.txt")
    for path in ("../secret.txt", "link.txt", "%2e%2e/secret.txt"):
        with pytest.raises(GristmillError, match="inside"):
            source.read_piece(path, {})


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(ArgumentError, match="expected a folder"):
        _ = Corpus(folder=str(tmp_path / "nowhere")).root


def test_the_example_notes(tmp_path):
    args = ["crawl", "notes", *harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])]
    result = harness.run(tmp_path, *args)
    assert result.code == 0, result
    found = {r["key"]: r for r in harness.records(tmp_path, "notes")}
    assert {"obs-1", "obs-5", "st-2", "method.html", "readme.txt"} <= set(found)
    assert "\n" in found["st-2"]["text"]
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        rejected = db.execute("SELECT stage, reason, detail FROM rejections ORDER BY detail").fetchall()
    assert [row[:2] for row in rejected] == [("read", "broken-line")] * 2
    assert rejected[0][2].startswith("observations.jsonl:4: ")
    assert rejected[1][2].startswith("stations.csv:6: ")
    harness.ledger_is_sound(tmp_path)
