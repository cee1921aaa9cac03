"""Looking upwards within bounds."""

from __future__ import annotations

from crawlers.extractors.nesting import LEVELS, ancestors, apart, standing_in
from tests.webpages import page_of


def test_ancestors_are_given_inner_ones_first():
    node = page_of("<section><p><b>x").tree.css_first("b")
    assert [parent.tag for parent in ancestors(node)][:4] == ["p", "section", "body", "html"]


def test_no_more_than_a_hundred_are_looked_at():
    node = page_of("<div>" * 900 + "<b>x").tree.css_first("b")
    assert len(list(ancestors(node))) == LEVELS


def test_elements_around_are_counted_at_any_distance_and_each_looked_at_once():
    nodes = page_of("<i><b><i><b>" + "<u>" * 200 + "<b>x").tree.css("b")
    known = {node.mem_id for node in nodes[:2]}
    counted = {}
    assert [standing_in(node, known, counted) for node in reversed(nodes)] == [2, 1, 0]
    assert len(counted) == 200 + 4 + 3, "the elements around the innermost, body, html and the document"


def test_nodes_in_more_of_their_kind_than_allowed_are_left_out():
    nodes = page_of("<div id=a><div id=b><div id=c></div></div></div><div id=d></div>").tree.css("div")
    names = lambda kept: "".join(node.attributes["id"] for node in kept)  # noqa: E731
    assert [names(apart(nodes, levels)) for levels in (0, 1, 2)] == ["ad", "abd", "abcd"]
    assert apart(nodes[:1], 0) == nodes[:1]
    far = page_of(("<b>" + "<u>" * 101) * 5 + "x").tree.css("b")
    assert apart(far, 1) == far[:2]
    assert apart([], 0) == []
