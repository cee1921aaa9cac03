"""A compact table of rows that are found by any of their keys, most of it outside of RAM.

The newest rows are in RAM. The others are in a temporary file that is mapped into memory; in RAM they have only a filter,
which takes 14 to 28 bytes for a row of 14 keys, so that a search hardly ever reads the file for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crawlers.pipelines.filedchains import FiledChains
from crawlers.pipelines.keyfilter import KeyFilter
from crawlers.pipelines.linked import PRIMES, Chains, capacity_for
from crawlers.pipelines.mapped import in_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawlers.pipelines.linked import Keys

_NEWEST = 8191


class ChainedTable:
    """Rows of *width* keys, each a 64-bit number that looks random as a whole. The key 0 is none.

    Args:
        width: keys in a row.
        newest: rows that are in RAM at most; best one of the primes.
        folder: where the file is; among the system's temporary files where it is not given.
    """

    def __init__(self, width: int, newest: int = _NEWEST, folder: str | None = None) -> None:
        self.width = width
        self._folder = folder
        self._newest = newest
        self._new = Chains(width, min(newest, PRIMES[0]), in_memory)
        self._old: FiledChains | None = None
        self._filter = KeyFilter(width, PRIMES[0])
        self._base = 0  # rows in the file; the newest are numbered from here on
        self._free: list[int] = []
        self._rows = self._removed = 0

    def __len__(self) -> int:
        """Number of rows that are there."""
        return self._rows - self._removed

    @property
    def nbytes(self) -> int:
        """Bytes of RAM in use; the file is not."""
        return self._new.nbytes + (self._filter.nbytes if self._old is not None else 0)

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
        first = self._base
        for keys in parts:
            if size := len(keys):
                self._reserve(self._rows + size).put(keys)
                self._rows += size
        if self._old is not None:
            self._settle(first)

    def find(self, column: int, key: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first."""
        if not key:
            return []
        new, base = self._new, self._base
        found: list[int] = []
        if new.heads[column * new.capacity + key % new.capacity]:
            found = [row + base for row in new.find(column, key, -1)]
        if self._old is not None and self._filter.may_have(column, key):
            found += self._old.find(column, key, -1)
        return found

    def find_any(self, first: int, wanted: Sequence[int], limit: int) -> list[int]:
        """The rows that have any of the keys *wanted* in its column, from column *first* on; at most *limit* for each."""
        new, old, base = self._new, self._old, self._base
        heads, words, links, slots = new.heads, new.words, new.links, new.capacity
        stride, size, bits = new.stride, self._filter.size, self._filter.bits
        found: list[int] = []
        for column, key in enumerate(wanted, first):  # what is in Chains.find and KeyFilter, without calls: it is hot
            entry, left = heads[column * slots + key % slots], limit
            while entry and left:
                place = (entry - 1) * stride
                if words[place + column] == key:
                    found.append(entry - 1 + base)
                    left -= 1
                entry = links[2 * (place + self.width) + column]
            if old is not None and left:
                bit = column * size + key % size
                if bits[bit >> 3] >> (bit & 7) & 1 and self._filter.may_have(column, key):
                    found += old.find(column, key, left)
        return found

    def lines(self, rows: Sequence[int], first: int) -> Keys:
        """The keys of *rows* from column *first* on, one line each."""
        numbers = np.asarray(rows, dtype=np.int64)
        found = np.empty((numbers.size, self.width), dtype=np.uint64)
        new = numbers >= self._base
        found[new] = self._new.lines((numbers[new] - self._base).tolist())
        if self._old is not None and not new.all():
            found[~new] = self._old.lines(numbers[~new].tolist())
        return found[:, first:]

    def remove(self, row: int) -> None:
        """Take a row out."""
        self._removed += 1
        if row >= self._base:
            self._new.remove(row - self._base)
            self._free.append(row)
        elif self._old is not None:
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
        """Move the newest rows to the file."""
        new = self._new
        if new.size:
            first = self._base
            self._reserve(self._rows).copy(new)
            self._settle(first)
            self._new = Chains(self.width, new.capacity, in_memory)
            self._free.clear()

    def _reserve(self, rows: int) -> FiledChains:
        """The file's table, with room for *rows*. Where it is a new one, nothing is linked in it."""
        old = self._old
        if old is None or rows > old.capacity:
            self._old = grown = FiledChains(self.width, capacity_for(rows), self._folder)
            if old is not None:
                grown.copy(old)
            self._filter = KeyFilter(self.width, grown.capacity)
            self._base = 0
            return grown
        return old

    def _settle(self, first: int) -> None:
        """Link the file's rows from *first* on, or all of them where the table is a new one."""
        assert self._old is not None
        first = min(first, self._base)
        for keys in self._old.blocks(first):
            self._filter.add(keys)
        self._old.link(first)
        self._base = self._rows
