"""Barren patterns: parts of a site that lead only deeper into themselves. Pure bookkeeping, knows no Scrapy.

A calendar has a page for each day of each year, a filter for each set of filters. Such pages have three things in
common: their URLs follow one pattern, they lead to nothing new outside of it, and they say nothing that pages of the
pattern have not said before, numbers aside. Pages that bring anything of these three are never counted, so a long
catalogue is not a trap, however long it is.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

import xxhash

from crawlers.seen import Seen

_DIGITS = b"0123456789"
_WORD = re.compile(rb"[a-z\x80-\xff]{3,}")
_NEW_PAIRS = 4
_PATTERNS_MAX, _SEEN_MAX, _SKELETONS_MAX, _RICH, _WORDS_MAX = 20_000, 200_000, 2_000, 4_096, 2_000
_PROBE_EVERY = 100


@dataclass
class Pattern:
    """What is known of the URLs of one shape."""

    barren: int = 0
    """Pages in a row that brought nothing."""
    skipped: int = 0
    skeletons: set[int] = field(default_factory=set)
    pairs: set[int] = field(default_factory=set)
    rich: bool = False
    """Its pages said so many different things that this is no calendar."""


@dataclass
class Visit:
    """A page while its links and items come in."""

    key: str
    body: bytes
    leads_out: bool = False
    has_items: bool = False


def shape(url: str) -> str:
    """The pattern of *url*: its last segment and what has digits in it are left open, the query is there or not."""
    parts = urlsplit(url)
    *parents, _ = parts.path.split("/") or [""]
    fixed = "/".join("N" if any(c.isdigit() for c in segment) else segment for segment in parents)
    return f"{parts.netloc}{fixed}/*{'?' if parts.query else ''}"


def winding(url: str, repeats: int, segments: int) -> str | None:
    """What makes the path of *url* one that no person would have made; None for all others."""
    path = urlsplit(url).path.strip("/")
    if path.count("/") < repeats:
        return None
    names = path.split("/")
    if len(names) > segments:
        return f"expected at most {segments} path segments, got {len(names)}"
    name, times = Counter(n for n in names if not n.isdigit()).most_common(1)[0] if any(names) else ("", 0)
    if times > repeats:
        return f"the path segment {name[:50]!r} comes {times} times"
    return None


class BarrenPatterns:
    """Counts, for each pattern, the pages in a row that brought nothing.

    Args:
        pages: after so many of them the pattern is a trap.
        repeats: times that one segment may come in a path.
        segments: segments that a path may have.
    """

    def __init__(self, pages: int = 30, repeats: int = 3, segments: int = 20) -> None:
        self._pages = pages
        self._repeats = repeats
        self._segments = segments
        self._patterns: OrderedDict[str, Pattern] = OrderedDict()
        self._seen = Seen(_SEEN_MAX)

    def visit(self, url: str, body: bytes) -> Visit:
        """Begin with a page."""
        self._seen.add(url)
        return Visit(shape(url), body)

    def link(self, visit: Visit, url: str) -> str | None:
        """Note a link of the page; the reason where it leads into a trap, else None."""
        if not self._seen.add(url):
            return None
        reason = winding(url, self._repeats, self._segments)
        if reason is not None:
            return reason
        key = shape(url)
        if self._is_barren(key):
            return self.why(key)
        if key != visit.key:
            visit.leads_out = True
        return None

    def close(self, visit: Visit) -> bool:
        """The page is done; True where it was the one that made its pattern a trap."""
        pattern = self._pattern(visit.key)
        if visit.leads_out or not self._is_stale(pattern, visit):
            pattern.barren = 0
            return False
        pattern.barren += 1
        return pattern.barren == self._pages

    def forbids(self, url: str) -> str | None:
        """The reason why *url*, which was queued before its pattern was known, is not to be fetched; None if it is.

        One in a hundred is let through, so that a pattern that was misjudged can show it.
        """
        if not self._patterns:
            return None
        key = shape(url)
        if not self._is_barren(key):
            return None
        pattern = self._patterns[key]
        pattern.skipped += 1
        return None if pattern.skipped % _PROBE_EVERY == 0 else self.why(key)

    def why(self, key: str) -> str:
        """A sentence for a person."""
        return (
            f"{self._pages} pages in a row of the pattern {key} led nowhere and said nothing new; TRAP_PAGES sets that"
        )

    def _is_barren(self, key: str) -> bool:
        pattern = self._patterns.get(key)
        return pattern is not None and pattern.barren >= self._pages

    def _is_stale(self, pattern: Pattern, visit: Visit) -> bool:
        """Whether the page says, numbers aside, what pages of its pattern have said before.

        A page with items is compared as a whole. One without is compared by its pairs of neighbouring words: twelve
        months in four lengths from seven weekdays make many different pages out of the same few pairs.
        """
        if visit.has_items:
            return self._same_skeleton(pattern, visit.body)
        return not pattern.rich and self._no_new_pairs(pattern, visit.body)

    @staticmethod
    def _same_skeleton(pattern: Pattern, body: bytes) -> bool:
        skeleton = xxhash.xxh3_64_intdigest(body.translate(None, _DIGITS))
        if skeleton in pattern.skeletons:
            return True
        if len(pattern.skeletons) < _SKELETONS_MAX:
            pattern.skeletons.add(skeleton)
        return False

    @staticmethod
    def _no_new_pairs(pattern: Pattern, body: bytes) -> bool:
        words = _WORD.findall(body.lower())[:_WORDS_MAX]
        pairs = {hash(pair) for pair in pairwise(words)}
        new = pairs - pattern.pairs
        pattern.pairs |= new
        if len(pattern.pairs) > _RICH:
            pattern.rich = True
            pattern.pairs.clear()
        return len(new) <= _NEW_PAIRS

    def _pattern(self, key: str) -> Pattern:
        pattern = self._patterns.get(key)
        if pattern is None:
            pattern = self._patterns[key] = Pattern()
            if len(self._patterns) > _PATTERNS_MAX:
                self._patterns.popitem(last=False)
        return pattern
