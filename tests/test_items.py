"""The record and its schema say the same; a record survives writing; identities are pure functions of their input."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import types
import typing

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers import items
from crawlers.hashing import canonical_json, digest, record_id, sha256
from crawlers.items import (
    RECORD_FIELDS,
    Block,
    KeywordMatch,
    Media,
    Provenance,
    Record,
    Rights,
    Signal,
    Transform,
    Warc,
    from_dict,
    to_dict,
)
from crawlers.schemas import Schemas

DEFINITIONS = {
    Block: "block", KeywordMatch: "keyword_match", Media: "media", Signal: "signal", Rights: "rights",
    Transform: "transform", Warc: "warc", Provenance: "provenance",
}  # fmt: skip
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict, "array": list}
SCHEMA = Schemas.of({}).load("record")

text = st.text(max_size=20)
line = st.text(min_size=1, max_size=20)
json_value = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text | st.lists(text, max_size=2)
hashes = st.binary(max_size=3).map(sha256)
count = st.integers(0, 10**9)
seconds = st.floats(0, 1e6)
moment = st.just("2026-11-24T08:33:01Z")


def optional(strategy):
    return st.none() | strategy


def some(cls, **strategies):
    return st.builds(cls, **strategies)


records = some(
    Record,
    source=line,
    key=line,
    version=st.integers(1, 9),
    type=st.sampled_from(["Article", "Product", "WebPage"]),
    modality=st.sampled_from(["text", "image", "audio", "video", "table", "document"]),
    url=optional(st.just("https://example.com/ä?q=1")),
    title=optional(line),
    text=optional(line),
    language=optional(st.sampled_from(["en", "zh-Hans-CN", "de-1996"])),
    authors=st.lists(line, max_size=2),
    published_at=st.sampled_from([None, "2026-11-24", "2026-11-24T08:33:01.5+01:00"]),
    blocks=st.lists(some(Block, role=st.just("heading"), start=count, end=count, level=optional(st.integers(1, 6))), max_size=2),
    fields=st.dictionaries(text, json_value, max_size=3),
    media=st.lists(
        some(
            Media, url=optional(line), role=st.just("main"), sha256=optional(hashes), bytes=optional(count), width=optional(count),
            duration=optional(seconds), at=optional(seconds), transform=optional(st.lists(seconds, min_size=6, max_size=6)),
            quality=st.dictionaries(line, seconds, max_size=2), alt=optional(text), perceptual_hash=optional(st.just("0123456789abcdef")),
        ),
        max_size=2,
    ),
    keywords=st.lists(some(KeywordMatch, phrase=line, list=line, start=count, end=count, field=line), max_size=2),
    flags=st.lists(st.sampled_from(["truncated", "mixed-language"]), unique=True, max_size=2),
    quality=st.dictionaries(line, seconds, max_size=2),
    rights=some(
        Rights, license=optional(line), ai_optout=optional(st.booleans()),
        signals=st.lists(some(Signal, place=st.just("robots.txt"), value=text, optout=optional(st.booleans())), max_size=2),
    ),
    provenance=some(
        Provenance, status=optional(st.integers(100, 599)), fetched_at=optional(moment), confidence=optional(st.floats(0, 1)),
        warc=optional(some(Warc, file=line, offset=count)),
        transforms=st.lists(
            some(Transform, step=line, version=line, settings_digest=optional(hashes), changed=st.dictionaries(line, json_value, max_size=2)),
            max_size=2,
        ),
    ),
)  # fmt: skip


def docstrings(cls: type) -> dict[str, str]:
    """Attribute to the docstring under it."""
    tree = ast.parse(inspect.getsource(cls))
    body = tree.body[0].body
    return {
        one.target.id: ast.literal_eval(two.value)
        for one, two in itertools.pairwise(body)
        if isinstance(one, ast.AnnAssign) and isinstance(two, ast.Expr)
    }


def definition(cls: type) -> dict:
    return SCHEMA.contents if cls is Record else SCHEMA.contents["$defs"][DEFINITIONS[cls]]


@pytest.mark.parametrize("cls", [Record, *DEFINITIONS], ids=lambda cls: cls.__name__)
class TestSchemaAndClass:
    """Both are written by hand; here they are held together."""

    def test_same_fields_in_the_same_order(self, cls):
        assert list(definition(cls)["properties"]) == [f.name for f in dataclasses.fields(cls)]
        assert definition(cls)["additionalProperties"] is False

    def test_docstrings_are_descriptions(self, cls):
        said = {name: spec["description"] for name, spec in definition(cls)["properties"].items()}
        assert said == docstrings(cls)
        assert definition(cls)["description"] == inspect.getdoc(cls).splitlines()[0]

    def test_what_must_be_there(self, cls):
        """Top level: everything. Below: what has no default, and what a default says with a value."""
        required = set(definition(cls).get("required", ()))
        names = {f.name for f in dataclasses.fields(cls)}
        if cls is Record:
            assert required == names
        else:
            certain = {
                f.name
                for f in dataclasses.fields(cls)
                if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            }
            valued = {f.name for f in dataclasses.fields(cls) if f.default not in (dataclasses.MISSING, None)}
            assert required == certain | valued

    def test_types(self, cls):
        hints = typing.get_type_hints(cls)
        for name, spec in definition(cls)["properties"].items():
            parts = typing.get_args(hints[name]) if isinstance(hints[name], types.UnionType) else (hints[name],)
            bare = {typing.get_origin(part) or part for part in parts}
            nullable = type(None) in bare
            kinds, null = schema_kinds(spec)
            assert kinds == bare - {type(None)}, name
            assert null == (nullable and cls is Record), name

    def test_lists_hold_the_parts_they_name(self, cls):
        hints = typing.get_type_hints(cls)
        for name, spec in definition(cls)["properties"].items():
            args = typing.get_args(hints[name])
            if typing.get_origin(hints[name]) is list and args[0] in DEFINITIONS:
                assert spec["items"] == {"$ref": f"#/$defs/{DEFINITIONS[args[0]]}"}


def schema_kinds(spec: dict) -> tuple[set, bool]:
    """Python types that *spec* allows, and whether it allows null."""
    if "$ref" in spec:
        name = spec["$ref"].rpartition("/")[2]
        return {next(cls for cls, known in DEFINITIONS.items() if known == name)}, False
    options = spec.get("anyOf", [spec])
    names: set[str] = set()
    for option in options:
        given = option.get("type", "string")
        names |= {given} if isinstance(given, str) else set(given)
    return {TYPES[name] for name in names - {"null"}}, "null" in names


def test_every_definition_is_used_and_every_class_has_one():
    classes = {
        cls for _, cls in inspect.getmembers(items, dataclasses.is_dataclass) if cls.__module__ == "crawlers.items"
    }
    assert classes == {Record, *DEFINITIONS}
    assert set(SCHEMA.contents["$defs"]) == set(DEFINITIONS.values())


# --- laws -----------------------------------------------------------------------------------------------------------


@given(records)
def test_a_record_survives_writing_and_fulfils_the_schema(record):
    record.seal()
    written = orjson.loads(orjson.dumps(to_dict(record)))
    assert list(written) == list(RECORD_FIELDS)
    assert list(SCHEMA.violations(written)) == []
    assert SCHEMA.is_valid(written)
    assert to_dict(from_dict(written)) == written
    assert from_dict(written) == record


@given(records)
def test_nested_parts_have_no_nulls(record):
    data = to_dict(record)
    for part in [
        *data["media"],
        *data["blocks"],
        data["rights"],
        data["provenance"],
        *data["rights"].get("signals", []),
    ]:
        assert None not in part.values()


@given(line, line, line, line)
def test_ids_are_functions_of_source_and_key_alone(source, key, other, text):
    assert Record(source, key).id == Record(source, key, text=text).id == record_id(source, key)
    assert (record_id(source, key) == record_id(source, other)) == (key == other)
    assert len(record_id(source, key)) == 32


def test_ids_do_not_run_together():
    assert record_id("a", "bc") != record_id("ab", "c")
    assert record_id("a\ud800", "b") != record_id("a", "b")


@given(st.dictionaries(text, json_value, max_size=4))
def test_canonical_json_does_not_depend_on_order(data):
    assert canonical_json(data) == canonical_json(dict(reversed(data.items())))
    assert digest(data).startswith("sha256:")


def test_content_hash_measures_content_alone():
    one = Record("s", "k", title="T", text="B", fields={"a": 1}, media=[Media(url="u", sha256="sha256:1")])
    same = Record(
        "s", "other", title="T", text="B", fields={"a": 1}, media=[Media(url="moved", sha256="sha256:1")], language="en"
    )
    assert one.seal() == same.seal() == one.content_hash
    for change in ({"title": "X"}, {"text": "X"}, {"fields": {"a": 2}}, {"media": []}):
        other = dataclasses.replace(one, **change)
        assert other.seal() != one.content_hash


def test_flags_stand_once():
    record = Record("s", "k")
    record.flag("truncated")
    record.flag("truncated")
    assert record.flags == ["truncated"]


def test_page_and_cache_travel_along_unwritten():
    record = Record("s", "k")
    record.page, record.cache["folded"] = object(), "x"
    assert set(to_dict(record)) == set(RECORD_FIELDS)


def test_an_unknown_field_is_an_error():
    with pytest.raises(TypeError, match="novelty"):
        from_dict({"source": "s", "key": "k", "novelty": 1})
