"""Scrapy's own feeds hold whole records and break nothing."""

from __future__ import annotations

import csv
import datetime
import io
import json
from xml.etree import ElementTree

import pytest
import scrapy

from crawlers.feeds import CsvFeedExporter, JsonFeedExporter, JsonLinesFeedExporter, XmlFeedExporter
from crawlers.items import RECORD_FIELDS, Media, Record, to_dict
from tests.flow import harness

EVERY = [CsvFeedExporter, JsonFeedExporter, JsonLinesFeedExporter, XmlFeedExporter]
BROKEN = {
    "surrogate": "a\ud800b",
    "nul": "\x00",
    "number": float("nan"),
    "endless": [float("inf"), {"deep": "\udfff"}],
    "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    "nothing": None,
}


class Thing(scrapy.Item):
    title = scrapy.Field()
    price = scrapy.Field(serializer=lambda value: f"{value:.2f}")


def made():
    record = Record("s", "k", title="=cmd()", text="a\x0bb\ufffe 🙂", fields={"1 price": 3, "tags": ["x"]})
    record.media = [Media(url="http://a.example/1.png")]
    return record


def exported(cls, *items, **options):
    stream = io.BytesIO()
    exporter = cls(stream, encoding="utf-8", **options)
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    return stream.getvalue().decode("utf-8")


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_every_column_and_no_formula():
    rows = rows_of(exported(CsvFeedExporter, made(), {"title": "@x"}))
    assert list(rows[0]) == list(RECORD_FIELDS)
    assert rows[0]["title"] == "'=cmd()"
    assert json.loads(rows[0]["fields"]) == {"1 price": 3, "tags": ["x"]}
    assert rows[1]["title"] == "'@x"


def test_csv_of_other_items_has_no_formula_in_lists_headers_or_parts():
    [row] = rows_of(exported(CsvFeedExporter, {"=head": ["=1+1", "b"], "rest": {"a": [1, "ü"]}, "n": -5, "d": "-5"}))
    assert list(row) == ["'=head", "rest", "n", "d"]
    assert row["'=head"] == "'=1+1,b"
    assert json.loads(row["rest"]) == {"a": [1, "ü"]}
    assert (row["n"], row["d"]) == ("-5", "-5")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
def test_a_file_that_is_gone_on_with_has_one_header(tmp_path, encoding):
    path = tmp_path / "out.csv"
    for title, items in (("a", 1), ("b", 2)):
        with path.open("ab") as file:
            exporter = CsvFeedExporter(file, encoding=encoding)
            exporter.start_exporting()
            for _ in range(items):
                exporter.export_item({"title": title, "price": 1})
            exporter.finish_exporting()
    with path.open("ab") as file:
        exporter = CsvFeedExporter(file, encoding=encoding)
        exporter.export_item({"name": "c"})
        exporter.finish_exporting()
    assert path.read_text(encoding=encoding).split() == ["title,price", "a,1", "b,1", "b,1", "name", "c"]


def test_the_fields_that_were_asked_for_are_written():
    [row] = rows_of(exported(CsvFeedExporter, made(), fields_to_export=["key", "title"]))
    assert row == {"key": "k", "title": "'=cmd()"}
    assert json.loads(exported(JsonLinesFeedExporter, made(), fields_to_export=["key"])) == {"key": "k"}


@pytest.mark.parametrize(
    ("cls", "read"), [(JsonFeedExporter, json.loads), (JsonLinesFeedExporter, lambda t: [json.loads(t)])]
)
def test_json_is_the_record(cls, read):
    assert read(exported(cls, made())) == [to_dict(made())]


@pytest.mark.parametrize("cls", EVERY)
def test_serializers_of_other_projects_still_work(cls):
    text = exported(cls, Thing(title="lamp", price=3))
    assert "3.00" in text
    assert "lamp" in text


@pytest.mark.parametrize("cls", EVERY)
def test_what_a_format_cannot_hold_does_not_break_the_file(cls):
    record = made()
    record.title, record.fields = BROKEN["surrogate"], BROKEN
    text = exported(cls, BROKEN, record)
    assert "\ud800" not in text
    if cls is CsvFeedExporter:
        assert len(rows_of(text)) == 2
    elif cls is XmlFeedExporter:
        assert len(ElementTree.fromstring(text)) == 2
    else:

        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        lines = text.splitlines() if cls is JsonLinesFeedExporter else [text]
        found = [json.loads(line, parse_constant=refuse) for line in lines]
        first = found[0] if cls is JsonLinesFeedExporter else found[0][0]
        assert (first["surrogate"], first["number"], first["endless"][0]) == ("a?b", None, None)
        assert first["when"].startswith("2026-01-02")


def test_xml_can_be_parsed():
    root = ElementTree.fromstring(exported(XmlFeedExporter, made(), {"a b": "\x00", "xs": [{"1": "=1"}]}))
    assert root[0].findtext("title") == "=cmd()"
    assert root[0].find("fields/_1_price").text == "3"
    assert root[1].findtext("a_b") == "\ufffd"
    assert root[1].find("xs/value/_1").text == "=1"


def test_scrapys_own_option_works_as_everybody_expects(tmp_path):
    args = ["crawl", "notes", *harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])]
    outputs = [part for suffix in ("csv", "jsonl", "xml", "json") for part in ("-o", str(tmp_path / f"out.{suffix}"))]
    result = harness.run(tmp_path / "data", *args, *outputs)
    assert result.code == 0, result
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 9
    assert len(json.loads((tmp_path / "out.json").read_text())) == 9
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 9
    assert len(ElementTree.parse(tmp_path / "out.xml").getroot()) == 9
