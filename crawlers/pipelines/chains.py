"""A compact table of rows that are found by any of their keys: a hash table with chains, in flat arrays.

For each column of keys there is a table of its own, so that one row needs one link for each key and nothing else: with
14 keys of 8 bytes a row takes some 250 bytes, where a dict for each column takes two thousand.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

# The greatest primes below the powers of two: a remainder depends on all bits of a key, also of one made of parts.
_SLOTS = (
    1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071, 262139, 524287, 1048573, 2097143, 4194301, 8388593, 16777213,
    33554393, 67108859, 134217689,
)  # fmt: skip


class ChainedTable:
    """Rows of *width* keys, each a 64-bit number that looks random as a whole. The key 0 is none.

    Args:
        width: keys in a row.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._keys = array("Q")
        self._next = array("i")  # for each key the row behind it in its chain, plus one; 0 ends the chain
        self._heads = array("i", bytes(4 * width * _SLOTS[0]))
        self._slots = _SLOTS[0]
        self._free: list[int] = []
        self._rows = 0

    def __len__(self) -> int:
        """Number of rows that are there."""
        return self._rows - len(self._free)

    @property
    def nbytes(self) -> int:
        """Bytes of memory in use."""
        return sum(a.buffer_info()[1] * a.itemsize for a in (self._keys, self._next, self._heads))

    def add(self, keys: Sequence[int]) -> int:
        """Put in a row; return its number. Numbers of removed rows are given again."""
        width = self.width
        if self._free:
            row = self._free.pop()
            base = row * width
            self._keys[base : base + width] = array("Q", keys)
        else:
            row = self._rows
            base = row * width
            self._rows += 1
            self._keys.extend(keys)
            self._next.extend(bytes(width))
            if self._rows > self._slots:
                self._rebuild()
                return row
        self._link(row, keys)
        return row

    def extend(self, parts: Iterable[NDArray[np.uint64]]) -> None:
        """Put in many rows at once, one for each line of each of *parts*; the first gets the next number that never was."""
        for keys in parts:
            self._rows += len(keys)
            self._keys.frombytes(np.ascontiguousarray(keys, dtype=np.uint64).tobytes())
        self._next.frombytes(bytes(4 * (self.width * self._rows - len(self._next))))
        self._rebuild()

    def find(self, column: int, key: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first."""
        keys, links, width = self._keys, self._next, self.width
        found = []
        entry = self._heads[column * self._slots + key % self._slots] if key else 0
        while entry:
            place = (entry - 1) * width + column
            if keys[place] == key:
                found.append(entry - 1)
            entry = links[place]
        return found

    def find_any(self, first: int, wanted: Sequence[int], limit: int) -> list[int]:
        """The rows that have any of the keys *wanted* in its column, from column *first* on; at most *limit* for each."""
        keys, links, heads, width = self._keys, self._next, self._heads, self.width
        slots = self._slots
        found: list[int] = []
        for column, key in enumerate(wanted, first):
            entry = heads[column * slots + key % slots]
            left = limit
            while entry and left:
                place = (entry - 1) * width + column
                if keys[place] == key:
                    found.append(entry - 1)
                    left -= 1
                entry = links[place]
        return found

    def keys(self, row: int) -> array[int]:
        """The keys of a row."""
        return self._keys[row * self.width : (row + 1) * self.width]

    def lines(self, rows: Sequence[int], first: int) -> NDArray[np.uint64]:
        """The keys of *rows* from column *first* on, one line each."""
        table = np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, self.width)
        return table[rows, first:]

    def remove(self, row: int) -> None:
        """Take a row out."""
        base = row * self.width
        for column in range(self.width):
            key = self._keys[base + column]
            if key:
                self._unlink(row, column, key)
                self._keys[base + column] = 0
        self._free.append(row)

    def _link(self, row: int, keys: Sequence[int]) -> None:
        heads, links = self._heads, self._next
        slots, base = self._slots, row * self.width
        for column, key in enumerate(keys):
            if key:
                slot = column * slots + key % slots
                links[base + column] = heads[slot]
                heads[slot] = row + 1

    def _unlink(self, row: int, column: int, key: int) -> None:
        links, width = self._next, self.width
        slot = column * self._slots + key % self._slots
        after = links[row * width + column]
        entry = self._heads[slot]
        if entry == row + 1:
            self._heads[slot] = after
            return
        while links[(entry - 1) * width + column] != row + 1:
            entry = links[(entry - 1) * width + column]
        links[(entry - 1) * width + column] = after

    def _rebuild(self) -> None:
        """Lay all chains anew, in as many slots as there are rows or more."""
        self._slots = next(slots for slots in _SLOTS if slots >= self._rows)
        slots, width = self._slots, self.width
        self._heads = array("i", bytes(4 * width * slots))
        heads = np.frombuffer(self._heads, dtype=np.int32)
        links = np.frombuffer(self._next, dtype=np.int32).reshape(-1, width)
        table = np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, width)
        for column in range(width):
            rows = np.flatnonzero(table[:, column])
            slot = (table[rows, column] % np.uint64(slots)).astype(np.int64)
            order = np.argsort(slot, kind="stable")
            entries, slot = rows[order].astype(np.int32) + 1, slot[order]
            same = np.zeros(entries.size, dtype=bool)
            same[1:] = slot[1:] == slot[:-1]
            before = np.zeros(entries.size, dtype=np.int32)
            before[1:][same[1:]] = entries[:-1][same[1:]]
            links[entries - 1, column] = before
            last = np.ones(entries.size, dtype=bool)
            last[:-1] = ~same[1:]
            heads[column * slots + slot[last]] = entries[last]
