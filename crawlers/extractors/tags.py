"""The numbers that the parser has for tags: three times as fast to ask a node for as the name of its tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def numbered(by_tag: Mapping[str, T]) -> dict[int, T]:
    """*by_tag* with the tags' numbers in their place; ``-text`` and ``-comment`` are the nodes that are no elements.

    Raises:
        ValueError: one of the tags is none of HTML, so that its number differs from page to page.
    """
    parser = LexborHTMLParser("text<!-- comment -->")
    text = parser.body.first_child if parser.body else None
    others = {"-text": text, "-comment": text.next if text else None}
    found = {(others.get(tag) or parser.create_node(tag)).tag_id: value for tag, value in by_tag.items()}
    if len(found) != len(by_tag) or max(found) > _HIGHEST:
        raise ValueError(f"expected tags of HTML, got {', '.join(by_tag)}")
    return found


_HIGHEST = 1000
"""No tag of HTML has a higher number; those that the parser meets first in a page are addresses."""
