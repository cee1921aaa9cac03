"""Tags by the parser's numbers: the same ones on every page."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawlers.extractors.tags import numbered


def test_nodes_of_any_page_have_these_numbers():
    known = numbered({"-text": "text", "-comment": "comment", "p": "paragraph", "a": "link"})
    tree = LexborHTMLParser("<own-tag><p>words<!-- comment --><A href=x>link</A></own-tag>")
    seen = [known.get(node.tag_id) for node in tree.body.traverse(include_text=True)]
    assert seen == [None, None, "paragraph", "text", "comment", "link", "text"]


def test_tags_that_are_none_of_html_are_refused():
    with pytest.raises(ValueError, match=r"expected tags of HTML, got p, own-tag"):
        numbered({"p": 1, "own-tag": 2})
