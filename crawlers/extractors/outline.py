"""A page as a list of text blocks with their places, from one walk over the shared tree.

A block is what a reader sees as one piece: a paragraph, a heading, a list item, a table row, or text that stands
directly in some container. Nothing is judged here; :mod:`crawlers.extractors.text` does that.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crawlers.extractors import tags
from crawlers.extractors.hints import hint, is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

    Integers = NDArray[np.int64]

_INLINE, _LINK, _SKIP, _BLOCK, _BREAK, _CELL, _TEXT, _CODE = range(8)

_SKIPPED = """script style noscript template svg select textarea datalist iframe object embed applet canvas audio video
head map progress meter frameset -comment"""
_BLOCKS = """address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption
figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p search section summary
table tbody tfoot thead tr ul"""
_KINDS: dict[str, int] = {
    **dict.fromkeys(_SKIPPED.split(), _SKIP),
    **dict.fromkeys(_BLOCKS.split(), _BLOCK),
    "-text": _TEXT,
    "a": _LINK,
    "br": _BREAK,
    "td": _CELL,
    "th": _CELL,
    "pre": _CODE,
}

_KIND_OF = tags.numbered(_KINDS)
_NOT_PLAIN = "pre :not(span):not(code)"
"""What code has in it that is more than colours."""

ROLES = ("other", "paragraph", "heading", "list-item", "row", "code", "quote", "term", "caption", "button", "summary")
_ROLES: dict[str, int] = {
    "p": 1, "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "li": 3, "dd": 3, "tr": 4, "pre": 5,
    "blockquote": 6, "dt": 7, "figcaption": 8, "caption": 8, "legend": 8, "button": 9, "summary": 10,
}  # fmt: skip
_INHERITED = frozenset({2, 3, 4, 6, 8, 10})
"""Roles that text in a plain container inside of the element has too: headings, list items, rows, quotes, captions."""

AREAS = ("nav", "header", "footer", "aside", "main", "article", "form", "table", "figure", "blockquote", "ul", "dl")
_AREA = {tag: 1 << place for place, tag in enumerate(AREAS)} | {"ol": 1 << AREAS.index("ul"), "dialog": 1 << 3}
_NO_MEANING = (0, 0, 0)
_MEANING = {
    tag: (_AREA.get(tag, 0), _ROLES.get(tag, 0), int(tag[1]) if _ROLES.get(tag) == 2 else 0) for tag in _AREA | _ROLES
}
"""Tag to its area, its role, and its rank where it is a heading."""

_LANDMARKS = {
    "navigation": "nav",
    "banner": "header",
    "contentinfo": "footer",
    "complementary": "aside",
    "dialog": "aside",
}
_ARIA = {role: _AREA[tag] for role, tag in (_LANDMARKS | {"main": "main", "article": "article"}).items()}
HIDDEN = 1 << len(AREAS)

_FRAME = """© copyright reserved privacy cookie cookies terms subscribe newsletter sign login log follow share tweet read more
see all view load show learn click related recommended popular trending advertisement sponsored skip back next prev
previous comment comments reply posted leave add cart bag wishlist buy checkout stock shipping returns search menu
home contact about download category categories tag tags tags: filed email e-mail min minutes updated published ago
views likes votes facebook twitter instagram linkedin pinterest youtube whatsapp account register help"""
_CHROME = frozenset(_FRAME.split())
_SHORT = 14
BLOCKS_MAX = 40_000
"""Blocks that are read of a page: judging more would take longer than a second."""

_ENDS = frozenset('.!?…。！？:;"”»)')
PERMALINKS = frozenset("¶#§🔗⚓")
"""What documentation puts behind a heading as a link to it: no part of the text."""

_LINE = "\0"
"""Stands for a line break inside a block; no page has it once it is decoded."""


class Row(NamedTuple):
    """The numbers of a block, in the order in which :mod:`crawlers.extractors.features` reads them."""

    words: int
    chars: int
    linked: int
    """Code points inside of links."""
    role: int
    """Place in ``ROLES``."""
    level: int
    """Rank of a heading, else 0."""
    depth: int
    stops: int
    """Commas and full stops."""
    ends: int
    """Whether it ends as a sentence does."""
    upper: int
    """Whether it begins with a capital letter."""
    shout: int
    """Whether it is all in capital letters."""
    digit: int
    """Whether it begins with a digit."""
    chrome: int
    """Whether it is short and has a word that the frame of a site has."""
    container: int
    """The block-level element it stands in, counted from the body's 0."""
    path: int
    """Number of its path of tags and classes; 0 is the body's."""
    areas: int
    """Those of all its ancestors, a bit for each of ``AREAS``, and ``HIDDEN``."""
    near: int
    """What class and id of the container say, a bit for each of ``HINTS``."""
    far: int
    """The same of all elements around the container."""


