"""Chains in a temporary file, of which a search reads single rows and takes no RAM but for the last ones it read."""

from __future__ import annotations

from functools import partial
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from crawlers.pipelines.linked import Chains
from crawlers.pipelines.mapped import in_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawlers.pipelines.linked import Keys

_HEAD = Struct("I")
_READ_MAX = 1024  # rows of 1 KB: a search finds the same ones in each column


class FiledChains(Chains):
    """As :class:`~crawlers.pipelines.linked.Chains`, but in a file.

    Args:
        width: keys in a row.
        capacity: rows that there is room for, and slots for each column; best one of the primes.
        folder: where the file is; among the system's temporary files where it is not given.
        read: rows that were read lately, which several files may share; *first* tells whose they are.
        first: number of the first row among those of all files.
    """

    def __init__(
        self,
        width: int,
        capacity: int,
        folder: str | None = None,
        read: dict[int, tuple[int, ...]] | None = None,
        first: int = 0,
    ) -> None:
        super().__init__(width, capacity, partial(in_file, folder=folder))
        self.first = first
        self._row = Struct(f"{width}Q{width}I")
        self._read = {} if read is None else read

    def find(self, column: int, key: int, limit: int) -> list[int]:
        """The rows that have *key* in *column*, the newest first; at most *limit*."""
        read, first, second = self._read, self.first, self.width + column
        place = _HEAD.size * (column * self.capacity + key % self.capacity)
        entry: int = _HEAD.unpack(self.parts[1].read(_HEAD.size, place))[0]
        found: list[int] = []
        while entry and limit:
            row = read.get(first + entry) or self._read_row(entry)
            if row[column] == key:
                found.append(entry - 1)
                limit -= 1
            entry = row[second]
        return found

    def lines(self, rows: Sequence[int]) -> Keys:
        """The keys of *rows*, one line each."""
        lines = [(self._read.get(self.first + row + 1) or self._read_row(row + 1))[: self.width] for row in rows]
        return np.array(lines, dtype=np.uint64)

    def remove(self, row: int) -> None:
        """Take a row out."""
        super().remove(row)
        self._read.clear()
        self.let_go()

    def _read_row(self, entry: int) -> tuple[int, ...]:
        if len(self._read) >= _READ_MAX:
            self._read.clear()
        place = 8 * self.stride * (entry - 1)
        row = self._read[self.first + entry] = self._row.unpack(self.parts[0].read(self._row.size, place))
        return row
