"""Schemas are found, checked and compiled; both validators say the same of everything the standard has a word for."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.settings import Settings

from crawlers.errors import SchemaError
from crawlers.exporters.labelstudio import task_of
from crawlers.formats import FORMATS
from crawlers.items import Media, Record, to_dict
from crawlers.schemas import DIALECT, Schema, Schemas

SCHEMAS = Schemas.of(Settings())
RECORD = SCHEMAS.load("record")
TREE = {
    "$id": "urn:test:tree", "type": "object", "required": ["v"],
    "properties": {"v": {"type": "number"}, "kids": {"type": "array", "items": {"$ref": "urn:test:tree"}}},
}  # fmt: skip
DYNAMIC = {
    "$id": "urn:test:strict", "$dynamicAnchor": "node", "$ref": "urn:test:loose", "unevaluatedProperties": False,
    "$defs": {"loose": {
        "$id": "urn:test:loose", "$dynamicAnchor": "node",
        "properties": {"v": True, "kids": {"items": {"$dynamicRef": "#node"}}},
    }},
}  # fmt: skip

# schema, what fulfils it, what does not: each keyword of core, applicators, validation, unevaluated and format.
CASES: list[tuple[object, list, list]] = [
    (True, [None, 1, {}], []),
    (False, [], [None, 0, []]),
    ({}, [None, "x", [1]], []),
    ({"type": "integer"}, [1, 1.0, 0, -3, 10**30, 2**63], [1.5, "1", None, True]),
    ({"type": "number"}, [1, 1.5, -0.0], ["1", None, False]),
    ({"type": "string"}, ["", "ä"], [1, None, ["a"]]),
    ({"type": "boolean"}, [True, False], [0, 1, "true"]),
    ({"type": "null"}, [None], [0, "", False, [], {}]),
    ({"type": "array"}, [[], [1]], [{}, "[]"]),
    ({"type": "object"}, [{}, {"a": 1}], [[], "{}"]),
    ({"type": ["string", "null"]}, ["a", None], [1, True, []]),
    ({"enum": [1, "a", None, [1, {"b": 2}]]}, [1, 1.0, "a", None, [1, {"b": 2}]], [True, "b", [1], 2]),
    ({"enum": [False]}, [False], [0, None, 0.0]),
    ({"enum": [0]}, [0, 0.0], [False, ""]),
    ({"const": 1}, [1, 1.0], [True, 2, "1"]),
    ({"const": {"a": [False, 1]}}, [{"a": [False, 1]}, {"a": [False, 1.0]}], [{"a": [0, 1]}, {"a": [False, True]}, {}]),
    ({"const": None}, [None], [0, False]),
    ({"multipleOf": 2}, [0, 4, -6, 10.0, "x"], [3, 7.5]),
    ({"multipleOf": 0.01}, [4.02, 0, 1], [4.025, 0.001]),
    ({"multipleOf": 1.5}, [4.5, -3], [35, 4]),
    ({"maximum": 3}, [3, 2.9, "9"], [3.1, 4]),
    ({"minimum": -2}, [-2, 0, None], [-2.01, -3]),
    ({"exclusiveMaximum": 3}, [2.99, "x"], [3, 3.0, 4]),
    ({"exclusiveMinimum": 0}, [0.001], [0, 0.0, -1]),
    ({"minimum": 0, "maximum": 0}, [0], [1, -1]),
    ({"maxLength": 2}, ["", "ab", "😀😀", 123], ["abc", "😀😀😀"]),
    ({"minLength": 2}, ["ab", "😀😀", 1], ["", "a", "😀"]),
    ({"pattern": "^a*$"}, ["", "aa", 1], ["b", "ab"]),
    ({"pattern": "b+"}, ["abbc"], ["ac"]),
    ({"pattern": "^\\d+$"}, ["12", "٣"], ["a", ""]),
    ({"pattern": "^\\w+$"}, ["añb", "x_1"], ["a b", "-"]),
    ({"pattern": "^\\S+$"}, ["ab", "\ufeff"], ["a b", "\u3000"]),
    ({"pattern": "^\\D$"}, ["a"], ["1", "٣"]),
    ({"pattern": "\\bcat\\b"}, ["a cat"], ["concat", "catä"]),
    ({"pattern": "^[^/]+/[^/]+$"}, ["image/png"], ["image", "a/b/c"]),
    ({"pattern": "(?P<a>x)y"}, ["xy"], ["x"]),
    ({"pattern": "^x\\Z"}, ["x"], ["x\n", "y"]),
    ({"maxItems": 2}, [[], [1, 2], "abc"], [[1, 2, 3]]),
    ({"minItems": 1}, [[1], {}], [[]]),
    ({"uniqueItems": True}, [[1, 2], [1, True], [0, False], [{"a": 1}, {"a": 2}], []], [[1, 1], [1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [[1], [1]]]),
    ({"uniqueItems": False}, [[1, 1]], []),
    ({"items": {"type": "integer"}}, [[], [1, 2], {"a": "x"}], [["a"], [1, None]]),
    ({"items": False}, [[]], [[1]]),
    ({"prefixItems": [{"type": "integer"}, {"type": "string"}]}, [[1, "a"], [1], [], [1, "a", None]], [["a", 1], [1, 2]]),
    ({"prefixItems": [{}], "items": False}, [[1], []], [[1, 2]]),
    ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, [["a", 1, 2]], [["a", "b"], [1]]),
    ({"contains": {"minimum": 5}}, [[3, 5], [6], "x"], [[], [1, 2]]),
    ({"contains": {"const": 1}, "minContains": 2}, [[1, 2, 1]], [[1], []]),
    ({"contains": {"const": 1}, "maxContains": 1}, [[1, 2]], [[1, 1], [2]]),
    ({"contains": {"const": 1}, "minContains": 0}, [[], [2]], []),
    ({"properties": {"a": {"type": "integer"}}}, [{}, {"a": 1}, {"b": "x"}, []], [{"a": "1"}]),
    ({"properties": {"a": False}}, [{"b": 1}], [{"a": 1}]),
    ({"properties": {"__proto__": {"type": "number"}, "": {"const": 1}}}, [{"": 1}, {"__proto__": 2}], [{"": 2}, {"__proto__": "x"}]),
    ({"patternProperties": {"^f.*o$": {"type": "integer"}}}, [{"foo": 1}, {"bar": "x"}], [{"foo": "x"}]),
    ({"patternProperties": {"^\\d+$": {"type": "integer"}}}, [{"1": 1, "x": ""}], [{"1": ""}, {"٣": ""}]),
    ({"additionalProperties": False, "properties": {"a": {}}}, [{"a": 1}, {}], [{"b": 1}]),
    ({"additionalProperties": {"type": "number"}, "patternProperties": {"^s_": {}}}, [{"s_a": "x", "n": 1}], [{"n": "x"}]),
    ({"propertyNames": {"maxLength": 2}}, [{"ab": 1}, {}, []], [{"abc": 1}]),
    ({"propertyNames": {"pattern": "^[a-z]+$"}}, [{"ab": 1}], [{"A": 1}]),
    ({"required": ["a", "b"]}, [{"a": None, "b": 0}, []], [{"a": 1}, {}]),
    ({"maxProperties": 1}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
    ({"minProperties": 1}, [{"a": 1}, []], [{}]),
    ({"dependentRequired": {"a": ["b"]}}, [{"a": 1, "b": 2}, {"b": 1}, {}], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"], "properties": {"b": {"type": "integer"}}}}}, [{"b": "x"}, {"a": 1, "b": 1}], [{"a": 1}, {"a": 1, "b": "x"}]),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, [2, "x"], [0, 4]),
    ({"anyOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5, "x"], [1.5]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [3, 1.5]),
    ({"not": {"type": "integer"}}, ["x", 1.5], [1, 2.0]),
    ({"not": {}}, [], [1]),
    ({"if": {"minimum": 10}, "then": {"multipleOf": 2}, "else": {"multipleOf": 3}}, [12, 9, 3], [11, 4]),
    ({"if": {"const": 1}, "then": False}, [2], [1]),
    ({"then": False}, [1], []),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, ["x"], [1]),
    ({"$ref": "#/$defs/a", "maxLength": 1, "$defs": {"a": {"type": "string"}}}, ["x"], ["xy", 1]),
    ({"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "null"}}}, [None], [1]),
    ({"$ref": "#here", "$defs": {"a": {"$anchor": "here", "type": "null"}}}, [None], [1]),
    ({"properties": {"self": {"$ref": "#"}}, "additionalProperties": False}, [{"self": {"self": {}}}], [{"self": {"x": 1}}]),
    (TREE, [{"v": 1, "kids": [{"v": 2, "kids": []}]}], [{"v": 1, "kids": [{"v": "x"}]}, {"kids": []}]),
    (DYNAMIC, [{"v": 1, "kids": [{"v": 2}]}], [{"v": 1, "kids": [{"w": 2}]}]),
    ({"$id": "urn:test:a", "$ref": "urn:test:b", "$defs": {"b": {"$id": "urn:test:b", "type": "integer"}}}, [1], ["x"]),
    ({"unevaluatedProperties": False, "properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}]}, [{"a": 1, "b": 2}], [{"c": 1}]),
    ({"unevaluatedProperties": {"type": "integer"}, "patternProperties": {"^x": {}}}, [{"x1": "s", "y": 1}], [{"y": "s"}]),
    ({"unevaluatedProperties": False, "if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"properties": {"b": {}}}}, [{"a": 1, "b": 2}], [{"a": 2, "b": 2}, {"b": 1}]),
    ({"unevaluatedItems": False, "prefixItems": [{}], "allOf": [{"prefixItems": [{}, {}]}]}, [[1, 2], [1]], [[1, 2, 3]]),
    ({"unevaluatedItems": False, "contains": {"type": "string"}}, [["a", "b"]], [["a", 1]]),
    ({"title": "x", "description": "y", "default": 3, "examples": [1], "deprecated": True, "readOnly": True, "$comment": "z"}, [None, 1], []),
    ({"contentMediaType": "application/json", "contentEncoding": "base64"}, ["{", "!!"], []),
    ({"format": "unheard-of"}, ["x"], []),
    ({"format": "idn-hostname"}, ["!"], []),
    ({"format": "uri-template"}, ["{"], []),
    ({"format": "date"}, ["2026-11-24", "2024-02-29", 5, None], ["2026-02-29", "2026-13-01", "26-1-1", "2026-11-24T", "٢٠٢٦-11-24", "20261124", "2026-W01-1", ""]),
    ({"format": "date-time"}, ["2026-11-24T08:33:01Z", "2026-11-24t08:33:01.25+01:00", "1998-12-31T23:59:60Z", "1998-12-31T15:59:60.123-08:00", 3], ["2026-11-24 08:33:01Z", "2026-11-24T08:33:01", "2026-11-24T24:00:00Z", "2026-02-30T00:00:00Z", "1998-12-31T22:59:60Z", "2026-11-24", "2026-11-24T08:33:01+24:00", ""]),
    ({"format": "time"}, ["08:30:06Z", "23:59:60Z", "08:30:06.283185Z", "01:29:60+01:30"], ["08:30:06", "8:30:06Z", "24:00:00Z", "08:60:00Z", "22:59:60Z", "12:00:00\n"]),
    ({"format": "duration"}, ["P4DT12H30M5S", "P1Y", "P4W", "PT1H", "PT36H"], ["P", "PT", "P1YT", "P2D1Y", "P1W2D", "4D", "P1D2H"]),
    ({"format": "email"}, ["joe@example.com", "a.b+c@x-y.example", "te~st@[192.0.2.1]", 1], ["joe", "@x.com", ".a@x.com", "a..b@x.com", "a@-x.com", "a b@x.com", "a@[300.0.0.1]"]),
    ({"format": "hostname"}, ["example.com", "localhost", "a1-b.example", "x" * 63], ["-a.com", "a..b", "a_b", "x" * 64, "", "ex ample"]),
    ({"format": "ipv4"}, ["192.0.2.1"], ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4/8", "١.2.3.4"]),
    ({"format": "ipv6"}, ["::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.1"], ["12345::", "1::2::3", "fe80::1%eth0", ":"]),
    ({"format": "uri"}, ["http://example.com/a?b=c#d", "urn:isbn:123", "mailto:a@b.c", "http://[::1]:8/"], ["/a", "http://a b", "a", "http://ä", "://x", "http://x/<>"]),
    ({"format": "uri-reference"}, ["/a?b#c", "", "//x/y", "a:b"], ["a b", "\\x", "ä"]),
    ({"format": "iri"}, ["http://exämple.com/ü?q=ß"], ["/ü", "http://a b"]),
    ({"format": "iri-reference"}, ["/ü#é"], ["a b", "<x>"]),
    ({"format": "json-pointer"}, ["", "/a~1b/0", "/~0"], ["a", "/~", "/~2"]),
    ({"format": "uuid"}, ["2EB8AA08-AA98-11EA-B4AA-73B441D16380"], ["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa9811eab4aa73b441d16380"]),
    ({"format": "regex"}, ["^a+$", "[a-z]"], ["^(a", "*"]),
]  # fmt: skip

EACH = [(schema, value, True) for schema, good, _ in CASES for value in good]
EACH += [(schema, value, False) for schema, _, bad in CASES for value in bad]


def compiled(contents: object) -> Schema:
    return Schema(contents, "test")


# --- agreement ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "good", "bad"), CASES, ids=lambda part: json.dumps(part)[:60] if isinstance(part, dict) else ""
)
def test_both_validators_agree(schema, good, bad):
    made = compiled(schema)
    for value, valid in [*((v, True) for v in good), *((v, False) for v in bad)]:
        assert made._slow.is_valid(value) is valid, value
        assert made.is_valid(value) is valid, value
        assert (list(made.violations(value)) == []) is valid, value
        if made._fast is not None:
            assert made._fast.is_valid(value) is valid, value


def test_there_are_enough_cases():
    assert len(EACH) >= 300


def test_few_schemas_need_the_slow_validator():
    slow = [schema for schema, _, _ in CASES if compiled(schema)._fast is None]
    assert slow == [{"pattern": "^x\\Z"}, {"patternProperties": {"^\\d+$": {"type": "integer"}}}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from([schema for schema, _, _ in CASES]))
def test_they_agree_on_whatever_comes(value, schema):
    made = compiled(schema)
    if made._fast is not None:
        assert made._fast.is_valid(value) == made._slow.is_valid(value)


@given(json_values, st.data())
def test_they_agree_on_records_that_are_nearly_right(value, data):
    made = RECORD
    record = to_dict(Record("s", "k", text="x", media=[Media(url="u")]))
    place = data.draw(st.sampled_from([*record, "media.url", "media.new", "new"]))
    if place.startswith("media."):
        record["media"][0][place[6:]] = value
    else:
        record[place] = value
    assert made._fast.is_valid(record) == made._slow.is_valid(record) == (not list(made.violations(record)))


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udfff": 1}, ["a\udc00b"], float("nan"), float("inf"), 10**400, {1: 2}, {"a": object()}]
)
def test_what_json_does_not_have_is_an_answer_and_no_error(value):
    assert compiled({"type": ["string", "object", "array"]}).is_valid(value) == isinstance(value, str | dict | list)


# --- what people read -----------------------------------------------------------------------------------------------


def test_violations_name_place_rule_message_and_value():
    made = compiled({
        "properties": {"price": {"minimum": 0}, "tags": {"items": {"type": "string"}}, "when": {"anyOf": [{"format": "date"}, {"type": "null"}]}},
        "additionalProperties": False,
    })  # fmt: skip
    found = list(made.violations({"price": -3, "tags": ["a", 7], "when": "soon", "more": 1}))
    assert [(v.path, v.rule, v.value) for v in found if v.path != "$"] == [
        ("$.price", "minimum", -3),
        ("$.tags[1]", "type", 7),
        ("$.when", "anyOf", "soon"),
    ]
    assert str(found[1]) == "$.price: -3 is less than the minimum of 0 (minimum)"
    assert "'soon' is not a 'date' and 'soon' is not of type 'null'" in found[-1].message
    assert found[0].rule == "additionalProperties"


def test_long_values_are_cut():
    (found,) = compiled({"type": "null"}).violations("x" * 10_000)
    assert len(str(found)) < 400
    assert len(found.value) < 300
    (found,) = compiled({"type": "null"}).violations(["y"] * 1000)
    assert isinstance(found.value, str)


# --- finding and checking -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SCHEMAS.folders[-1], tmp_path / "schemas")
    (tmp_path / "schemas" / "sources").mkdir(exist_ok=True)
    return tmp_path / "schemas"


def write(folder, name: str, contents: object) -> None:
    text = contents if isinstance(contents, str) else json.dumps(contents)
    (folder / f"{name}.schema.json").write_text(text)


def test_every_schema_of_the_package_loads_and_describes_itself():
    for name in ("record", "task", "annotation", "dataset", "run"):
        made = SCHEMAS.load(name)
        assert made.contents["$schema"] == DIALECT
        assert made.id == f"urn:gristmill:schema:{name}:1"
        assert made._fast is not None
        assert all("description" in spec for spec in made.contents["properties"].values())


def test_every_schema_of_a_source_loads():
    for path in (SCHEMAS.folders[-1] / "sources").glob("*.schema.json"):
        made = SCHEMAS.load_source(path.name.removesuffix(".schema.json"))
        assert made is not None
        assert made.contents["type"] == "object"


def test_the_project_goes_before_the_package(folder, tmp_path):
    write(folder, "sources/shop", {"required": ["price"]})
    settings = Settings({"SCHEMAS_DIR": str(folder)})
    found = Schemas.of(settings)
    assert not found.load_source("shop").is_valid({})
    assert found.load_source("other") is None
    (folder / "record.schema.json").unlink()
    assert found.load("record").is_valid(to_dict(Record("s", "k")))


def test_beside_scrapy_cfg(folder, monkeypatch):
    (folder.parent / "scrapy.cfg").write_text("[settings]\n")
    write(folder, "sources/shop", {"required": ["price"]})
    (folder.parent / "deep").mkdir()
    monkeypatch.chdir(folder.parent / "deep")
    assert Schemas.of(Settings()).load_source("shop") is not None


def test_sources_may_refer_to_the_package(folder):
    write(folder, "sources/shop", {"properties": {"picture": {"$ref": "urn:gristmill:schema:record:1#/$defs/media"}}})
    made = Schemas.of(Settings({"SCHEMAS_DIR": str(folder)})).load_source("shop")
    assert made.is_valid({"picture": {"role": "main", "width": 3}})
    assert not made.is_valid({"picture": {"role": "main", "width": "3"}})
    assert [v.path for v in made.violations({"picture": {"role": "main", "width": "3"}})] == ["$.picture.width"]


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ("{", "expected JSON, got"),
        ('{"type": "strin"}', "$.type"),
        ('{"minimum": "3"}', "$.minimum"),
        ('{"pattern": "("}', "$.pattern"),
        ('{"patternProperties": {"(": {}}}', "("),
        ('{"properties": []}', "$.properties"),
        ("[]", "expected a JSON Schema"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', "rewrite the schema"),
        ('{"$ref": "https://example.com/other.json"}', "example.com/other.json"),
        ('{"$ref": "#/$defs/none"}', "none"),
        ('{"pattern": "\\\\Z", "$ref": "https://example.com/other.json"}', "example.com/other.json"),
    ],
)
def test_broken_schemas_are_told_with_their_place(folder, contents, says):
    write(folder, "sources/shop", contents)
    with pytest.raises(SchemaError) as caught:
        Schemas.of(Settings({"SCHEMAS_DIR": str(folder)})).load_source("shop")
    assert says in str(caught.value)
    assert "shop.schema.json" in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_schemas_and_folders(tmp_path):
    with pytest.raises(SchemaError, match=r"record\.schema\.json, got none in"):
        Schemas([tmp_path]).load("record")
    with pytest.raises(SchemaError, match="SCHEMAS_DIR: expected a folder"):
        Schemas.of(Settings({"SCHEMAS_DIR": str(tmp_path / "none")}))
    (tmp_path / "record.schema.json").mkdir()
    with pytest.raises(SchemaError, match="got none"):
        Schemas([tmp_path]).load("record")


# --- the borders ----------------------------------------------------------------------------------------------------


def test_the_task_that_is_written_fulfils_its_schema():
    record = Record(
        "s",
        "k",
        title="T",
        text="B",
        authors=["A"],
        media=[Media(url="u", path="media/ab/x.png", media_type="image/png")],
    )
    record.seal()
    task = task_of(to_dict(record))
    assert list(SCHEMAS.load("task").violations(task)) == []
    del task["data"]["record_id"]
    assert [v.path for v in SCHEMAS.load("task").violations(task)] == ["$.data"]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"kind": "span", "label": "Person", "start": 0, "end": 4}, "end"),
        ({"kind": "box", "label": "Face", "media": "sha256:" + "0" * 64, "box": [1, 2, 3, 4]}, "media"),
        ({"kind": "classes", "label": ["a", "b"]}, "label"),
        ({"kind": "relation", "source_id": "1", "target_id": "2"}, "target_id"),
        ({"kind": "transcript", "text": "hello", "from": 0.5, "to": 2}, "text"),
    ],
)
def test_annotations(values, missing):
    made = SCHEMAS.load("annotation")
    given_values = {
        "record_id": "0" * 32, "content_hash": "sha256:" + "0" * 64, "task": "t", "made_by": "ann", "made_at": "2026-11-24T08:33:01Z", **values,
    }  # fmt: skip
    assert list(made.violations(given_values)) == []
    del given_values[missing]
    assert not made.is_valid(given_values)


def test_formats_do_not_judge_what_is_no_string():
    assert all(check(value) for check in FORMATS.values() for value in (None, 1, 1.5, [], {}))