_packed = Struct(f"{len(Row._fields)}q").pack
"""A row as bytes: more than twice as fast as an array takes in as many numbers."""


@dataclass(slots=True)
class Outline:
    """All text of a page, in order."""

    texts: list[str]
    table: Integers
    """For each text, in a row, the values of :class:`Row`."""
    parents: Integers
    """Container to the container around it; the first is the body."""
    kinds: Integers
    """Container to its path of tags and classes: those with the same one are alike."""
    starts: Integers
    """Container to its first text."""
    ends: Integers
    """Container to the text after its last."""
    trail: list[tuple[int, str, str | None]]
    """Path, from 1, to the path around it, tag and class."""

    @property
    def rows(self) -> list[Row]:
        """The table, for those who look at few pages."""
        return [Row(*values) for values in self.table.tolist()]

    @property
    def paths(self) -> int:
        """How many paths there are, the body's 0 included."""
        return len(self.trail) + 1

    def place(self, path: int) -> str:
        """A path as people read it: ``main > div.text > p``."""
        steps = []
        while path:
            path, tag, name = self.trail[path - 1]
            steps.append(".".join([tag, *(name or "").split()]))
        return " > ".join(reversed(steps))


def outline(page: Page) -> Outline:
    """The page's outline, made once."""
    return page.remember("outline", _outline)


def _outline(page: Page) -> Outline:
    walk = _Walk()
    body = page.tree.body
    if body is not None:
        walk.run(body)
    if walk.full:
        page.flag("truncated")
    table = _integers(walk.numbers).reshape(-1, len(Row._fields))
    parents, kinds, starts, ends = map(_integers, (walk.parents, walk.kinds, walk.starts, walk.ends))
    return Outline(walk.texts, table, parents, kinds, starts, ends, list(walk.paths))


def _integers(values: array[int] | bytearray) -> Integers:
    return np.frombuffer(values, np.int64) if values else np.zeros(0, np.int64)


_Here = tuple[int, int, int, int, int, int, int, int, bool, bool]
"""What is around a place: role, level, depth, container, path, areas, near, far, linked, preserved. A plain tuple, since
one is made for every element."""


