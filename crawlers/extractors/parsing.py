"""The parse of a page: piece by piece, and only for as long as the page is worth it.

The parser (lexbor, like every other that was measured) looks through all open elements for many tags and opens formatting
that was left open anew in each block: 200,000 unclosed ``<div>`` take it a minute, 40 KB of ``<b>`` several GB. Once it has
a page it cannot be interrupted, and what a page will cost cannot be read off its bytes: comments, quotes, scripts and
scopes hide which end tags are ones. So it is given a page in small pieces by its own interface for that (``parse_chunk``),
which gives the same tree, and the rest is left out as soon as time or memory are beyond what pages need.
"""

from __future__ import annotations

import ctypes
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import selectolax.lexbor
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from crawlers.extractors import hugetags

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MAX_BYTES = 10 * 1024 * 1024
"""Bytes of markup that are parsed."""

MAX_TAGS = 200_000
"""Tags that are parsed, by their ``<``: an element and its end are two."""

MAX_SECONDS = 0.5
"""CPU time that the parser may take. The ordinary pages that were measured take 0.17 s when repeated up to the limits above.
Where a page that takes longer is cut differs from machine to machine."""

MAX_MEMORY = 256 * 1024 * 1024
"""Bytes by which the process may grow for a page; one piece of a hostile page may take 1.2 GB before it is looked.
Ordinary pages at the limits above take 90 MB."""

_PIECE, _PIECE_MIN, _PIECE_BYTES = 64, 2, 8192
"""Tags of a piece; fewer where they are long."""
_PIECE_WORK = 1 << 24
"""Tags of a piece times bytes before it: at each of them the parser may clone all that was left open before, eight times."""

_LONG = 0.005
"""Seconds by the clock after which it is looked at what a page has cost."""

_STATM = Path("/proc/self/statm")
_KILOBYTE = 1 if sys.platform == "darwin" else 1024
_WITHOUT_EVENTS = int(LexborDocumentOptions.WO_EVENTS)
"""Copying the chosen <option> around is for browsers; without it parsing is a quarter faster."""

_STANDARD = "<!DOCTYPE html>"
"""What the document has been before it is given the page: quirks, once they are on, would stay."""


class Parsed(NamedTuple):
    """A tree, and what it was made from."""

    tree: LexborHTMLParser
    """Its ``raw_html`` is not the page."""
    source: bytes
    """The page itself, or what was parsed instead of it."""
    cut: bool
    """Whether anything was left out."""


def parse(source: bytes) -> Parsed:
    """Parse a page for as long as pages need; hostile ones took up to 2.7 s, most of it before the parser.

    Args:
        source: the page, as valid UTF-8.
    """
    short, tags = _shorten(source)
    kept, fewer = hugetags.cut(short)
    if kept is not short:
        tags = _tags(kept)
    feed = _Feed(kept, tags)
    if not feed.run():
        end = feed.fed
        del feed  # and with it what it took
        feed = _Feed(kept[:end], tags[tags < end])
        feed.run()
    return Parsed(feed.tree, kept[: feed.fed], fewer or short is not source or feed.fed < len(kept))


class _Feed:
    """A page on its way into a parser.

    Args:
        source: the page.
        tags: where each of its tags begins.
    """

    def __init__(self, source: bytes, tags: NDArray[np.intp]) -> None:
        self.tree = LexborHTMLParser(_STANDARD, options=_WITHOUT_EVENTS)
        self.fed = 0
        """Bytes of the page that are in the tree."""
        self._source = source
        self._ends = np.append(tags, len(source))
        """Where each tag begins, and the end of the last one."""
        self._used = time.thread_time()
        self._memory = _resident()

    def run(self) -> bool:
        """Feed the page for as long as it may be; False where memory did not suffice, and the tree is broken."""
        document, clock, size = _document(self.tree), time.perf_counter, len(self._source)
        address = ctypes.cast(ctypes.c_char_p(self._source), ctypes.c_void_p).value or 0
        tag, since = 0, clock()
        _done(_begin(document))
        while self.fed < size:
            tag, end = self._piece(tag, self.fed)
            if _chunk(document, address + self.fed, end - self.fed):
                return False
            self.fed = end
            if clock() - since > _LONG:
                if self._is_enough():
                    break
                since = clock()
        _done(_end(document))
        return True

    def _piece(self, tag: int, start: int) -> tuple[int, int]:
        """Before which tag and byte the piece ends that begins with *tag*, at the byte *start*."""
        after = min(tag + max(min(_PIECE, _PIECE_WORK // (start + 1)), _PIECE_MIN), len(self._ends) - 1)
        if self._ends[after] - start > _PIECE_BYTES:
            after = max(int(np.searchsorted(self._ends[: after + 1], start + _PIECE_BYTES)), tag + 1)
            after = min(after, len(self._ends) - 1)
        return after, int(self._ends[after])

    def _is_enough(self) -> bool:
        """Whether the page has had its share."""
        return time.thread_time() - self._used > MAX_SECONDS or _resident() - self._memory > MAX_MEMORY


def _shorten(source: bytes) -> tuple[bytes, NDArray[np.intp]]:
    """At most ``MAX_BYTES`` of *source*, up to the end of a character, and ``MAX_TAGS``; and where each tag begins."""
    if len(source) > MAX_BYTES:
        end = MAX_BYTES
        while source[end] & 0xC0 == 0x80:
            end -= 1
        source = source[:end]
    tags = _tags(source)
    if len(tags) > MAX_TAGS:
        return source[: int(tags[MAX_TAGS])], tags[:MAX_TAGS].copy()  # the others may take 80 MB
    return source, tags


def _tags(source: bytes) -> NDArray[np.intp]:
    """Where tags may begin."""
    return np.flatnonzero(np.frombuffer(source, np.uint8) == ord("<"))


def _resident() -> int:
    """Bytes of the process in RAM; where the system does not tell, the most that they have been."""
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTE


def _document(tree: LexborHTMLParser) -> int:
    """The address of the document of an empty tree: that of the node around its root."""
    around = tree.root.parent if tree.root is not None else None
    assert around is not None
    return around.mem_id


def _done(status: int) -> None:
    if status:
        raise MemoryError(f"expected the parser to go on, got its status {status}")


def _function(name: str, *arguments: type[ctypes.c_void_p | ctypes.c_size_t]) -> Callable[..., int]:
    """A function of the parser's library that selectolax contains."""
    try:
        function = getattr(_LIBRARY, name)
    except AttributeError as exc:
        raise ImportError(
            f"expected a build of selectolax that exports {name}, got {selectolax.lexbor.__file__}; install selectolax 1.0.2"
        ) from exc
    function.argtypes, function.restype = arguments, ctypes.c_uint
    return function  # type: ignore[no-any-return]


_LIBRARY = ctypes.PyDLL(selectolax.lexbor.__file__)
"""Called without letting go of the interpreter's lock: an ordinary piece takes microseconds."""
_begin = _function("lxb_html_document_parse_chunk_begin", ctypes.c_void_p)
_chunk = _function("lxb_html_document_parse_chunk", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_end = _function("lxb_html_document_parse_chunk_end", ctypes.c_void_p)
