"""Which kept record has which picture as its own: read from the ledger when the first picture comes, kept in step after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.pipelines.undecided import Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class SameImages:
    """Record ids by the hash of their main picture, about 250 bytes each.

    Args:
        read: gives id and ``sha256:…`` of every record that is kept; called once, at the first question.
    """

    def __init__(self, read: Callable[[], Iterable[tuple[str, str]]] = tuple) -> None:
        self._read = read
        self._by_hash: dict[bytes, str] | None = None
        self._by_id: dict[str, bytes] = {}
        self._displaced: dict[str, str] = {}
        self.undecided = Undecided()

    def find(self, record_id: str, sha256: str) -> str | None:
        """The other record that has this picture, or None."""
        of = self._hashes().get(_short(sha256))
        return None if of == record_id else of

    def holds(self, record_id: str, sha256: str) -> bool:
        """Whether this very picture is the record's already."""
        return self._hashes().get(_short(sha256)) == record_id

    def add(self, record_id: str, sha256: str) -> None:
        """*record_id* has this picture, if it is kept; and no longer the one that it had.

        A record that had it before gives way, and has it again should the new one be rejected by a later stage.
        """
        self.forget(record_id)
        key = _short(sha256)
        before = self._hashes().get(key)
        if before is not None:
            self._displaced[record_id] = before
        self._hashes()[key] = record_id
        self._by_id[record_id] = key
        self.undecided.add(record_id)

    def settle(self, record_id: str, *, kept: bool) -> None:
        """Note what became of *record_id*, and wake who waited for it."""
        before, key = self._displaced.pop(record_id, None), self._by_id.get(record_id)
        if not kept:
            self.forget(record_id)
            if before is not None and key is not None:
                self._hashes()[key] = before
        self.undecided.settle(record_id)

    def forget(self, record_id: str) -> None:
        """*record_id* is no longer kept."""
        key = self._by_id.pop(record_id, None)
        if key is not None and self._hashes().get(key) == record_id:
            del self._hashes()[key]

    def _hashes(self) -> dict[bytes, str]:
        if self._by_hash is None:
            self._by_hash = {}
            for record_id, sha256 in self._read():
                key = _short(sha256)
                self._by_id[record_id] = key
                self._by_hash.setdefault(key, record_id)
        return self._by_hash


def _short(sha256: str) -> bytes:
    return bytes.fromhex(sha256.removeprefix("sha256:"))[:16]
