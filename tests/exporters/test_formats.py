"""What a format writes, it reads back; and what it writes harms nobody."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from xml.etree import ElementTree

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
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\tx",
        "\rx",
        " =1",
        "\n=1",
        "\u3000\uff1d1",
        "\ufeff=1",
        "\u200b@x",
        "'=1",
        "''",
        "'",
        "''=1",
        "-5",
        "+5",
        "-1e9",
        "1,5",
        "-inf",
        "-1_0",
        "-\u0661",
        "",
        "'text",
        "-",
        "--",
        "a\r\nb",
        'a"b',
    ]
)


@st.composite
def records(draw):
    record = Record(
        source="shop",
        key=draw(words),
        title=draw(st.none() | words | hostile),
        text=draw(st.none() | words | hostile),
        url=draw(st.none() | hostile),
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
    assert list(exporter(name).read(path)) == found


@given(words | hostile)
def test_no_cell_is_run_by_a_spreadsheet(text):
    shown = cell(text)
    assert uncell(shown) == text
    assert shown[:1] not in {"\t", "\r"}
    seen = "".join(c for c in shown if not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf"})
    if seen[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20"):
        assert re.fullmatch(r"[+-][0-9.]+(e[+-]?[0-9]+)?", shown, re.ASCII | re.IGNORECASE), "only numbers may begin so"


@pytest.mark.parametrize("number", ["-5", "+5", "-0.5", "-.5", "1e-9", "-1E+9", "0"])
def test_numbers_stay_numbers(number):
    assert cell(number) == number


@pytest.mark.parametrize("text", ["-inf", "+nan", "-1_000", "-\u0661", "-1-1", "+1;=2", "-", "=", "-1 "])
def test_what_only_looks_like_a_number_is_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [None, -5, 1.5, True])
def test_other_values_pass(value):
    assert cell(value) == ("" if value is None else value)
    assert uncell("") is None


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
    assert b"<Text name" in writer.companions()["label-studio.xml"]
    empty = io.BytesIO()
    assert exporter("label-studio").write([], empty) == 0
    assert json.loads(empty.getvalue()) == []


def configuration(*found):
    writer = exporter("label-studio")
    writer.write([orjson.dumps(to_dict(record)).decode() for record in found], io.BytesIO())
    return ElementTree.fromstring(writer.companions()["label-studio.xml"])


def test_every_task_has_what_the_configuration_asks_for():
    """Label Studio refuses the whole import where one task has no value for a variable of the configuration."""
    plain, picture = Record("s", "a", text="t"), Record("s", "b")
    picture.media = [Media(url="http://a.example/b.png")]
    for found in ([], [plain], [picture], [plain, picture]):
        wanted = {node.get("value")[1:] for node in configuration(*found).iter() if "$" in node.get("value", "")}
        for record in found:
            assert wanted <= set(task_of(to_dict(record))["data"])
    assert configuration(picture).find("Image") is not None
    assert configuration(plain, picture).find("Image") is None


def test_offsets_in_tasks_count_code_points():
    text = "👩‍🚒 Zoë 🙂 said"
    shown = task_of(to_dict(Record("s", "k", text=text)))["data"]["text"]
    start = shown.index("said")
    assert start == 10, "astral characters count once, as in Record.text, and not twice as in JavaScript"
    assert json.loads(orjson.dumps(shown))[start:] == "said"


def test_parquet_is_written_in_groups_that_fit_in_memory(monkeypatch, tmp_path):
    from pyarrow.parquet import ParquetFile

    found = [to_dict(Record("s", str(i), text="x" * 900)) for i in range(10)]
    monkeypatch.setattr("crawlers.exporters.parquet._GROUP_CHARACTERS", 4000)
    _, data = written("parquet", found)
    (tmp_path / "file").write_bytes(data)
    assert ParquetFile(tmp_path / "file").num_row_groups > 2
    assert list(exporter("parquet").read(tmp_path / "file")) == found


def test_a_large_csv_is_written_in_parts():
    class Counted(io.BytesIO):
        largest = 0

        def write(self, data):
            self.largest = max(self.largest, len(data))
            return super().write(data)

    stream = Counted()
    body = orjson.dumps(to_dict(Record("s", "k", text="é" * 50_000))).decode()
    assert exporter("csv").write((body for _ in range(100)), stream) == 100
    assert stream.largest < 1_000_000
