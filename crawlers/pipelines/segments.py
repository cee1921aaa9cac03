"""Rows in temporary files of a bounded size: a file that is full stays as it is, so that no addition takes long.

In RAM there is only a filter for each file, so that a search seldom reads one for nothing. It takes 14 bytes for a row of 14
keys where the file is full; each but the first has all of its room from the beginning, 59 MB on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crawlers.pipelines.filedchains import FiledChains
from crawlers.pipelines.keyfilter import KeyFilter
from crawlers.pipelines.linked import capacity_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawlers.pipelines.linked import Keys

ROWS = 262_139
"""Rows of a file: to double one that is half as large takes a third of a second."""


class Segment:
    """Some of the rows, in a file of their own.

    Args:
        width: keys in a row.
        capacity: rows that there is room for; best one of the primes.
        first: number of its first row.
        folder: where the file is.
        read: rows that were read lately, those of all segments.
    """

    def __init__(
        self, width: int, capacity: int, first: int, folder: str | None, read: dict[int, tuple[int, ...]]
    ) -> None:
        self.chains = FiledChains(width, capacity, folder, read, first)
        self.filter = KeyFilter(width, capacity)
        self._linked = 0

    def find(self, column: int, key: int, limit: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first; at most *limit*."""
        if not self.filter.may_have(column, key):
            return []
        return [row + self.chains.first for row in self.chains.find(column, key, limit)]

    def settle(self) -> None:
        """Have the rows found that were put in since."""
        if self._linked < self.chains.size:
            for keys in self.chains.blocks(self._linked):
                self.filter.add(keys)
            self.chains.link(self._linked)
            self._linked = self.chains.size


class Segments:
    """Rows that are put in at the end, are numbered in this order, and are found by any of their keys.

    Args:
        width: keys in a row.
        folder: where the files are; among the system's temporary files where it is not given.
        rows: rows of a file; best one of the primes.
    """

    def __init__(self, width: int, folder: str | None = None, rows: int = ROWS) -> None:
        self._width, self._folder, self._rows = width, folder, rows
        self.size = 0
        """Number of rows, those that were taken out included."""
        self.newest_first: list[Segment] = []
        self._read: dict[int, tuple[int, ...]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of RAM in use; the files are not."""
        return sum(segment.filter.nbytes for segment in self.newest_first)

    def extend(self, parts: Iterable[Keys]) -> None:
        """Put in many rows, one for each line of each of *parts*."""
        try:
            for part in parts:
                self._put(part)
        finally:
            for segment in self.newest_first:
                segment.settle()

    def _put(self, keys: Keys) -> None:
        while len(keys):
            chains = self._with_room(len(keys)).chains
            fitting = keys[: chains.capacity - chains.size]
            chains.put(fitting)
            self.size += len(fitting)
            keys = keys[len(fitting) :]

    def find(self, column: int, key: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first."""
        return [row for segment in self.newest_first for row in segment.find(column, key, -1)]

    def lines(self, rows: Sequence[int]) -> Keys:
        """The keys of *rows*, one line each."""
        found = [self._segment(row).chains.lines([row % self._rows]) for row in rows]
        return np.concatenate(found) if found else np.empty((0, self._width), dtype=np.uint64)

    def remove(self, row: int) -> None:
        """Take a row out; its number is not given again."""
        self._segment(row).chains.remove(row % self._rows)

    def _segment(self, row: int) -> Segment:
        return self.newest_first[-1 - row // self._rows]

    def _with_room(self, wanted: int) -> Segment:
        """The last file, with room for *wanted* more rows, or for as many of them as go into one."""
        last = self.newest_first[0] if self.newest_first else None
        if last is None or last.chains.size == self._rows:
            capacity = self._rows if last is not None else self._capacity(wanted)
            self.newest_first.insert(0, Segment(self._width, capacity, self.size, self._folder, self._read))
        elif last.chains.size + wanted > last.chains.capacity < self._rows:
            larger = self._capacity(last.chains.size + wanted)
            self.newest_first[0] = Segment(self._width, larger, last.chains.first, self._folder, self._read)
            self.newest_first[0].chains.copy(last.chains)
            self._read.clear()  # the chains will be others
        return self.newest_first[0]

    def _capacity(self, rows: int) -> int:
        """Of a file that *rows* go into, or as many of them as go into one."""
        return min(capacity_for(min(rows, self._rows)), self._rows)
