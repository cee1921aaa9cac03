"""A filter that says of nearly all keys that are not in a table that they are not (Bloom 1970): each sets two bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crawlers.pipelines.linked import PRIMES

if TYPE_CHECKING:
    from crawlers.pipelines.linked import Keys

_BIT = np.uint8(1) << np.arange(8, dtype=np.uint8)


class KeyFilter:
    """Knows of most keys that are not there that they are not.

    Args:
        width: columns.
        slots: keys of a column at most.
    """

    def __init__(self, width: int, slots: int) -> None:
        # Eight bits for each key, more in a table with room: of those that are not there 5 % seem to be, or fewer.
        self.size = next((prime for prime in PRIMES if prime > 5 * slots), PRIMES[-1])
        self.bits = bytearray(-(-width * self.size // 8))

    @property
    def nbytes(self) -> int:
        """Bytes of memory in use."""
        return len(self.bits)

    def add(self, keys: Keys) -> None:
        """Put in the keys of some rows."""
        bits = np.frombuffer(self.bits, dtype=np.uint8)
        for column, line in enumerate(np.ascontiguousarray(keys.T)):
            there = line[line != 0]
            for size in (self.size, self.size - 2):
                places = (there % np.uint64(size)).astype(np.int64) + column * self.size
                while places.size:  # of two bits for one byte only one is set in a round
                    byte, bit = places >> 3, _BIT[places & 7]
                    bits[byte] |= bit
                    places = places[bits[byte] & bit == 0]

    def may_have(self, column: int, key: int) -> bool:
        """False where *key* is not in *column* for sure."""
        first, second = column * self.size + key % self.size, column * self.size + key % (self.size - 2)
        return bool((self.bits[first >> 3] >> (first & 7)) & (self.bits[second >> 3] >> (second & 7)) & 1)
