"""Shingles at hand, by the id of their text; within an amount of memory, the oldest go first."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawlers.pipelines.shingles import Hashes

_OVERHEAD = 400
"""Bytes that an entry takes besides its shingles."""


class Shelf:
    """Shingles of some texts.

    Args:
        nbytes: memory that they may take; inf: any.
    """

    def __init__(self, nbytes: float = math.inf) -> None:
        self._most = nbytes
        self._entries: OrderedDict[str, tuple[bytes, Hashes]] = OrderedDict()
        self.nbytes = 0
        """Bytes that they take."""

    def __len__(self) -> int:
        """Number of texts."""
        return len(self._entries)

    def __contains__(self, record_id: str) -> bool:
        """Whether the shingles of this text are here."""
        return record_id in self._entries

    def get(self, record_id: str) -> tuple[bytes, Hashes] | None:
        """Hash of the text and its shingles."""
        return self._entries.get(record_id)

    def put(self, record_id: str, text_hash: bytes, shingles: Hashes) -> None:
        """Put in the shingles of a text, in the place of those of an earlier one of this id."""
        self.pop(record_id)
        self._entries[record_id] = (text_hash, shingles)
        self.nbytes += shingles.nbytes + _OVERHEAD
        while self.nbytes > self._most:
            self.pop(next(iter(self._entries)))

    def pop(self, record_id: str) -> Hashes | None:
        """Take out the shingles of a text; None where there are none."""
        entry = self._entries.pop(record_id, None)
        if entry is None:
            return None
        self.nbytes -= entry[1].nbytes + _OVERHEAD
        return entry[1]
