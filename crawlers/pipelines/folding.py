"""Folds a text for comparison (case, accents, white space) and knows for each place where it was before.

A fold works code point by code point, so that a match in the folded text has an exact place in the original: ``ß``
becomes two letters, ``ﬁ`` two, a combining accent none. A match that begins or ends inside of what was one code point
has no place, and is none.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import NamedTuple

import numpy as np

_UNKNOWN = 0
_SPECIAL = 0xFFFFFFFF
_ACCENTS = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF))
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
_LETTERS |= {key.upper(): value.upper() for key, value in _LETTERS.items() if key != "ı"}


class Folded(NamedTuple):
    """A folded text."""

    text: str
    changes: list[tuple[int, int, int]] | None
    """Where one code point did not give one: place in the original, place and length in the folded text; None: nowhere."""

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """The part of the original that a part of the folded text comes from; None where it cuts a code point."""
        if self.changes is None:
            return start, end
        first, last = self._place(start), self._place(end)
        return None if first is None or last is None else (first, last)

    def _place(self, offset: int) -> int | None:
        """Offset in the original of what begins at *offset*; what was dropped belongs to what stands before it."""
        assert self.changes is not None
        number = bisect_right(self.changes, offset, key=lambda change: change[1]) - 1
        if number < 0:
            return offset
        original, folded, length = self.changes[number]
        inside = offset - folded
        if inside == 0 and length:
            return original
        return original + 1 + inside - length if inside >= length else None


class Fold:
    """A way of folding.

    Args:
        case: fold case, as Unicode's full case folding does.
        accents: drop accents from Latin, Greek and Cyrillic letters, and write ``æ`` as ``ae``.
    """

    def __init__(self, *, case: bool = True, accents: bool = False) -> None:
        self.case = case
        self.accents = accents
        self._table = np.zeros(0x110000, dtype=np.uint32)  # _UNKNOWN; untouched pages of it take no memory
        self._expansions: dict[int, str] = {}
        for code in range(128):
            self._learn(code)

    def __call__(self, text: str) -> Folded:
        """Fold *text*."""
        if text.isascii():
            folded = text.lower() if self.case else text
            return Folded(folded.translate(_ASCII_SPACES), None)
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        mapped = self._table[codes]
        if not mapped.all():
            for code in np.unique(codes[mapped == _UNKNOWN]):
                self._learn(int(code))
            mapped = self._table[codes]
        special = np.flatnonzero(mapped == _SPECIAL)
        if not special.size:
            return Folded(_text(mapped), None)
        return self._expanded(codes, mapped, special.tolist())

    def _expanded(self, codes: np.ndarray, mapped: np.ndarray, special: list[int]) -> Folded:
        parts: list[str] = []
        changes: list[tuple[int, int, int]] = []
        last = length = 0
        for place in special:
            between = _text(mapped[last:place])
            new = self._expansions[int(codes[place])]
            length += len(between)
            changes.append((place, length, len(new)))
            parts += (between, new)
            length += len(new)
            last = place + 1
        parts.append(_text(mapped[last:]))
        return Folded("".join(parts), changes)

    def _learn(self, code: int) -> None:
        new = self._fold(chr(code))
        if len(new) == 1 and new != "\0":
            self._table[code] = ord(new)
        else:
            self._table[code] = _SPECIAL
            self._expansions[code] = new

    def _fold(self, char: str) -> str:
        if char.isspace():
            return " "
        if self.accents:
            if _is_accent(char):
                return ""
            parts = unicodedata.normalize("NFD", char)
            if len(parts) > 1 and all(map(_is_accent, parts[1:])):
                char = parts[0]
            char = _LETTERS.get(char, char)
            if char[0] in "ﬀﬁﬂﬃﬄﬅﬆ":
                char = unicodedata.normalize("NFKD", char)
        if self.case:
            char = char.casefold()
            if self.accents:
                char = "".join(c for c in char if not _is_accent(c))
        return char


_ASCII_SPACES = {ord(char): " " for char in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"}


def _text(codes: np.ndarray) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def _is_accent(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _ACCENTS)
