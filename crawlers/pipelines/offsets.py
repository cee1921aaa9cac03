"""Where a place in a text went when the text was edited: keeps blocks and matches in step with what cleaning does."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Edit(NamedTuple):
    """The code points from *start* to *end* of the old text give way to *new*."""

    start: int
    end: int
    new: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """*text* after *edits*, which are in order and do not overlap."""
    parts: list[str] = []
    last = 0
    for start, end, new in edits:
        parts += (text[last:start], new)
        last = end
    parts.append(text[last:])
    return "".join(parts)


class OffsetMap:
    """Maps offsets of the old text to offsets of the new one.

    A place inside of what was replaced goes as far into the replacement as it was in the original, at most to its end.
    The map never turns an order around: ``a <= b`` gives ``self(a) <= self(b)``.

    Args:
        edits: in order, not overlapping.
    """

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._starts = [edit.start for edit in edits]
        self._shifts: list[int] = []
        shift = 0
        for start, end, new in edits:
            self._shifts.append(shift)
            shift += len(new) - (end - start)
        self._last = shift

    def __call__(self, offset: int) -> int:
        """The offset in the new text of *offset* in the old one."""
        number = bisect_right(self._starts, offset) - 1
        if number < 0:
            return offset
        start, end, new = self._edits[number]
        if offset >= end:
            after = self._shifts[number + 1] if number + 1 < len(self._shifts) else self._last
            return offset + after
        return start + self._shifts[number] + min(offset - start, len(new))
