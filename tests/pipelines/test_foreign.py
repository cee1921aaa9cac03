"""Items of other people's spiders become records without losing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import scrapy
from hypothesis import given
from hypothesis import strategies as st

from crawlers.items import from_dict, to_dict
from crawlers.ledger.settlement import Lease, Settlement
from crawlers.pipelines.foreign import record_from

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class Book(scrapy.Item):
    title = scrapy.Field()
    price = scrapy.Field()


@dataclass
class Quote:
    text: str
    tags: set


def test_known_names_move_and_the_rest_stays_in_fields():
    record = record_from(
        {"url": "http://a.example/1", "title": "T", "text": "Body", "price": 3, "authors": ["A"], "language": "en"}, "a"
    )
    assert (record.title, record.text, record.authors, record.language) == ("T", "Body", ["A"], "en")
    assert record.fields == {"price": 3}
    assert record.key == "http://a.example/1"


def test_aliases_fill_what_is_empty_and_keep_the_original():
    record = record_from({"id": 7, "name": "N", "description": "D"}, "a")
    assert (record.key, record.title, record.text) == ("7", "N", "D")
    assert record.fields == {"id": 7, "name": "N", "description": "D"}


def test_a_known_name_of_an_unexpected_type_is_kept_as_a_field():
    record = record_from({"title": ["a", "b"], "text": 3}, "a")
    assert record.title is None
    assert record.fields == {"title": ["a", "b"], "text": 3}


def test_items_and_dataclasses():
    assert record_from(Book(title="T", price=Decimal("9.90")), "a").fields == {"price": "9.90"}
    assert record_from(Quote("Hi", {"b", "a"}), "a").fields == {"tags": ["a", "b"]}


def test_values_json_does_not_have():
    item = {"d": date(2026, 1, 2), "t": datetime(2026, 1, 2, tzinfo=UTC), "b": b"\x01", "x": (1, 2)}
    assert record_from(item, "a").fields == {
        "d": "2026-01-02",
        "t": "2026-01-02T00:00:00+00:00",
        "b": "01",
        "x": [1, 2],
    }


def test_without_a_key_the_page_is_one():
    lease = Lease(1, "ab", "http://a.example/p?b=2&a=1#top", "a.example", "{}", 0, 0, 0)
    found = record_from({"quote": "a"}, "s", Settlement(lease))
    assert found.key.startswith("http://a.example/p?a=1&b=2#ab"), "a fingerprint that is not that of the URL alone"
    assert found.url == "http://a.example/p?b=2&a=1"


def test_a_page_remembers_what_keys_it_has_given():
    page = Settlement(Lease(1, "ab", "http://a.example/p", "a.example", "{}", 0, 0, 0))
    one, two = (record_from({"quote": quote}, "s", page) for quote in "ab")
    assert one.id != two.id


def test_without_a_key_and_a_page_the_content_makes_one():
    one, two = record_from({"quote": "a"}, "s"), record_from({"quote": "b"}, "s", Settlement(None))
    assert one.key.startswith("s#")
    assert one.id != two.id
    assert one.id == record_from({"quote": "a"}, "s", Settlement(None)).id


@given(st.dictionaries(st.text(min_size=1), json_values, max_size=5))
def test_any_json_item_gives_a_record_that_survives_writing(item):
    record = record_from(item, "s")
    assert to_dict(from_dict(to_dict(record))) == to_dict(record)
