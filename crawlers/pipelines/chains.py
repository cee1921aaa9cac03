"""A compact table of rows that are found by any of their keys: the newest in RAM, the others in temporary files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crawlers.pipelines.linked import PRIMES, Chains, capacity_for
from crawlers.pipelines.mapped import in_memory
from crawlers.pipelines.segments import ROWS, Segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawlers.pipelines.linked import Keys

_NEWEST = 8191


class ChainedTable:
    """Rows of *width* keys, each a 64-bit number that looks random as a whole. The key 0 is none.

    Args:
        width: keys in a row.
        newest: rows that are in RAM at most; best one of the primes.
        folder: where the files are; among the system's temporary files where it is not given.
        filed: rows of a file; best one of the primes.
    """

    def __init__(self, width: int, newest: int = _NEWEST, folder: str | None = None, filed: int = ROWS) -> None:
        self.width = width
        self._newest = newest
        self._new = Chains(width, min(newest, PRIMES[0]), in_memory)
        self._old = Segments(width, folder, filed)
        self._base = 0  # rows in the files; the newest are numbered from here on
        self._free: list[int] = []
        self._rows = self._removed = 0

    def __len__(self) -> int:
        """Number of rows that are there."""
        return self._rows - self._removed

    @property
    def nbytes(self) -> int:
        """Bytes of RAM in use; the files are not."""
        return self._new.nbytes + self._old.nbytes

    def add(self, keys: Sequence[int]) -> int:
        """Put in a row; return its number. Numbers of rows that were removed soon are given again."""
        if self._free:
            row = self._free.pop()
            self._removed -= 1
        else:
            if self._new.size == self._new.capacity:
                self._make_room()
            row = self._rows
            self._rows += 1
        self._new.add(row - self._base, keys)
        return row

    def extend(self, parts: Iterable[Keys]) -> None:
        """Put in many rows at once, one for each line of each of *parts*; the first gets the next number that never was."""
        self._spill()
        try:
            self._old.extend(parts)
        finally:
            self._rows = self._base = self._old.size

    def find(self, column: int, key: int) -> list[int]:
        """The rows that have *key* in *column*: those in RAM, then those in files, the newest first."""
        if not key:
            return []
        new, base = self._new, self._base
        found: list[int] = []
        if new.heads[column * new.capacity + key % new.capacity]:
            found = [row + base for row in new.find(column, key, -1)]
        return found + self._old.find(column, key)

    def find_any(self, first: int, wanted: Sequence[int], limit: int) -> list[int]:
        """The rows that have any of the keys *wanted* in its column, from column *first* on; at most *limit* for each."""
        new, base = self._new, self._base
        heads, words, links, slots, stride = new.heads, new.words, new.links, new.capacity, new.stride
        filed = [(segment.filter.size, segment.filter.bits, segment) for segment in self._old.newest_first]
        found: list[int] = []
        for column, key in enumerate(wanted, first):  # what is in Chains.find and KeyFilter, without calls: it is hot
            entry, left = heads[column * slots + key % slots], limit
            while entry and left:
                place = (entry - 1) * stride
                if words[place + column] == key:
                    found.append(entry - 1 + base)
                    left -= 1
                entry = links[2 * (place + self.width) + column]
            for size, bits, segment in filed:
                bit = column * size + key % size
                if left and bits[bit >> 3] >> (bit & 7) & 1:
                    rows = segment.find(column, key, left)
                    left -= len(rows)
                    found += rows
        return found

    def lines(self, rows: Sequence[int], first: int) -> Keys:
        """The keys of *rows* from column *first* on, one line each."""
        numbers = np.asarray(rows, dtype=np.int64)
        found = np.empty((numbers.size, self.width), dtype=np.uint64)
        new = numbers >= self._base
        found[new] = self._new.lines((numbers[new] - self._base).tolist())
        found[~new] = self._old.lines(numbers[~new].tolist())
        return found[:, first:]

    def remove(self, row: int) -> None:
        """Take a row out."""
        self._removed += 1
        if row >= self._base:
            self._new.remove(row - self._base)
            self._free.append(row)
        else:
            self._old.remove(row)

    def _make_room(self) -> None:
        if self._new.capacity < self._newest:
            larger = Chains(self.width, capacity_for(self._new.capacity + 1), in_memory)
            larger.copy(self._new)
            larger.link(0)
            self._new = larger
        else:
            self._spill()

    def _spill(self) -> None:
        """Move the newest rows to the files."""
        new = self._new
        if new.size:
            self._old.extend(new.blocks())
            self._base = self._old.size
            self._new = Chains(self.width, new.capacity, in_memory)
            self._free.clear()
