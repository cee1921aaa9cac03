"""Which line of a file has a key first, however many lines there are: in a temporary database, gone with its owner."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from crawlers.sources.lines import Line

    Reader = Callable[[BinaryIO, int, int], Iterator[Line]]

_CACHE_MB = 16


class FirstLines:
    """The keys of the lines that this process has read, file by file. Safe for threads while :attr:`lock` is held.

    Args:
        key_of: the key of a line, or None where it has none.
    """

    def __init__(self, key_of: Callable[[Line], str | None]) -> None:
        self.lock = threading.RLock()
        self._key_of = key_of
        self._reached: dict[str, tuple[int, int]] = {}
        self._opened: sqlite3.Connection | None = None

    @property
    def _keys(self) -> sqlite3.Connection:
        if self._opened is None:
            # Without a name: a file of SQLite's own, which is written to where its cache is full.
            self._opened = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._opened.execute(f"PRAGMA cache_size = {-1024 * _CACHE_MB}")
            self._opened.execute("PRAGMA journal_mode = OFF")
            self._opened.execute(
                "CREATE TABLE keys (file TEXT, key BLOB, line INTEGER, PRIMARY KEY (file, key)) WITHOUT ROWID"
            )
        return self._opened

    def close(self) -> None:
        """Give the temporary database back; what is asked later begins anew."""
        with self.lock:
            if self._opened is not None:
                self._opened.close()
            self._opened = None
            self._reached.clear()

    def catch_up(self, name: str, file: BinaryIO, read: Reader, start: int) -> None:
        """Read the lines of the file *name* before the offset *start* that were not read here, as after a kill."""
        offset, number = self._reached.get(name, (0, 1))
        if offset >= start:
            return
        for line in read(file, offset, number):
            self.is_repeated(name, line)
            if line.end >= start:
                break

    def is_repeated(self, name: str, line: Line) -> bool:
        """Whether an earlier line of the file *name* has the key of this one."""
        if line.end > self._reached.get(name, (0, 1))[0]:
            self._reached[name] = (line.end, line.next_number)
        key = self._key_of(line)
        if key is None:
            return False
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        sql = (
            "INSERT INTO keys VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET line = min(line, excluded.line) RETURNING line"
        )
        return bool(self._keys.execute(sql, (name, digest, line.number)).fetchone()[0] != line.number)

    def forget(self, name: str) -> None:
        """The file *name* has been read to its end."""
        if self._reached.pop(name, None) is not None:
            self._keys.execute("DELETE FROM keys WHERE file = ?", (name,))
