"""A set of what this process has met, in a few bytes each: a table of 64-bit numbers instead of objects.

An address in a set of strings takes 200 bytes, and a crawl that has met half a million of them has three such sets.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MASK = (1 << 64) - 1
_FEWEST = 1024


class Seen:
    """Strings or bytes that were met. When there are *capacity* of them it begins anew, without any.

    Of each only Python's 64-bit hash is kept, SipHash with a key of this process. So a new one is taken for one that
    was met with a probability of *capacity* / 2**64: less than 3e-14 for half a million, and nobody who does not know
    the key can look for two that look the same.

    Args:
        capacity: met ones before it begins anew.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._table = array("Q", bytes(8 * _FEWEST))  # open addressing; 0: free
        self._size = 0

    def __len__(self) -> int:
        """Number of those met since it began anew."""
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes of memory in use."""
        return len(self._table) * self._table.itemsize

    def __contains__(self, key: str | bytes) -> bool:
        """Whether *key* was met."""
        number = hash(key) & _MASK or 1
        return self._table[self._slot(number)] == number

    def add(self, key: str | bytes) -> bool:
        """Note *key*; True where it was not met before."""
        number = hash(key) & _MASK or 1
        slot = self._slot(number)
        if self._table[slot]:
            return False
        if self._size >= self._capacity:
            self._lay(len(self._table), ())
            slot = self._slot(number)
        self._table[slot] = number
        self._size += 1
        if 3 * self._size > 2 * len(self._table):
            self._lay(2 * len(self._table), (there for there in self._table if there))
        return True

    def _slot(self, number: int) -> int:
        """Where *number* is, or the free slot where it belongs."""
        table, last = self._table, len(self._table) - 1
        slot = number & last
        while (there := table[slot]) and there != number:
            slot = (slot + 1) & last
        return slot

    def _lay(self, slots: int, numbers: Iterable[int]) -> None:
        self._table, self._size = array("Q", bytes(8 * slots)), 0
        for number in numbers:
            self._table[self._slot(number)] = number
            self._size += 1
