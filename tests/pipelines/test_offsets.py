"""A place in a text stays with what stands there, whatever is edited around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crawlers.pipelines.offsets import Edit, OffsetMap, apply

texts = st.text(st.sampled_from("abcdefgh"), max_size=30)


@st.composite
def edited(draw):
    """A text and edits of it, in order and apart."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [Edit(start, end, draw(st.text("XYZ", max_size=4))) for start, end in pairs if start < end]


@given(edited())
def test_what_was_not_edited_is_found_at_its_new_place(case):
    text, edits = case
    new, place = apply(text, edits), OffsetMap(edits)
    for offset, char in enumerate(text):
        if not any(start <= offset < end for start, end, _ in edits):
            assert new[place(offset)] == char
    assert place(0) == 0
    assert place(len(text)) == len(new)


@given(edited())
def test_order_is_kept(case):
    text, edits = case
    place = OffsetMap(edits)
    places = [place(offset) for offset in range(len(text) + 1)]
    assert places == sorted(places)


def test_inside_of_what_was_replaced():
    place = OffsetMap([Edit(2, 6, "xy")])
    assert [place(offset) for offset in range(8)] == [0, 1, 2, 3, 4, 4, 4, 5]
