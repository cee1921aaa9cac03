from __future__ import annotations

import pytest

from crawlers.ledger import rejections
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import SOURCE, record, rejected


@pytest.fixture
def filled(ledger):
    ledger.commit(
        Settlement(
            None,
            rejections=[
                rejected("a", "validate", "schema"),
                rejected("b_1", "keywords", "no-keyword"),
                rejected("b%2", "keywords", "no-keyword"),
                rejected("c", "keywords", "excluded"),
            ],
        )
    )
    return ledger


def found(ledger, **options) -> list[str]:
    with ledger.database.read() as conn:
        return [row["key"] for row in rejections.iterate(conn, SOURCE, **options)]


def test_counted_by_stage_and_reason_the_most_frequent_first(filled):
    with filled.database.read() as conn:
        assert rejections.counts(conn, SOURCE) == [
            ("keywords", "no-keyword", 2),
            ("keywords", "excluded", 1),
            ("validate", "schema", 1),
        ]
        assert rejections.counts(conn, "nobody") == []


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_streams_each_once_by_stage_and_reason(filled, batch):
    keys = found(filled, batch=batch)
    assert keys[0] == "c"
    assert set(keys[1:3]) == {"b_1", "b%2"}
    assert keys[3:] == ["a"]


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"reason": "schema"}, {"a"}),
        ({"stage": "keywords"}, {"b_1", "b%2", "c"}),
        ({"stage": "keywords", "reason": "excluded"}, {"c"}),
        ({"url": "example/b"}, {"b_1", "b%2"}),
        ({"url": "b%2"}, {"b%2"}),
        ({"url": "b_"}, {"b_1"}),
        ({"where": lambda row: row["record"]["key"] > "b"}, {"b_1", "b%2", "c"}),
        ({"reason": "unknown"}, set()),
    ],
)
def test_chosen_by_what_is_asked_for(filled, options, keys, batch):
    assert set(found(filled, batch=batch, **options)) == keys


def test_a_row_has_its_values_and_its_record_as_json_values(filled):
    with filled.database.read() as conn:
        row = rejections.get(conn, record("a").id)
    assert (row["value"], row["threshold"], row["stage"]) == (0, 1, "validate")
    assert row["record"]["text"] == "some text"
    assert "body" not in row


def test_keys_are_ids_in_order(filled):
    with filled.database.read() as conn:
        every = rejections.keys(conn, SOURCE)
        assert every == sorted(record(key).id for key in ("a", "b_1", "b%2", "c"))
        assert rejections.keys(conn, SOURCE, stage="validate") == [record("a").id]
        assert rejections.keys(conn, SOURCE, reason="excluded") == [record("c").id]


def test_deleted_ones_are_gone(filled):
    assert filled.database.run(rejections.delete, [record("a").id, "0" * 32]) == 1
    assert set(found(filled)) == {"b_1", "b%2", "c"}
    with filled.database.read() as conn:
        assert rejections.get(conn, record("a").id) is None
    assert filled.database.run(rejections.delete, []) == 0
