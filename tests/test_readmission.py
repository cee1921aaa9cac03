"""Conditions on rejections: read, applied, refused."""

from __future__ import annotations

import pytest

from crawlers.errors import ArgumentError
from crawlers.readmission import Selection

ROW = {
    "stage": "deduplicate",
    "reason": "near-duplicate",
    "value": 0.86,
    "threshold": 0.8,
    "url": "http://news.example/a/1",
    "record": {"language": "de", "fields": {"price": 12, "sku": "007"}},
}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, True),
        ("value < 0.9", True),
        ("value<0.9 and value >= 0.86", True),
        ("value > 0.9", False),
        ("record.language = de", True),
        ("record.language != de", False),
        ("record.fields.price <= 12", True),
        ("record.fields.sku = 007", True),
        ("record.fields.weight < 3", False),
        ("url ~ /a/", True),
        ("url ~ '/b/'", False),
        ("url < 3", False),
        ("record.fields < 3", False),
    ],
)
def test_conditions(where, expected):
    assert Selection.of(reason="near-duplicate", where=where).matches(ROW) is expected


def test_reason_and_stage_choose():
    assert not Selection.of(reason="exact-duplicate").matches(ROW)
    assert not Selection.of(stage="keywords").matches(ROW)
    assert Selection.of(stage="deduplicate").matches(ROW)


@pytest.mark.parametrize("where", ["value", "value ! 3", "nothing = 3", "value < 1 and", "__class__ = 1"])
def test_unreadable_condition_shows_what_one_looks_like(where):
    with pytest.raises(ArgumentError, match=r"value < 0\.9"):
        Selection.of(where=where)


def test_survives_the_way_through_a_setting():
    selection = Selection.of("a", "b", "value < 3 and url ~ x")
    assert Selection.from_json(selection.to_json()) == selection
