"""What a format writes, it reads back; and what it writes harms nobody."""

from __future__ import annotations

import csv
import io
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.errors import ConfigurationError
from crawlers.exporters import EXPORTERS, exporter, parse_formats
from crawlers.exporters.csv import cell, uncell
from crawlers.exporters.labelstudio import task_of
from crawlers.items import Block, KeywordMatch, Media, Record, Signal, to_dict

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
hostile = st.sampled_from(
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\u3000\uff1d1", "'=1", "''", "-5", "1,5"]
)


@st.composite
def records(draw):
    record = Record(
        source="shop",
        key=draw(words),
        title=draw(st.none() | words.filter(bool) | hostile),
        text=draw(st.none() | words.filter(bool) | hostile),
        authors=draw(st.lists(words, max_size=2)),
        fields=draw(
            st.dictionaries(words, words | st.integers(-(2**53), 2**53) | st.none() | st.booleans(), max_size=3)
        ),
        flags=draw(st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True)),
        quality=draw(st.dictionaries(st.sampled_from(["x", "y"]), st.floats(allow_nan=False, allow_infinity=False))),
    )
    if draw(st.booleans()):
        record.blocks = [Block("heading", 0, 3, 1)]
        record.media = [Media(url="http://a.example/1.png", width=3, quality={"sharpness": 0.5})]
        record.keywords = [KeywordMatch("a", "any", 0, 1)]
        record.rights.signals = [Signal("meta-robots", "noai", True)]
    record.seal()
    return to_dict(record)


def written(name, found):
    stream = io.BytesIO()
    count = exporter(name).write([orjson.dumps(record).decode() for record in found], stream)
    return count, stream.getvalue()


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet"])
@settings(max_examples=60, deadline=None)
@given(found=st.lists(records(), max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, name, found):
    count, data = written(name, found)
    assert count == len(found)
    path = tmp_path_factory.mktemp("export") / "file"
    path.write_bytes(data)
    expected = [
        {k: (None if name == "csv" and v == "" else v) for k, v in record.items()} for record in found
    ]  # an empty cell is null
    assert list(exporter(name).read(path)) == expected


@given(words | hostile)
def test_no_cell_is_run_by_a_spreadsheet(text):
    shown = cell(text)
    bare = shown.lstrip(" \u00a0\u3000\n\v\f")
    if bare and bare[0] in "=+-@\uff1d\uff0b\uff0d\uff20\t\r":
        float(shown)  # only numbers may begin so
    assert uncell(shown) == text


def test_csv_opens_in_excel_and_quotes_what_spans_lines():
    record = to_dict(Record("s", "k", title="Ä", text='one\n"two", three'))
    _, data = written("csv", [record])
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[1][rows[0].index("text")] == 'one\n"two", three'


def test_every_format_is_complete_and_named():
    for name, cls in EXPORTERS.items():
        assert cls.name == name
        assert cls.filename
    assert {"jsonl", "csv", "parquet", "label-studio"} <= set(EXPORTERS)


def test_unknown_formats_are_listed():
    with pytest.raises(ConfigurationError, match="csv, jsonl, label-studio, parquet"):
        exporter("docx")
    assert parse_formats(" jsonl, csv ,") == ["jsonl", "csv"]
    with pytest.raises(ConfigurationError, match="docx"):
        parse_formats("jsonl,docx")


def test_label_studio_tasks_carry_the_identity():
    record = Record("s", "k", title="T", text="Zoë 🙂 said", url="http://a.example/")
    record.media = [Media(url="http://a.example/b.png", path="media/ab/cd/x.png", media_type="image/png")]
    record.seal()
    task = task_of(to_dict(record))
    assert task["data"]["record_id"] == record.id
    assert task["data"]["text"] == "Zoë 🙂 said"
    assert task["data"]["image"] == "/data/local-files/?d=media/ab/cd/x.png"
    assert task["meta"]["content_hash"] == record.content_hash


def test_label_studio_pictures_that_are_not_here_keep_their_address_and_broken_ones_are_left_out():
    record = Record("s", "k")
    record.media = [Media(url="http://a.example/gone.png", error="http-404"), Media(url="http://a.example/b.png")]
    assert task_of(to_dict(record))["data"]["images"] == ["http://a.example/b.png"]


def test_label_studio_file_is_one_array_and_the_configuration_fits():
    found = [to_dict(Record("s", str(i), text="t")) for i in range(3)]
    stream = io.BytesIO()
    writer = exporter("label-studio")
    writer.write([orjson.dumps(record).decode() for record in found], stream)
    assert [task["data"]["record_id"] for task in json.loads(stream.getvalue())] == [r["id"] for r in found]
    assert b"<Text name" in writer.companions([])["label-studio.xml"]
    empty = io.BytesIO()
    assert exporter("label-studio").write([], empty) == 0
    assert json.loads(empty.getvalue()) == []
