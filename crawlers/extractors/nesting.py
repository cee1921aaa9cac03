"""How elements stand in each other, looked up within bounds: a hostile page nests ten thousand of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from selectolax.lexbor import LexborNode

LEVELS = 100
"""Ancestors that are looked at. Ordinary pages are 30 levels deep, browsers stop at 512."""


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """The elements around *node*, inner ones first, a hundred at most."""
    return islice(_upwards(node), LEVELS)


def _upwards(node: LexborNode) -> Iterator[LexborNode]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def standing_in(node: LexborNode, known: Collection[int], counted: dict[int, int]) -> int:
    """How many elements around *node*, at any distance, are among *known*, by their ``mem_id``.

    Args:
        node: any element.
        known: the elements that count.
        counted: what earlier calls found, filled in here: so no element of a page is looked at twice.
    """
    unknown, parent = [], node.parent
    while parent is not None and parent.mem_id not in counted:
        unknown.append(parent.mem_id)
        parent = parent.parent
    count = counted[parent.mem_id] if parent is not None else 0
    for mem_id in reversed(unknown):
        count += mem_id in known
        counted[mem_id] = count
    return count


def apart(nodes: list[LexborNode], levels: int) -> list[LexborNode]:
    """*nodes* without those that stand in more than *levels* others of them.

    Whoever reads the text of each of the rest reads no part of the page more than *levels* + 1 times.
    """
    if len(nodes) < 2:
        return nodes
    known = {node.mem_id for node in nodes}
    counted: dict[int, int] = {}
    return [node for node in nodes if standing_in(node, known, counted) <= levels]
