"""Tags with more attributes than can be parsed, cut before the parser sees them.

The parser (lexbor, like every other that was measured) looks through all attributes of an element for each further
one: 40,000 on one tag take it 4.5 s, 200,000 two minutes, and a tag is one step that cannot be interrupted. So each page
is weighed first, in time linear in its length and without trusting its quotes: what is counted is the largest number of
attributes that any reading of them could give.
"""

from __future__ import annotations

import re
from functools import cache

_SMALL = 48 * 1024
"""A page of this size cannot hold enough: 12,000 different attributes take 0.4 s."""

_ATTRIBUTE_WORK = 100_000_000
"""Steps through lists of attributes that a page may cost; they take 0.3 s."""

_LOOKS_MAX = 200_000
"""Ends of tags that are looked at; a page with more is written anew unseen."""

_SHORT_TAG = 100
_ATTRIBUTES = 30
_DOCTYPE = 300
_OPENING = re.compile(rb"<[a-zA-Z]")
_TAG = re.compile(rb"</?[a-zA-Z][^\s/>]*")
_ATTRIBUTE = re.compile(
    rb"""[\s/]*+=?[^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>"'][^\s>]*+)?+)?+""",
)
_MARKUP = re.compile(
    rb"""<!--(?:-?>|.*?(?:--!?>|\Z))|<!\[CDATA\[|<[!?][^>]*+>?|</[^a-zA-Z][^>]*+>?|"""
    rb"""</?(?P<name>[a-zA-Z][^\s/>]*+)(?:[\s/]++|=?[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>"'][^\s>]*+)?+)?+|=)*+>?""",
    re.DOTALL,
)
_RAW = frozenset(b"script style title textarea xmp iframe noembed noframes plaintext".split())


def cut(source: bytes) -> tuple[bytes, bool]:
    """Take from *source* (UTF-8) what makes its tags too long.

    Returns:
        The page as it was, or written anew with thirty attributes a tag at most; and whether attributes were left out.
    """
    if len(source) <= _SMALL or not _may_hold_huge_tags(source):
        return source, False
    return _rewrite(source)


def _may_hold_huge_tags(source: bytes) -> bool:
    """Whether any reading of the quotes could give tags whose attributes cost too much.

    A ``>`` ends a tag for certain when the last quote of each kind before it cannot have opened a value, which
    takes a ``=`` before it. Between two certain ends lies at most one tag, whatever the quotes pretend. One certain
    end every few thousand bytes is enough: an attribute takes three bytes or more (a name, a separator, and a second
    letter for all but a few names), so that shorter stretches together stay within the allowed work.
    """
    size = len(source)
    stride = max(_ATTRIBUTE_WORK * 9 // (2 * size), _SHORT_TAG)
    ends = _CertainEnds(source)
    at, work = -1, 0
    while at < size:
        end = ends.find(at, at + stride)
        while end - at > 2 * stride:
            near = ends.find(at, at + 1)
            if near - at > stride:
                work += _attributes(source[at + 1 : near]) ** 2
            at = near
        if work > _ATTRIBUTE_WORK or ends.looks <= 0:
            return True
        at = end
    return False


class _CertainEnds:
    """Where tags end for certain.

    Args:
        source: the page.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        self.looks = _LOOKS_MAX
        """At how many more places it is looked; after that there is no further end."""

    def find(self, known: int, start: int) -> int:
        """The first certain end of a tag from *start* on, where one at *known* is the last one known; else the size."""
        source, scanned = self._source, known + 1
        opening = {b'"': False, b"'": False}
        end = source.find(b">", start)
        while end >= 0 and self.looks > 0:
            self.looks -= 1
            for quote in opening:
                last = source.rfind(quote, scanned, end)
                if last >= 0:
                    opening[quote] = _after_equals(source, last)
            scanned = end
            quote = next((quote for quote, open_ in opening.items() if open_), b"")
            if not quote:
                return end
            closing = source.find(quote, end)
            end = source.find(b">", closing) if closing >= 0 else -1
        return len(source)


def _after_equals(source: bytes, place: int) -> bool:
    before = source[place - 1 : place]
    return before == b"=" or (
        before.isspace() and source[max(place - _SHORT_TAG, 0) : place].rstrip()[-1:] in {b"=", b""}
    )


def _attributes(piece: bytes) -> int:
    """An upper bound for the attributes of a tag in *piece*."""
    match = _OPENING.search(piece)
    if match is None:
        return 0
    tag = piece[match.start() :]
    return sum(map(tag.count, (b" ", b"\n", b"\t", b"\r", b"\f", b"/"))) + (tag.count(b'"') + tag.count(b"'")) // 2


def _rewrite(source: bytes) -> tuple[bytes, bool]:
    """The same page with at most thirty attributes a tag, in a form that no parser can read in another way.

    Scripts, styles and comments lose what could be taken for tags: an adversary could otherwise make us believe that
    a tag is part of a script, or of an attribute's value, while the parser sees it.

    Returns:
        The page, and whether attributes were left out.
    """
    out: list[bytes] = []
    at = 0
    cut = False
    while at < len(source):
        match = _MARKUP.search(source, at)
        if match is None:
            break
        out.append(source[at : match.start()])
        at = match.end()
        name = (match.group("name") or b"").lower()
        if not name:  # a comment or the beginning of a CDATA section is dropped
            if match.group()[:9].lower() == b"<!doctype" and len(out) == 1:
                out.append(match.group()[:_DOCTYPE])
            continue
        tag = _fewer_attributes(match.group())
        cut = cut or len(tag) < len(match.group())
        out.append(b"<" + tag[1:].replace(b"<", b"&lt;"))
        if name in _RAW and not match.group().startswith(b"</"):
            end = _raw_end(name).search(source, at)
            content = source[at : end.start() if end else len(source)]
            out.append(_without_tags(content, match.group()))
            at += len(content)
    out.append(source[at:].replace(b"<", b"&lt;"))
    return b"".join(out), cut


def _fewer_attributes(tag: bytes) -> bytes:
    if len(tag) < _SHORT_TAG:
        return tag
    head = _TAG.match(tag)
    start = head.end() if head else 0
    for kept, attribute in enumerate(_ATTRIBUTE.finditer(tag, start, len(tag)), 1):
        if kept > _ATTRIBUTES:
            return tag[: attribute.start()] + b" >"
    return tag


def _without_tags(content: bytes, tag: bytes) -> bytes:
    if b"json" in tag.lower():
        return content.replace(b"<", b"\\u003c")
    return b"" if tag[1:7].lower() in {b"script", b"style>", b"style "} else content.replace(b"<", b"&lt;")


@cache
def _raw_end(name: bytes) -> re.Pattern[bytes]:
    return re.compile(b"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
