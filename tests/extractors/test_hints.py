"""What class, id and style say of an element."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.hints import HINTS, hint, is_hidden


@pytest.mark.parametrize(
    ("name", "identifier", "word"),
    [
        ("main-nav", None, "nav"),
        (None, "site-footer", "foot"),
        ("Entry-Content", "x", "content"),
        ("sr-only", "", "hidden"),
    ],
)
def test_words_are_found_in_class_and_id(name, identifier, word):
    bits = hint(name, identifier)
    assert [said for place, said in enumerate(HINTS) if bits >> place & 1 and word in said]


def test_nothing_said_is_nothing():
    assert hint(None, None) == hint("", "") == hint("x7", None) == 0


@pytest.mark.parametrize(
    ("attributes", "hidden"),
    [
        ({"hidden": None}, True), ({"style": "display: none"}, True), ({"style": "FONT-SIZE:0"}, True), ({"style": None}, False),
        ({"style": "left:-9999px"}, True), ({"style": "opacity:0.5"}, False), ({"style": "display:block"}, False), ({}, False),
    ],
)  # fmt: skip
def test_attributes_hide(attributes, hidden):
    assert is_hidden(attributes) is hidden


@given(
    st.text("abcdeforst-_ \nÉ", max_size=12), st.sampled_from(["", "ads", "x-ad\n", "Nav", "TAG", "header-top", "İd"])
)
def test_groups_of_words_are_found_as_one_expression_after_the_other_finds_them(name, identifier):
    lowered = f"{name} {identifier}".lower()
    expected = sum(1 << place for place, pattern in enumerate(HINTS) if re.search(pattern, lowered))
    assert hint(name, identifier) == (expected if name or identifier else 0)
