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


def depth_in(node: LexborNode, known: Collection[int]) -> int:
    """How many elements around *node* are among *known*, by their ``mem_id``."""
    return sum(parent.mem_id in known for parent in ancestors(node))


def apart(nodes: list[LexborNode], levels: int) -> list[LexborNode]:
    """*nodes* without those that stand in more than *levels* others of them.

    Whoever reads the text of each of the rest reads no part of the page more than *levels* + 1 times.
    """
    if len(nodes) < 2:
        return nodes
    known = {node.mem_id for node in nodes}
    return [node for node in nodes if depth_in(node, known) <= levels]
