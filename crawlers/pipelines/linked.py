"""Rows that are found by any of their keys: hash tables with chains, one for each column, in a piece of flat memory.

One row needs one link for each key and nothing else: with 14 keys of 8 bytes it takes some 250 bytes, where a dict for
each column takes two thousand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from crawlers.pipelines.mapped import Memory

    Keys = NDArray[np.uint64]

PRIMES = (1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071, 262139, 524287, 1048573, 2097143, 4194301)
"""The greatest primes below the powers of two: a remainder depends on all bits of a key, also of one made of parts."""

_BLOCK = 2_048
"""Rows that are worked on at a time: a quarter of a MB of keys, and as much again to sort them."""

_ROUNDS = 3


def capacity_for(rows: int) -> int:
    """The least of the primes that has room for *rows*."""
    return next(prime for prime in PRIMES if prime >= rows)


class Chains:
    """Rows of keys in one piece of memory, and the chains that they are found by.

    A row is its keys, then for each key the number of the row behind it in its chain, plus one; 0 ends the chain.

    Args:
        width: keys in a row.
        capacity: rows that there is room for, and slots for each column; best one of the primes.
        make: gives the memory.
    """

    def __init__(self, width: int, capacity: int, make: Callable[[int], Memory]) -> None:
        self.width, self.capacity, self.size = width, capacity, 0
        self.stride = width + (width + 1) // 2  # in keys
        self.parts = make(8 * self.stride * capacity), make(4 * width * capacity)
        self.words, self.links = (
            memoryview(self.parts[0].mapping).cast("Q"),
            memoryview(self.parts[0].mapping).cast("I"),
        )
        self.heads = memoryview(self.parts[1].mapping).cast("I")
        self._keys = np.frombuffer(self.parts[0].mapping, dtype=np.uint64).reshape(capacity, self.stride)[:, :width]
        links = np.frombuffer(self.parts[0].mapping, dtype=np.uint32).reshape(capacity, 2 * self.stride)
        self._links = links[:, 2 * width : 3 * width]
        self._heads = np.frombuffer(self.parts[1].mapping, dtype=np.uint32).reshape(width, capacity)

    @property
    def nbytes(self) -> int:
        """Bytes of memory in use."""
        return self.size * 8 * self.stride + (4 * self.width * self.capacity if self.size else 0)

    def add(self, row: int, keys: Sequence[int]) -> None:
        """Put in one row, or put it where another was."""
        self.size = max(self.size, row + 1)
        words, links, heads, slots = self.words, self.links, self.heads, self.capacity
        base, link = row * self.stride, 2 * (row * self.stride + self.width)
        for column, key in enumerate(keys):
            words[base + column] = key
            if key:
                slot = column * slots + key % slots
                links[link + column] = heads[slot]
                heads[slot] = row + 1

    def find(self, column: int, key: int, limit: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first; at most *limit*."""
        words, links, stride = self.words, self.links, self.stride
        base, second = column - stride, 2 * (self.width - stride) + column
        found: list[int] = []
        entry = self.heads[column * self.capacity + key % self.capacity]
        while entry and limit:
            if words[entry * stride + base] == key:
                found.append(entry - 1)
                limit -= 1
            entry = links[2 * entry * stride + second]
        return found

    def remove(self, row: int) -> None:
        """Take a row out."""
        links, stride = self.links, 2 * self.stride
        for column in range(self.width):
            place = row * self.stride + column
            key = self.words[place]
            if not key:
                continue
            first = 2 * self.width + column
            slot = column * self.capacity + key % self.capacity
            after, entry = links[row * stride + first], self.heads[slot]
            if entry == row + 1:
                self.heads[slot] = after
            else:
                while links[(entry - 1) * stride + first] != row + 1:
                    entry = links[(entry - 1) * stride + first]
                links[(entry - 1) * stride + first] = after
            self.words[place] = 0

    def lines(self, rows: Sequence[int]) -> Keys:
        """The keys of *rows*, one line each."""
        return self._keys[rows]

    def blocks(self, first: int = 0) -> Iterator[Keys]:
        """The keys of all rows from *first* on, some thousand at a time."""
        for start in range(first, self.size, _BLOCK):
            yield self._keys[start : min(start + _BLOCK, self.size)]
            self.parts[0].let_go()

    def put(self, keys: Keys) -> None:
        """Put in rows at the end that :meth:`link` is called for later."""
        self._keys[self.size : self.size + len(keys)] = keys
        self.size += len(keys)
        if self.size % _BLOCK < len(keys):
            self.parts[0].let_go()

    def copy(self, other: Chains) -> None:
        """Put in the rows of *other*."""
        for keys in other.blocks():
            self.put(keys)

    def link(self, first: int) -> None:
        """Lay the chains of all rows from *first* on."""
        for keys in self.blocks(first):
            columns = np.ascontiguousarray(keys.T)
            behind = np.zeros((self.width, len(keys)), dtype=np.uint32)
            for column in range(self.width):
                self._link(column, first, columns[column], behind[column])
            self._links[first : first + len(keys)] = behind.T
            first += len(keys)
        self.let_go()

    def _link(self, column: int, first: int, keys: Keys, behind: NDArray[np.uint32]) -> None:
        """Put the rows from *first* on, which have *keys* in *column*, at the heads of their chains."""
        heads = self._heads[column]
        rows = keys.nonzero()[0]
        slots = (keys[rows] % np.uint64(self.capacity)).astype(np.int64)
        for _ in range(_ROUNDS):  # in each, one row of each slot: the first that is left
            entries = (rows + (first + 1)).astype(np.uint32)
            before = heads[slots]
            heads[slots[::-1]] = entries[::-1]
            done = heads[slots] == entries
            behind[rows[done]] = before[done]
            rows, slots = rows[~done], slots[~done]
        if rows.size:
            self._link_swarms(heads, first, rows, slots, behind)

    @staticmethod
    def _link_swarms(
        heads: NDArray[np.uint32],
        first: int,
        rows: NDArray[np.int64],
        slots: NDArray[np.int64],
        behind: NDArray[np.uint32],
    ) -> None:
        """The same for slots with many rows: sorted, with slot and row in one number, since that sorts faster than two."""
        both = (slots << 32) | rows
        both.sort()
        slots, rows = both >> 32, both & 0xFFFFFFFF
        entries = (rows + (first + 1)).astype(np.uint32)
        begins = np.ones(rows.size, dtype=bool)
        np.not_equal(slots[1:], slots[:-1], out=begins[1:])
        ends = np.ones(rows.size, dtype=bool)
        ends[:-1] = begins[1:]
        behind[rows[1:]] = entries[:-1]
        behind[rows[begins]] = heads[slots[begins]]
        heads[slots[ends]] = entries[ends]

    def let_go(self) -> None:
        """Leave to the file what was read."""
        for part in self.parts:
            part.let_go()
