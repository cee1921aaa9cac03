"""Scrapy's own feeds hold whole records and break nothing."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest

from crawlers.feeds import CsvFeedExporter, JsonFeedExporter, JsonLinesFeedExporter, XmlFeedExporter
from crawlers.items import RECORD_FIELDS, Media, Record, to_dict
from tests.flow import harness


def made():
    record = Record("s", "k", title="=cmd()", text="a\x0bb\ufffe 🙂", fields={"1 price": 3, "tags": ["x"]})
    record.media = [Media(url="http://a.example/1.png")]
    return record


def exported(cls, *items, **options):
    stream = io.BytesIO()
    exporter = cls(stream, **options)
    exporter.start_exporting()
    for item in items:
        exporter.export_item(item)
    exporter.finish_exporting()
    return stream.getvalue().decode()


def test_csv_has_every_column_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(exported(CsvFeedExporter, made(), {"title": "@x"}), newline="")))
    assert list(rows[0]) == list(RECORD_FIELDS)
    assert rows[0]["title"] == "'=cmd()"
    assert json.loads(rows[0]["fields"]) == {"1 price": 3, "tags": ["x"]}
    assert rows[1]["title"] == "'@x"


@pytest.mark.parametrize(
    ("cls", "read"), [(JsonFeedExporter, json.loads), (JsonLinesFeedExporter, lambda t: [json.loads(t)])]
)
def test_json_is_the_record(cls, read):
    assert read(exported(cls, made())) == [to_dict(made())]


def test_xml_can_be_parsed():
    root = ElementTree.fromstring(exported(XmlFeedExporter, made(), {"a b": "\x00"}))
    assert root[0].findtext("title") == "=cmd()"
    assert root[0].find("fields/_1_price").text == "3"
    assert root[1].findtext("a_b") == "\ufffd"


def test_scrapys_own_option_works_as_everybody_expects(tmp_path):
    args = ["crawl", "notes", *harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])]
    for suffix in ("csv", "jsonl", "xml", "json"):
        result = harness.run(tmp_path / suffix, *args, "-o", str(tmp_path / f"out.{suffix}"))
        assert result.code == 0, result
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 9
    assert len(json.loads((tmp_path / "out.json").read_text())) == 9
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 9
    assert len(ElementTree.parse(tmp_path / "out.xml").getroot()) == 9
