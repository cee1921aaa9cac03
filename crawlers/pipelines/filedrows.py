"""Rows of bytes, found by number: they are in temporary files, and the RAM they take does not grow with their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.pipelines.mapped import in_file

if TYPE_CHECKING:
    from crawlers.pipelines.mapped import Memory

_ROWS = 262_144
_LET_GO = 4_096
"""Rows that are written before RAM lets go of them."""


class FiledRows:
    """Rows of one size, numbered from 0 in the order in which they were appended.

    Args:
        nbytes: size of a row.
        folder: where the files are; among the system's temporary files where it is not given.
        rows: rows of a file.
    """

    def __init__(self, nbytes: int, folder: str | None = None, rows: int = _ROWS) -> None:
        self._nbytes, self._folder, self._rows = nbytes, folder, rows
        self._files: list[Memory] = []
        self._size = 0

    def __len__(self) -> int:
        """Number of rows."""
        return self._size

    def __getitem__(self, number: int) -> bytes:
        """The row with this number."""
        file, place = divmod(number, self._rows)
        start = place * self._nbytes
        if number >= self._size - _LET_GO:  # most are asked for soon, and are in RAM as they were written
            return self._files[file].mapping[start : start + self._nbytes]
        return self._files[file].read(self._nbytes, start)

    def __setitem__(self, number: int, row: bytes) -> None:
        """Put *row* where another was."""
        file, place = divmod(number, self._rows)
        self._files[file].mapping[place * self._nbytes : (place + 1) * self._nbytes] = row

    def append(self, rows: bytes) -> None:
        """Put in rows at the end: one, or many side by side."""
        assert len(rows) % self._nbytes == 0
        start = 0
        while start < len(rows):
            file, place = divmod(self._size, self._rows)
            if file == len(self._files):
                self._files.append(in_file(self._rows * self._nbytes, self._folder))
            count = min((len(rows) - start) // self._nbytes, self._rows - place)
            end = start + count * self._nbytes
            self._files[file].mapping[place * self._nbytes : (place + count) * self._nbytes] = rows[start:end]
            if place // _LET_GO != (place + count) // _LET_GO:
                self._files[file].let_go()
            self._size, start = self._size + count, end
