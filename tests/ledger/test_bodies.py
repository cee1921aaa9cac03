from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from crawlers.items import Record, from_dict, to_dict
from crawlers.ledger.bodies import body_of, json_text, storable

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ANYTHING = (
    st.text(st.characters(codec=None)) | st.binary() | st.integers() | st.sets(st.integers()) | st.complex_numbers()
)


@given(title=st.text(), text=st.text(), fields=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_body_is_the_record(title, text, fields):
    made = Record("s", "k", title=title, text=text, fields=fields)
    body = body_of(made)
    assert orjson.loads(body.text) == orjson.loads(orjson.dumps(to_dict(made)))
    assert to_dict(from_dict(orjson.loads(body.text))) == to_dict(made)


@given(value=ANYTHING, key=st.text(st.characters(codec=None)))
def test_whatever_a_record_holds_it_can_be_written_and_read(value, key):
    made = Record("s", "k", title=key, fields={key: value, "nested": [{"deep": value}]})
    again = from_dict(orjson.loads(body_of(made).text))
    assert again.title == storable(key)
    assert body_of(again) == body_of(made), "and what was read is written the same"


def test_the_envelope_changes_with_everything_but_the_provenance():
    one, two, three = (Record("s", "k", text="t") for _ in range(3))
    two.provenance.fetched_at = "2026-01-01T00:00:00Z"
    three.quality = {"length": 1.0}
    assert body_of(one).envelope_hash == body_of(two).envelope_hash
    assert body_of(one).text != body_of(two).text
    assert body_of(one).envelope_hash != body_of(three).envelope_hash


def test_values_as_json():
    assert json_text(None) is None
    assert json_text(0) == "0"
    assert json_text({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


@given(st.text(st.characters(codec=None)))
def test_storable_text_is_text_that_utf8_holds(text):
    assert storable(text).encode().decode() == storable(text)
    assert storable(storable(text)) == storable(text)
    assert storable(None) is None
