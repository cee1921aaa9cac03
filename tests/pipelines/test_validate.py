"""Records that are as they should be pass; what is wrong with the others is said, each fault with its place."""

from __future__ import annotations

import json
import shutil
import types

import pytest
from scrapy.utils.test import get_crawler

from crawlers import settings as defaults
from crawlers.errors import Rejected, SchemaError
from crawlers.items import Block, KeywordMatch, Media, Provenance, Record, Rights, Signal, Transform, to_dict
from crawlers.pipelines.clean import CleanPipeline
from crawlers.pipelines.foreign import record_from
from crawlers.pipelines.validate import ValidatePipeline
from crawlers.schemas import Schema, Schemas

ENVELOPE = Schemas.of({}).load("record")
SHOP = {
    "$id": "urn:test:shop",
    "type": "object",
    "required": ["price"],
    "properties": {"price": {"type": "number", "minimum": 0}, "sku": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}},
}


def whole() -> Record:
    """A record with everything."""
    return Record(
        "shop", "https://shop.example/1", url="https://shop.example/1?q=ä", canonical_url="https://shop.example/1", title="T", text="Text.",
        type="Product", language="en-GB", authors=["Ann"], published_at="2026-11-24", modified_at="2026-11-24T08:33:01+01:00",
        blocks=[Block("heading", 0, 5, 1)], fields={"price": 3.5, "sku": "AB12"},
        media=[Media(url="https://shop.example/1.jpg", sha256="sha256:" + "0" * 64, path="media/00/00/x.jpg", media_type="image/jpeg", bytes=9, width=1)],
        keywords=[KeywordMatch("text", "keywords", 0, 4)], group="shop.example", quality={"sharpness": 0.5}, flags=["mixed-language"],
        rights=Rights("CC-BY-4.0", "link", "allowed", False, [Signal("robots.txt", "allow", False)], "keep"),
        provenance=Provenance(status=200, fetched_at="2026-11-24T08:33:01Z", confidence=1.0, transforms=[Transform("clean", "1", None, {"text": 1})]),
    )  # fmt: skip


def stage(fields: dict | None = None) -> ValidatePipeline:
    return ValidatePipeline(ENVELOPE, Schema(fields, "shop") if fields is not None else None)


def refused(record: Record, fields: dict | None = None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        stage(fields).process_item(record)
    assert (caught.value.stage, caught.value.reason) == ("validate", "schema")
    return caught.value


def test_a_whole_record_and_a_bare_one_pass():
    for record in (whole(), Record("s", "k")):
        assert stage().process_item(record) is record


def test_its_plain_form_is_left_for_the_store():
    record = stage(SHOP).process_item(whole())
    assert record.cache["dict"] == to_dict(record)


def test_after_cleaning_foreign_items_pass():
    item = {
        "url": "https://a.example/1",
        "name": "N",
        "price": "n/a",
        "language": "EN_us",
        "text": "",
        "authors": ["", "A"],
        "x": [1, None],
    }
    stage().process_item(CleanPipeline().process_item(record_from(item, "s")))


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        ({"text": ""}, "$.text", "minLength"),
        ({"title": 3}, "$.title", "type"),
        ({"language": "English language"}, "$.language", "pattern"),
        ({"url": "/relative"}, "$.url", "pattern"),
        ({"published_at": "last Tuesday"}, "$.published_at", "anyOf"),
        ({"modality": "smell"}, "$.modality", "enum"),
        ({"version": 0}, "$.version", "minimum"),
        ({"type": "a type"}, "$.type", "pattern"),
        ({"authors": [""]}, "$.authors[0]", "minLength"),
        ({"blocks": [Block("heading", -1, 2)]}, "$.blocks[0].start", "minimum"),
        ({"blocks": [Block("melody", 0, 2)]}, "$.blocks[0].role", "enum"),
        ({"media": [Media(sha256="abc")]}, "$.media[0].sha256", "pattern"),
        ({"fields": ["a"]}, "$.fields", "type"),
        ({"flags": ["Not A Slug"]}, "$.flags[0]", "pattern"),
        ({"flags": ["a", "a"]}, "$.flags", "uniqueItems"),
        ({"quality": {"sharpness": "high"}}, "$.quality.sharpness", "type"),
        ({"provenance": Provenance(fetched_at="yesterday")}, "$.provenance.fetched_at", "format"),
        ({"provenance": Provenance(confidence=2)}, "$.provenance.confidence", "maximum"),
        ({"rights": Rights(signals=[Signal("a dream", "no")])}, "$.rights.signals[0].place", "enum"),
    ],
)
def test_what_the_envelope_refuses(change, path, rule):
    record = whole()
    for name, value in change.items():
        setattr(record, name, value)
    found = refused(record)
    assert [(fault["path"], fault["rule"]) for fault in found.value] == [(path, rule)]
    assert found.detail.startswith(path)
    assert found.threshold == "urn:gristmill:schema:record:1"


def test_every_fault_of_the_own_fields_is_listed():
    record = whole()
    record.fields = {"price": -3, "sku": "ab"}
    found = refused(record, SHOP)
    assert found.detail == "$.fields.price: -3 is less than the minimum of 0 (minimum), and 1 more"
    assert found.value == [
        {"path": "$.fields.price", "rule": "minimum", "message": "-3 is less than the minimum of 0", "value": -3},
        {"path": "$.fields.sku", "rule": "pattern", "message": "'ab' does not match '^[A-Z]{2}[0-9]+$'", "value": "ab"},
    ]
    assert found.threshold == "urn:test:shop"
    record.fields = {}
    assert refused(record, SHOP).detail == "$.fields: 'price' is a required property (required)"


def test_faults_are_counted_to_fifty():
    record = whole()
    record.flags = [f"Bad Slug {i}" for i in range(200)]
    found = refused(record)
    assert len(found.value) == 50
    json.dumps(found.value)


# --- built for a crawl ----------------------------------------------------------------------------------------------


def build(folder, **values) -> ValidatePipeline:
    given = {name: getattr(defaults, name) for name in ("SCHEMAS_DIR", "VALIDATE_SOURCE")}
    crawler = get_crawler(settings_dict={**given, "SCHEMAS_DIR": str(folder), **values})
    crawler.spider = types.SimpleNamespace(name="shop")
    return ValidatePipeline.from_crawler(crawler)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(Schemas.of({}).folders[-1], tmp_path / "schemas")
    sources = tmp_path / "schemas" / "sources"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir()
    return tmp_path / "schemas"


def test_the_schema_of_the_spider_is_found(folder):
    (folder / "sources" / "shop.schema.json").write_text(json.dumps(SHOP))
    record = whole()
    record.fields = {"price": -1}
    with pytest.raises(Rejected):
        build(folder).process_item(record)


def test_a_source_without_schema(folder):
    record = whole()
    record.fields = {"anything": True}
    build(folder).process_item(record)
    with pytest.raises(SchemaError, match=r"VALIDATE_SOURCE: expected sources/shop\.schema\.json"):
        build(folder, VALIDATE_SOURCE=True)


def test_a_broken_schema_stops_before_the_first_request(folder):
    (folder / "sources" / "shop.schema.json").write_text('{"type": "nonsense"}')
    with pytest.raises(SchemaError, match="nonsense"):
        build(folder)
    (folder / "sources" / "shop.schema.json").unlink()
    (folder / "record.schema.json").write_text("not json")
    with pytest.raises(SchemaError, match="expected JSON"):
        build(folder)
    with pytest.raises(SchemaError, match="SCHEMAS_DIR"):
        build(folder / "nowhere")
