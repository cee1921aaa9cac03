"""Folders of files: every line, row and file is a record, a rejection that names its place, or a request that failed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from urllib.parse import urlencode

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from crawlers.errors import REFUSED, ArgumentError
from crawlers.items import Record
from crawlers.middlewares.outcomes import Failed, Skipped, marked
from crawlers.sources import files
from crawlers.sources.files import FilesSource
from crawlers.sources.pieces import SourceUnavailable
from tests.flow import harness


class Corpus(FilesSource):
    name = "corpus"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    return path


def corpus(folder):
    return Corpus(folder=str(folder))


def answers(source, name):
    """The pieces of a file as the spider gets them."""
    url = source.piece_url(name)
    while url is not None:
        path, _, query = url.partition("://corpus/")[2].partition("?")
        piece = source.read_piece(path, dict(part.split("=") for part in query.split("&") if part))
        headers = {"Content-Type": piece.content_type}
        if piece.following:
            headers["X-Following"] = urlencode(piece.following)
        yield Response(url, body=piece.body, headers=headers, request=Request(url))
        url = source.piece_url(name, piece.following) if piece.following else None


def records(source, name):
    return [found for answer in answers(source, name) for found in source.parse(answer) if isinstance(found, Record)]


async def started(source):
    return [request async for request in source.start()]


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_folder_without_a_file_to_read_is_named(folder):
    class Tables(Corpus):
        patterns = ("**/*.csv", "*.tsv")

    for name in ("a.txt", ".hidden.csv"):
        (folder / name).write_text("x")
    (folder / "folder.csv").mkdir()
    with pytest.raises(ArgumentError) as refused:
        Tables(folder=str(folder)).check()
    assert str(refused.value) == (
        f"corpus: argument 'folder': expected files that match **/*.csv or *.tsv, got none in {folder}"
    )
    (folder / "folder.csv" / "b.csv").write_text("id\n1\n")
    Tables(folder=str(folder)).check()


def test_an_empty_folder_ends_before_the_first_request(folder, tmp_path):
    result = harness.run(tmp_path / "data", "crawl", "notes", "-a", f"folder={folder}")
    assert result.code == 2, result
    assert f"expected files that match **/*, got none in {folder}" in result.err
    assert "Traceback" not in result.err


# --- lines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "pieces"), [(7, 6), (40, 1), (39, 2), (1000, 1)])
def test_a_file_is_read_in_pieces(folder, monkeypatch, rows, pieces):
    monkeypatch.setattr(files, "_ROWS", rows)
    lines = [json.dumps({"id": i, "n": "ä" * i}) for i in range(40)]
    (folder / "a.jsonl").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    assert len(list(answers(corpus(folder), "a.jsonl"))) == pieces
    found = records(corpus(folder), "a.jsonl")
    assert [record.fields["id"] for record in found] == list(range(40))
    assert len({record.id for record in found}) == 40


def test_pieces_have_a_size(folder, monkeypatch):
    monkeypatch.setattr(files, "_PIECE_BYTES", 1000)
    (folder / "a.jsonl").write_text("\n".join(json.dumps({"text": "x" * 400}) for _ in range(10)))
    assert len(list(answers(corpus(folder), "a.jsonl"))) == 4


def test_the_same_row_has_the_same_identity_wherever_pieces_begin(folder, monkeypatch):
    (folder / "a.csv").write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(20)))
    whole = {record.id for record in records(corpus(folder), "a.csv")}
    monkeypatch.setattr(files, "_ROWS", 3)
    assert {record.id for record in records(corpus(folder), "a.csv")} == whole


def test_the_key_names_the_file_and_what_is_stable_in_it(folder):
    (folder / "a.jsonl").write_text('{"id": 7}\n{"url": "http://x.example/"}\n{"id": "", "key": "k"}\n{"other": 1}\n')
    keys = [record.key for record in records(corpus(folder), "a.jsonl")]
    assert keys == ["a.jsonl#7", "a.jsonl#http://x.example/", "a.jsonl#k", "a.jsonl#@4"]


def test_two_files_with_the_same_numbers_keep_their_rows_apart(folder):
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(f"id,name\n1,{name}\n")
    assert records(corpus(folder), "a.csv")[0].id != records(corpus(folder), "b.csv")[0].id


def test_a_key_that_comes_twice_is_refused_with_its_place(folder):
    (folder / "a.csv").write_text("id,name\n1,a\n2,b\n1,c\n")
    found = records(corpus(folder), "a.csv")
    assert [record.key for record in found] == ["a.csv#1", "a.csv#2", "a.csv#1@4"]
    refused = found[2].cache[REFUSED]
    assert (refused.stage, refused.reason) == ("read", "repeated-key")
    assert refused.detail.startswith("a.csv:4: ")
    assert all(REFUSED not in record.cache for record in found[:2])


def test_a_key_of_an_earlier_piece_is_refused_too(folder, monkeypatch):
    monkeypatch.setattr(files, "_ROWS", 3)
    ids = [1, 2, 3, 4, 1, 5, 6, 4, 7, 8]
    (folder / "a.jsonl").write_text("".join(json.dumps({"id": i, "n": "ä"}) + "\n" for i in ids), encoding="utf-8")
    (folder / "b.csv").write_text("id\n" + "".join(f"{i}\n" for i in (1, 2, 3, 4, 2)))
    source = corpus(folder)
    found = records(source, "a.jsonl")
    assert [record.key for record in found if REFUSED in record.cache] == ["a.jsonl#1@5", "a.jsonl#4@8"]
    assert len({record.id for record in found}) == len(ids)
    assert [record.key for record in records(source, "b.csv")] == [
        f"b.csv#{key}" for key in ("1", "2", "3", "4", "2@6")
    ]
    again = [record.key for record in found]
    assert [record.key for record in records(source, "a.jsonl")] == again, "the same where it is read again"
    pieces = list(answers(source, "a.jsonl"))
    for number, piece in enumerate(pieces):  # a process that begins in the middle, and one that goes back
        fresh = corpus(folder)
        _, _, query = piece.url.partition("?")
        given = dict(part.split("=") for part in query.split("&") if part)
        for _ in range(2):
            assert fresh.read_piece("a.jsonl", given).body == pieces[number].body
            fresh.read_piece("a.jsonl", {})


def test_keys_without_room_are_asked_for_again(folder, monkeypatch):
    def full(*_: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(files.FirstLines, "is_repeated", full)
    (folder / "a.csv").write_text("id\n1\n")
    with pytest.raises(SourceUnavailable, match=r"a.csv: its keys need room .*: database or disk is full"):
        records(corpus(folder), "a.csv")


def test_what_the_envelope_knows_moves_there(folder):
    row = {"title": "T", "text": "Words", "language": "en", "published_at": "2026-01-02", "n": 1}
    (folder / "a.jsonl").write_text(json.dumps(row))
    [record] = records(corpus(folder), "a.jsonl")
    assert (record.title, record.text, record.language, record.published_at) == ("T", "Words", "en", "2026-01-02")
    assert (record.fields, record.modality, record.type) == ({"n": 1}, "text", "Dataset")


def test_what_does_not_fit_the_envelope_stays_a_field(folder):
    (folder / "a.jsonl").write_text('{"title": 5, "text": ["a"], "language": null, "published_at": ""}')
    [record] = records(corpus(folder), "a.jsonl")
    assert (record.title, record.text, record.modality) == (None, None, "table")
    assert record.fields == {"title": 5, "text": ["a"], "language": None, "published_at": ""}


def test_broken_lines_are_refused_with_their_place(folder):
    (folder / "a#1.jsonl").write_bytes(b'{"id": 1}\n{"id": \n[1]\n\xff\xfe\n{"id": 2}')
    found = records(corpus(folder), "a%231.jsonl")
    assert [record.key for record in found] == [f"a#1.jsonl#{place}" for place in ("1", "@2", "@3", "@4", "2")]
    refused = [record.cache[REFUSED] for record in found if REFUSED in record.cache]
    assert [r.detail.partition(": ")[0] for r in refused] == ["a#1.jsonl:2", "a#1.jsonl:3", "a#1.jsonl:4"]
    assert {(r.stage, r.reason) for r in refused} == {("read", "broken-line")}
    assert found[1].fields == {"raw": '{"id": '}


def test_a_guessed_encoding_is_flagged(folder):
    rows = "".join(f"{i},{'plain ' * 40}\n" for i in range(400))
    (folder / "a.csv").write_bytes(f"n,name\n{rows}".encode() + "400,Müller\n".encode("cp1252"))
    found = records(corpus(folder), "a.csv")
    assert found[-1].fields["name"] == "Müller"
    assert [record.flags for record in found if record.flags] == [["encoding-guessed"]]


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.html", "text/html"), ("b.HTM", "text/html"), ("c.txt", "text/plain"), ("d.md", "text/plain")],
)
def test_a_document_is_a_record(folder, name, media_type):
    (folder / name).write_text("<p>Words</p>")
    [record] = records(corpus(folder), name)
    assert (record.key, record.type) == (name, "DigitalDocument")
    assert record.page.media_type == media_type
    assert record.page.body == b"<p>Words</p>"


def test_names_with_anything_in_them(folder):
    (folder / "a b#c?d=1%20ä").mkdir()
    (folder / "a b#c?d=1%20ä" / "é&.txt").write_text("x")

    [request] = asyncio.run(started(corpus(folder)))
    source = corpus(folder)
    path = request.url.partition("://corpus/")[2]
    piece = source.read_piece(path, {})
    response = Response(request.url, body=piece.body, headers={"Content-Type": piece.content_type}, request=request)
    assert [record.key for record in source.parse(response)] == ["a b#c?d=1%20ä/é&.txt"]


def test_files_come_in_the_order_of_their_names_and_unknown_kinds_are_marked(folder):
    for name in ("b.txt", "a.csv", "c.pdf", "README", ".hidden.txt", "sub/d.jsonl", ".git/e.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    found = asyncio.run(started(corpus(folder)))
    assert [request.url.partition("://corpus/")[2] for request in found] == [
        "README", "a.csv", "b.txt", "c.pdf", "sub/d.jsonl",
    ]  # fmt: skip
    assert [marked(request)[0] if marked(request) else None for request in found] == [
        "unsupported-type", None, None, "unsupported-type", None,
    ]  # fmt: skip


def test_patterns_choose_files(folder):
    class Some(Corpus):
        patterns = ("*.csv", "sub/*.txt")

    for name in ("a.csv", "b.txt", "sub/c.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    found = asyncio.run(started(Some(folder=str(folder))))
    assert [request.url.partition("://corpus/")[2] for request in found] == ["a.csv", "sub/c.txt"]


def test_what_leads_out_of_the_folder_is_refused(tmp_path, folder):
    (tmp_path / "secret.txt").write_text("canary")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for path in ("../secret.txt", "link.txt", "%2e%2e/secret.txt", "/etc/passwd", str(tmp_path / "secret.txt")):
        with pytest.raises(Skipped, match="leads out") as caught:
            corpus(folder).read_piece(path, {})
        assert caught.value.reason == "outside-folder"


def test_a_link_inside_the_folder_is_followed(folder):
    (folder / "a.txt").write_text("x")
    (folder / "b.txt").symlink_to(folder / "a.txt")
    assert corpus(folder).read_piece("b.txt", {}).body == b"x"


def test_a_file_that_went_away_fails_alone(folder):
    with pytest.raises(Failed, match="not there any more") as caught:
        corpus(folder).read_piece("gone.txt", {})
    assert caught.value.reason == "no-file"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read(folder, encoding):
    (folder / "a.csv").write_bytes("id,name\n1,Zoë\n".encode(encoding))
    (folder / "b.jsonl").write_bytes('{"id": 1, "name": "Zoë"}\n'.encode(encoding))
    for name, row in (("a.csv", {"id": "1", "name": "Zoë"}), ("b.jsonl", {"id": 1, "name": "Zoë"})):
        [line] = corpus(folder).read_piece(name, {}).body.splitlines()
        assert json.loads(line)["row"] == row


def test_utf_32_is_said(folder):
    (folder / "a.csv").write_bytes("a,b\n1,2\n".encode("utf-32"))
    with pytest.raises(Failed, match="iconv") as caught:
        corpus(folder).read_piece("a.csv", {})
    assert caught.value.reason == "not-lines"


def test_a_document_that_is_too_large_is_not_read(folder):
    (folder / "a.txt").write_text("x" * 101)
    source = corpus(folder)
    source.settings = Settings({"DOWNLOAD_MAXSIZE": 100})
    with pytest.raises(Skipped, match=r"a\.txt: 101") as caught:
        source.read_piece("a.txt", {})
    assert caught.value.reason == "too-large"


@pytest.mark.parametrize("given", ["", "nowhere"])
def test_a_missing_folder_is_said(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="expected a folder"):
        Corpus(folder=given).check()


# --- in a crawl -----------------------------------------------------------------------------------------------------

PLAIN = harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])


def test_the_example_notes(tmp_path):
    result = harness.run(tmp_path, "crawl", "notes", *PLAIN)
    assert result.code == 0, result
    found = {r["key"]: r for r in harness.records(tmp_path, "notes")}
    assert set(found) == {
        *(f"observations.jsonl#obs-{n}" for n in (1, 2, 3, 5)),
        *(f"stations.csv#st-{n}" for n in (1, 2, 3)),
        "method.html",
        "readme.txt",
    }
    assert "\n" in found["stations.csv#st-2"]["text"]
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        rejected = db.execute("SELECT stage, reason, detail FROM rejections ORDER BY detail").fetchall()
    assert [row[:2] for row in rejected] == [("read", "broken-line")] * 2
    assert rejected[0][2].startswith("observations.jsonl:4: ")
    assert rejected[1][2].startswith("stations.csv:6: ")
    harness.ledger_is_sound(tmp_path)


def test_a_folder_that_is_not_there_is_wrong_use(tmp_path):
    result = harness.run(tmp_path, "crawl", "notes", "-a", f"folder={tmp_path}/nowhere", *PLAIN)
    assert result.code == 2, result
    assert "expected a folder to read" in result.err
    assert "Traceback" not in result.err


ENCODINGS = {"0.csv": "utf-8", "1.jsonl": "utf-16", "2.csv": "utf-16-be", "3.jsonl": "utf-8-sig"}


def write_rows(path, rows, encoding):
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if path.suffix == ".csv":
        lines = ["id,n", *(f"{row['id']},{row['n']}" for row in rows)]
    path.write_bytes("\n".join(lines).encode(encoding))


def test_killed_and_resumed_it_gives_each_line_once(tmp_path, folder):
    expected = {}
    for name, encoding in ENCODINGS.items():
        # Letters with the byte of a line break in them: in UTF-16 they must not end a line.
        rows = [{"id": str(i), "n": f"{name} {i * 7} \u010a\u0a01Zoë"} for i in range(3000)]
        write_rows(folder / name, rows, encoding)
        expected |= {f"{name}#{row['id']}": row for row in rows}
    (folder / "cut.jsonl").write_text('{"id": 1}\n{"id": ')
    (folder / "photo.raw").write_bytes(b"x")
    data = tmp_path / "data"
    args = ["crawl", "notes", "-a", f"folder={folder}", *PLAIN]

    def stored(share):
        if not (data / "gristmill.db").exists():
            return False
        with sqlite3.connect(data / "gristmill.db", timeout=10) as db:
            try:
                return db.execute("SELECT count(*) FROM records").fetchone()[0] >= 12_000 * share
            except sqlite3.OperationalError:
                return False

    kills = sum(harness.run_and_kill(data, *args, when=lambda share=share: stored(share)) for share in (0.1, 0.5))
    assert kills
    result = harness.run(data, *args)
    assert result.code == 0, result
    found = harness.records(data, "notes")
    assert len(found) == 12_001
    assert {r["key"]: r["fields"] for r in found} == {**expected, "cut.jsonl#1": {"id": 1}}
    with sqlite3.connect(data / "gristmill.db") as db:
        assert db.execute("SELECT reason FROM rejections").fetchall() == [("broken-line",)]
        assert db.execute("SELECT url, reason FROM requests WHERE state = 'skipped'").fetchall() == [
            ("folder://notes/photo.raw", "unsupported-type")
        ]
    harness.ledger_is_sound(data)


def test_refine_needs_no_folder(tmp_path, folder):
    (folder / "a.csv").write_text("id,name\n1,a\n")
    args = ["-a", f"folder={folder}", *PLAIN]
    assert harness.run(tmp_path / "data", "crawl", "notes", *args).code == 0
    (folder / "a.csv").unlink()
    folder.rmdir()
    result = harness.run(tmp_path / "data", "refine", "notes", *PLAIN)
    assert result.code == 0, result
    assert [record["key"] for record in harness.records(tmp_path / "data", "notes")] == ["a.csv#1"]