class _Walk:
    """One pass over the tree, in the order of the page."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.numbers = bytearray()
        self.full = False
        """Whether there were more blocks than are read."""
        self.parents = array("q", (0,))
        self.kinds = array("q", (0,))
        self.starts = array("q", (0,))
        self.ends = array("q", (0,))
        self.paths: dict[tuple[int, str, str | None], int] = {}
        self._parts: list[str] = []
        self._linked = 0
        self._here: _Here = (0, 0, 0, 0, 0, 0, 0, 0, False, False)

    def run(self, body: LexborNode) -> None:  # noqa: C901 - one loop over all nodes: each call in it would cost a tenth
        """Walk below *body*. Recursion would end at a page's thousandth level."""
        kind_of, parts, enter = _KIND_OF.get, self._parts, self._enter
        stack: list[tuple[LexborNode, _Here]] = []
        here, node = self._here, body.first_child
        while True:
            while node is None:
                if not stack or self.full:
                    self._end({here[3], *(outer[3] for _, outer in stack)})
                    return
                node, outer = stack.pop()
                if here[3] != outer[3]:
                    self._end((here[3],))
                here = outer
                node = node.next
            kind = kind_of(node.tag_id, _INLINE)
            text = None
            if kind == _TEXT:
                text, linked = node.text_content, here[8]
            elif kind == _BREAK:
                self._break()
            elif kind != _SKIP:
                child = node.first_child
                if child is None:
                    if parts and kind in {_BLOCK, _CODE}:
                        self._flush()
                elif kind == _CODE and not here[8] and node.css_first(_NOT_PLAIN) is None:
                    self._code(node, here)
                else:
                    linked = kind == _LINK or here[8]
                    if kind <= _LINK and child.next is None:
                        # words in a link or a span, the most common elements of all, or in one in the other
                        text = child.text_content
                        if text is None and kind_of(child.tag_id, _INLINE) == _INLINE:
                            text = _only_text(child)
                    if text is None:
                        stack.append((node, here))
                        if kind:
                            here = enter(node, kind, here)
                        node = node.first_child
                        continue
                    text = None if kind == _LINK and _is_permalink(node, text) else text
            if text and (parts or not text.isspace()):
                if not parts:
                    self._here, self._linked = here, 0
                parts.append(text)
                if linked:
                    self._linked += len(text.strip())
            node = node.next

    def _end(self, containers: Iterable[int]) -> None:
        """Close some containers."""
        self._flush()
        for container in containers:
            self.ends[container] = len(self.texts)

    def _code(self, node: LexborNode, here: _Here) -> None:
        """A block of code, read in one piece: its colours are most of the elements of a page of documentation."""
        self._here, self._linked = self._enter(node, _CODE, here), 0
        self._parts.append(node.text_lexbor())
        self._flush()
        self.ends[self._here[3]] = len(self.texts)

    def _enter(self, node: LexborNode, kind: int, here: _Here) -> _Here:
        if kind == _LINK:
            return here if here[8] else (*here[:8], True, here[9])
        if kind == _CELL:
            if self._parts:
                self._parts.append(" ")
            return here
        if self._parts:
            self._flush()
        role, level, depth, container, path, areas, near, far, linked, preserved = here
        tag = node.tag or ""
        area, own, rank = _MEANING.get(tag, _NO_MEANING)
        areas |= area
        attributes, name, hinted = node.attributes, None, 0
        if attributes:
            name = attributes.get("class")
            hinted = hint(name, attributes.get("id"))
            if "style" in attributes or "hidden" in attributes:
                areas |= HIDDEN if is_hidden(attributes) else 0
            if "role" in attributes:
                areas |= _ARIA.get(attributes["role"] or "", 0)
        if own:
            role, level = own, rank
        elif role not in _INHERITED:
            role = level = 0
        key, paths = (path, tag, name), self.paths
        path = paths.setdefault(key, len(paths) + 1)
        number = len(self.parents)
        self.parents.append(container)
        self.kinds.append(path)
        self.starts.append(len(self.texts))
        self.ends.append(0)
        return role, level, depth + 1, number, path, areas, hinted, far | near, linked, preserved or kind == _CODE

    def _break(self) -> None:
        """A line break; two in a row end the block."""
        parts = self._parts
        if not parts:
            return
        if next((part for part in reversed(parts) if part == _LINE or not part.isspace()), "") == _LINE:
            self._flush()
        else:
            parts.append(_LINE)

    def _flush(self) -> None:
        """End the block, if there is one."""
        parts = self._parts
        if not parts:
            return
        joined = parts[0] if len(parts) == 1 else "".join(parts)
        parts.clear()
        role, level, depth, container, path, areas, near, far, _, preserved = self._here
        known = _read(joined, preserved)
        if known is None:
            return
        if len(self.texts) >= BLOCKS_MAX:
            self.full = True
            return
        text, count, size, stops, ends, upper, shout, digit, chrome = known
        linked = self._linked
        self.texts.append(text)
        self.numbers += _packed(
            count, size, linked if linked < size else size, role, level, depth,
            stops, ends, upper, shout, digit, chrome, container, path, areas, near, far,
        )  # fmt: skip


def _only_text(node: LexborNode) -> str | None:
    """The text in *node*, where nothing else is in it."""
    child = node.first_child
    return child.text_content if child is not None and child.next is None else None


def _is_permalink(link: LexborNode, text: str | None) -> bool:
    return text in PERMALINKS and (link.attributes.get("href") or "").startswith("#")


_Read = tuple[str, int, int, int, bool, bool, bool, bool, bool]
_SEEN_MAX, _SEEN_CHARS = 5_000, 100
_seen: dict[str, _Read | None] = {}
"""What short texts were read as: the frame of a site is the same on all of its pages."""


def _read(joined: str, preserved: bool) -> _Read | None:
    """A block's text and what can be said of it alone; None where it is white space."""
    if preserved or len(joined) > _SEEN_CHARS:
        return _reading(joined, preserved)
    found = _seen.get(joined, _UNSEEN)
    if found is _UNSEEN:
        if len(_seen) >= _SEEN_MAX:
            _seen.clear()
        found = _seen[joined] = _reading(joined, preserved)
    return found


_UNSEEN: _Read = ("", 0, 0, 0, False, False, False, False, False)


def _reading(joined: str, preserved: bool) -> _Read | None:
    broken = _LINE in joined
    words = (joined.replace(_LINE, " ") if broken else joined).split()
    if not words:
        return None
    if preserved:
        text = joined.replace(_LINE, "\n").strip("\r\n").rstrip()
    elif broken:
        text = "\n".join(line for part in joined.split(_LINE) if (line := " ".join(part.split())))
    else:
        text = " ".join(words)
    count, first = len(words), text[0]
    return (
        text, count, len(text), text.count(",") + text.count("."), text[-1] in _ENDS, first.isupper(), text.isupper(),
        first.isdigit(), count <= _SHORT and not _CHROME.isdisjoint(text.lower().split()),
    )  # fmt: skip
