"""Looking upwards within bounds."""

from __future__ import annotations

from crawlers.extractors.nesting import LEVELS, ancestors, apart, depth_in
from tests.webpages import page_of


def test_ancestors_are_given_inner_ones_first():
    node = page_of("<section><p><b>x").tree.css_first("b")
    assert [parent.tag for parent in ancestors(node)][:4] == ["p", "section", "body", "html"]


def test_no_more_than_a_hundred_are_looked_at():
    node = page_of("<div>" * 900 + "<b>x").tree.css_first("b")
    assert len(list(ancestors(node))) == LEVELS


def test_depth_counts_what_is_known():
    nodes = page_of("<i><b><i><b>x").tree.css("b")
    assert depth_in(nodes[1], {nodes[0].mem_id}) == 1
    assert depth_in(nodes[0], {nodes[1].mem_id}) == 0


def test_nodes_in_more_of_their_kind_than_allowed_are_left_out():
    nodes = page_of("<div id=a><div id=b><div id=c></div></div></div><div id=d></div>").tree.css("div")
    names = lambda kept: "".join(node.attributes["id"] for node in kept)  # noqa: E731
    assert [names(apart(nodes, levels)) for levels in (0, 1, 2)] == ["ad", "abd", "abcd"]
    assert apart(nodes[:1], 0) == nodes[:1]
    assert apart([], 0) == []
