"""Whether a page is a list that only leads to other pages, told from its outline. No selectors needed.

A list is made of items alike, each with a line that is a link. Prose beside them makes it a page of its own, unless the
prose is the items': a teaser stands beside the link that it belongs to. References in running text, a page's own table of
contents in its frame, and navigation are no items.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from crawlers.extractors.nesting import ancestors
from crawlers.extractors.outline import AREAS, ROLES, outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crawlers.extractors.outline import Outline
    from crawlers.extractors.page import Page

    Mask = NDArray[np.bool_]
    Integers = NDArray[np.int64]

_FRAME = sum(1 << AREAS.index(area) for area in ("nav", "header", "footer", "aside"))
_REPEATED = 6
"""Items alike, each with a link, that make a list."""
_PICTURES_MAX = 500
_PROSE, _PROSES, _PROSE_CHARS = 200, 3, 1500
"""Code points of a block that is prose and not a label; blocks of it, or code points of all, that make a page of its own."""
_TEASER = 800
"""Code points of a block that is longer than any teaser."""
_LABEL, _COLUMN = 40, 500
"""Code points that a block has, and that all under one parent have, where they are the text of an article."""
_REFERENCES = 0.3
"""Share of links that prose may have."""
_TITLE = 0.4
"""Share of links that an item's line has: a title, and a date, a name, a number beside it."""
_MOSTLY = 0.6
"""Share of links that a term has which is an item: terms of documentation name types that are links."""
_TERM = ROLES.index("term")
_LEVELS = 4
"""Elements around a link of which one is the item."""


def looks_like_list(page: Page) -> bool:
    """Many items alike with a link each, and hardly any prose that is not theirs."""
    found = outline(page)
    table = found.table
    chars, linked = table[:, 1], table[:, 2]
    inside = table[:, 14] & _FRAME == 0
    if not inside.any():
        return _has_linked_pictures(page)
    return _has_items(found, chars, linked, inside) or _is_directory(page, int(chars[inside].sum()))


def _has_linked_pictures(page: Page) -> bool:
    """Whether some of the page's pictures stand in links."""
    pictures = page.elements("img")[:_PICTURES_MAX]
    linked = (any("href" in around.attributes for around in ancestors(node) if around.tag == "a") for node in pictures)
    return sum(linked) >= _REPEATED


def _is_directory(page: Page, chars: int) -> bool:
    """Whether it is what web servers make of a folder: preformatted lines, a link in each, and hardly anything else."""
    blocks = page.elements("pre")
    if not blocks:
        return False
    node = blocks[0]
    text, links = node.text(strip=True), len(node.css("a[href]"))
    return links >= _REPEATED and len(text.splitlines()) <= links + _PROSES and len(text) >= _MOSTLY * chars


def _has_items(outline: Outline, chars: Integers, linked: Integers, inside: Mask) -> bool:
    table = outline.table
    leads = inside & (linked >= np.where(table[:, 3] == _TERM, _MOSTLY, _TITLE) * chars)
    _drop_repeated(leads, outline.texts)
    prose = inside & (chars >= _PROSE) & (linked < _REFERENCES * chars)
    around = outline.parents[table[:, 12]]
    if _is_article(chars, around, inside & ~leads & (chars >= _LABEL), leads):
        return False
    own = prose & ((_among(outline, around, leads) < _among(outline, around, prose)) | (chars >= _TEASER))
    if own.sum() >= _PROSES or chars[own].sum() >= _PROSE_CHARS:
        return False
    return _most_repeated(outline, table[leads, 12]) >= _REPEATED or (
        not prose.any() and bool(linked[inside].sum() >= _MOSTLY * chars[inside].sum())
    )


def _drop_repeated(leads: Mask, texts: list[str]) -> None:
    """Links that say the same over and over (Reply, Source, Read more) are no items."""
    places = np.flatnonzero(leads).tolist()
    said = Counter(texts[place] for place in places)
    leads[[place for place in places if said[texts[place]] >= _PROSES]] = False


def _among(outline: Outline, around: Integers, wanted: Mask) -> Integers:
    """How many *wanted* blocks are in the same parent as each block."""
    before = np.concatenate(([0], np.cumsum(wanted)))
    counted: Integers = before[outline.ends[around]] - before[outline.starts[around]]
    return counted


def _is_article(chars: Integers, around: Integers, lines: Mask, leads: Mask) -> bool:
    """Whether several paragraphs that are no labels stand under one parent, as those of an article do.

    Those of teasers stand alone, each in its item, or have a link each.
    """
    size = int(around.max()) + 1
    many = np.bincount(around[lines], minlength=size)
    long = np.bincount(around[lines], chars[lines], size)
    links = np.bincount(around[leads], minlength=size)
    return bool(((many >= _PROSES) & (long >= _COLUMN) & (links < many)).any())


def _most_repeated(outline: Outline, items: Integers) -> int:
    """How many containers alike under one parent have a link among *items*, or are one of them, at most."""
    most = 0
    for _ in range(_LEVELS):
        items = np.unique(items[items > 0])
        if not len(items):
            break
        alike = outline.parents[items] * outline.paths + outline.kinds[items]
        most = max(most, int(np.unique(alike, return_counts=True)[1].max()))
        items = outline.parents[items]
    return most
