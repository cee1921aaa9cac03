"""Finds texts that are the same, or nearly: MinHash and locality-sensitive hashing, each answer verified exactly.

Knows no Scrapy and no database; usable alone::

    index = DuplicateIndex(texts=lambda ids: {id: stored[id] for id in ids})
    signed = index.sign(text)
    found = index.find("b", signed)      # Duplicate(of="a", similarity=0.93) or None
    index.add("b", signed)

A candidate is a text that shares a band; its similarity is then computed from the shingles of its stored text. In
memory a text takes some 20 bytes, whatever its length, and the newest 8,000 some 280; all else is in temporary files,
but for the shingles of texts that are not stored yet, and of the last ones that were compared (16 MB).
"""

from __future__ import annotations

import hashlib
import math
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crawlers.pipelines.chains import ChainedTable
from crawlers.pipelines.filedrows import FiledRows
from crawlers.pipelines.normal import normal
from crawlers.pipelines.shelf import Shelf
from crawlers.pipelines.shingles import VERSION, MinHasher, Shingler, jaccard, word_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from crawlers.pipelines.shingles import Hashes

BANDS, ROWS_MAX = 12, 4
_RECALL = 0.99
_CANDIDATES = 64  # of one band, the newest ones: pages made from one template share bands by the thousand
_VERIFIED_MAX = 16  # candidates whose text is read, the most similar ones first
_ID, _HASH, _FIRST_BAND = 0, 1, 2
_WIDTH = _FIRST_BAND + BANDS
_KNOWN_BYTES = 16 * 1024 * 1024
_NOTHING = np.empty(0, dtype=np.uint64)
_LOADED = 10_000
_ENTRY = Struct("<16s16sI")
"""What is kept of a text besides its keys: id, hash, number of the source."""
_ENTRY_KEYS = np.dtype({"names": ["id", "hash"], "formats": ["<u8"] * 2, "offsets": [0, 16], "itemsize": _ENTRY.size})


class Signed(NamedTuple):
    """What the index knows a text by."""

    hash: bytes
    """First 16 bytes of sha256 of the normal form, or of what identifies a text that is too short."""
    keys: Sequence[int]
    """One key for each band; empty where the text is too short for near-duplicates."""
    shingles: Hashes | None
    """Hashes of its shingles; repeated ones repeat."""


class Duplicate(NamedTuple):
    """What a text is a duplicate of."""

    of: str
    """Id of the other text."""
    similarity: float
    """Exact Jaccard similarity of the shingles, 1 for the same text."""
    exact: bool
    """Whether the normal forms are the same."""


class DuplicateIndex:
    """An index of texts by id. Not safe for threads.

    Args:
        texts: gives the stored texts of some ids; an id without one is left out.
        threshold: least Jaccard similarity of near-duplicates, above 0 and at most 1.
        shingle_words: words in a shingle.
        min_words: a text with fewer words has no near-duplicates, only equals.
        folder: where the temporary files are; among those of the system where it is not given.
    """

    def __init__(
        self,
        texts: Callable[[Sequence[str]], dict[str, str]],
        *,
        threshold: float = 0.8,
        shingle_words: int = 5,
        min_words: int = 20,
        folder: str | None = None,
    ) -> None:
        self.threshold = threshold
        self.min_words = max(min_words, 1)
        self._texts = texts
        self._shingler = Shingler(shingle_words)
        self._hasher = MinHasher(BANDS, rows_for(threshold))
        self._margin = 3 * math.sqrt(threshold * (1 - threshold) / (BANDS * self._hasher.rows))
        parameters = f"{VERSION}:{BANDS}:{self._hasher.rows}:{shingle_words}:{self.min_words}"
        self._header = hashlib.sha256(parameters.encode()).digest()[:8]
        self._table = ChainedTable(_WIDTH, folder=folder)
        self._entries = FiledRows(_ENTRY.size, folder)
        self._source_numbers: dict[str, int] = {}
        self._recent = Shelf()
        """Of texts that are not stored yet: none may go, for nobody else knows them. They are as many as are under way."""
        self._known = Shelf(_KNOWN_BYTES)
        """Of texts that were asked for or came by lately: copies come in swarms."""
        self._displaced: dict[str, bytes] = {}

    def __len__(self) -> int:
        """Number of texts."""
        return len(self._table)

    @property
    def nbytes(self) -> int:
        """Bytes of RAM that grow with the number of texts; the temporary files are none."""
        return self._table.nbytes

    # --- signatures -------------------------------------------------------------------------------------------------

    def sign(self, text: str, instead: Callable[[], bytes] | None = None, *, normalised: str | None = None) -> Signed:
        """What *text* is known by.

        Args:
            text: any text.
            instead: gives what identifies the record where the text is too short to say enough.
            normalised: the text's normal form, where the caller has it.
        """
        form = normal(text) if normalised is None else normalised
        words = word_hashes(form)
        if words.size < self.min_words:
            own = b"short\0" + form.encode("utf-8", "surrogatepass")
            return Signed(_digest(own if instead is None else own + b"\0" + instead()), (), None)
        shingles = self._shingler(words)
        return Signed(_digest(form.encode("utf-8", "surrogatepass")), self._hasher.keys(shingles).tolist(), shingles)

    def stored_bands(self, signed: Signed) -> bytes:
        """The bands of *signed* as they are stored: what they depend on, and one 8-byte key each, little endian."""
        return self._header + np.array(signed.keys, dtype="<u8").tobytes()

    def keys_of(self, bands: bytes) -> bytes | None:
        """The keys in stored *bands*, 8 bytes each; None where there are none, or others than this index makes."""
        return bands[8:] if len(bands) > 8 and bands[:8] == self._header else None

    def may_be_near(self, keys: Hashes, others: Hashes) -> NDArray[np.bool_]:
        """Whether each row of *keys* may reach the threshold with the same row of *others*, by their sketches."""
        return self._hasher.similarity(keys, others) >= self.threshold - self._margin

    # --- finding ----------------------------------------------------------------------------------------------------

    def find(self, record_id: str, signed: Signed, source: str | None = None) -> Duplicate | None:
        """The text that *signed* is a duplicate of: an equal one, or the most similar one above the threshold.

        Args:
            record_id: 32 hex digits; a text is no duplicate of its own earlier form.
            signed: from :meth:`sign`.
            source: only texts of this source count.
        """
        own, number = bytes.fromhex(record_id), self._number(source)
        equal = self._equal(own, signed, number)
        if equal:
            return Duplicate(equal[0], 1.0, exact=True)
        return next(iter(self._near(own, signed, number)), None)

    def neighbours(self, record_id: str, signed: Signed, source: str | None = None) -> list[Duplicate]:
        """Every text that *signed* is a duplicate of, the most similar first. Arguments as in :meth:`find`."""
        own, number = bytes.fromhex(record_id), self._number(source)
        equal = [Duplicate(id_, 1.0, exact=True) for id_ in self._equal(own, signed, number)]
        known = {found.of for found in equal}
        return equal + [found for found in self._near(own, signed, number) if found.of not in known]

    def holds(self, record_id: str, signed: Signed) -> bool:
        """Whether this very text is there under this id."""
        return any(self._has_hash(row, signed.hash) for row in self._rows_of(record_id))

    def text_hash(self, record_id: str) -> bytes | None:
        """What the text under this id is known by; None where there is none."""
        rows = self._rows_of(record_id)
        return self._entry(rows[0])[1] if rows else None

    def _equal(self, own: bytes, signed: Signed, source: int | None) -> list[str]:
        """Ids of the texts with the same hash that are still there, those that are under way first."""
        found = [
            self._id(row)
            for row in self._table.find(_HASH, _key(signed.hash))
            if self._has_hash(row, signed.hash) and self._counts(row, own, source)
        ]
        if not found:
            return found
        recent = [id_ for id_ in found if id_ in self._recent]
        stored = [id_ for id_ in found if id_ not in self._recent]
        return recent + (list(self._texts(stored)) if stored else [])

    def _near(self, own: bytes, signed: Signed, source: int | None) -> list[Duplicate]:
        """The texts above the threshold, the most similar first."""
        if signed.shingles is None:
            return []
        rows = self._table.find_any(_FIRST_BAND, signed.keys, _CANDIDATES)
        rows = [row for row in dict.fromkeys(rows) if self._counts(row, own, source)]
        if not rows:
            return []
        stored = self._stored_shingles(self._promising(signed, rows))
        compared = [Duplicate(id_, jaccard(signed.shingles, shingles), exact=False) for id_, shingles in stored.items()]
        near = [found for found in compared if found.similarity >= self.threshold]
        return sorted(near, key=lambda found: (-found.similarity, found.of))

    def _counts(self, row: int, own: bytes, source: int | None) -> bool:
        id_, _, of = self._entry(row)
        return id_ != own and (source is None or of == source)

    def _promising(self, signed: Signed, rows: list[int]) -> list[int]:
        """Those of *rows* that may reach the threshold by their sketch, the most similar first."""
        if len(rows) < 2:
            return rows
        keys = np.array(signed.keys, dtype=np.uint64)
        similar = self._hasher.similarity(keys, self._table.lines(rows, _FIRST_BAND))
        best = np.argsort(-similar, kind="stable")[:_VERIFIED_MAX]
        return [rows[i] for i in best if similar[i] >= self.threshold - self._margin]

    def _stored_shingles(self, rows: list[int]) -> dict[str, Hashes]:
        """Id to the shingles of its text, for those whose text is there."""
        found: dict[str, Hashes] = {}
        hashes: dict[str, bytes] = {}
        for row in rows:
            bare, hash_, _ = self._entry(row)
            id_ = bare.hex()
            recent, known = self._recent.get(id_), self._known.get(id_)
            if recent is not None:
                found[id_] = recent[1]
            elif known is not None and known[0] == hash_:
                found[id_] = known[1]
            else:
                hashes[id_] = hash_
        if hashes:
            for id_, text in self._texts(list(hashes)).items():
                found[id_] = self._shingler(word_hashes(normal(text)))
                self._known.put(id_, hashes[id_], found[id_])
        return found

    # --- changing ---------------------------------------------------------------------------------------------------

    def add(self, record_id: str, signed: Signed, source: str = "") -> None:
        """Put in a text, in the place of an earlier one of this id; its shingles are kept until it is :meth:`stored`."""
        rows = self._rows_of(record_id)
        if any(self._has_hash(row, signed.hash) for row in rows):
            return
        self._displaced.pop(record_id, None)
        for row in rows:
            self._table.remove(row)
        self._put(record_id, signed.hash, signed.keys, source)
        self._recent.put(record_id, signed.hash, _NOTHING if signed.shingles is None else signed.shingles)

    def remove(self, record_id: str) -> None:
        """Take out a text; nothing happens where there is none."""
        self._recent.pop(record_id)
        for row in self._rows_of(record_id):
            self._table.remove(row)

    def displace(self, record_id: str) -> None:
        """Take out a text whose row may still be in the ledger for a moment: that row is not taken in again."""
        text_hash = self.text_hash(record_id)
        self.remove(record_id)
        if text_hash is not None:
            self._displaced[record_id] = text_hash

    def stored(self, record_id: str, source: str, text_hash: bytes, bands: bytes) -> bool:
        """Take in a row of the ledger, whose text can now be read there.

        Returns:
            False for a signature that was made with other parameters: the text must be signed anew.
        """
        if self._displaced.get(record_id) == text_hash:
            return True
        if bands[:8] != self._header:
            return False
        recent = self._recent.get(record_id)
        if recent is not None and recent[0] == text_hash:
            self._recent.pop(record_id)
            if recent[1].size:
                self._known.put(record_id, *recent)
            return True
        if any(self._has_hash(row, text_hash) for row in self._rows_of(record_id)):
            self._recent.pop(record_id)
            return True
        self.remove(record_id)
        self._put(record_id, text_hash, np.frombuffer(bands, dtype="<u8", offset=8).tolist(), source)
        return True

    def load(self, rows: Iterable[tuple[str, str, bytes, bytes]]) -> list[str]:
        """Take in many rows of the ledger at once (id, source, text hash, bands) that are not in the index yet.

        Returns:
            Ids of those that were made with other parameters.
        """
        outdated: list[str] = []
        self._table.extend(self._parts(iter(rows), outdated))
        return outdated

    def _parts(
        self, rows: Iterator[tuple[str, str, bytes, bytes]], outdated: list[str]
    ) -> Iterator[NDArray[np.uint64]]:
        """The keys of *rows*, some thousand at a time; ids, hashes and sources go where they belong."""
        empty = self._header + bytes(8 * BANDS)
        while part := list(islice(rows, _LOADED)):
            current = [row for row in part if row[3][:8] == self._header]
            outdated += [row[0] for row in part if row[3][:8] != self._header]
            entries = b"".join([_ENTRY.pack(bytes.fromhex(row[0]), row[2], self._source(row[1])) for row in current])
            bands = b"".join([row[3] if len(row[3]) > 8 else empty for row in current])
            keys = np.ones((len(current), _WIDTH), dtype=np.uint64)
            for column, name in ((_ID, "id"), (_HASH, "hash")):
                keys[:, column] = np.frombuffer(entries, dtype=_ENTRY_KEYS)[name]
            keys[keys == 0] = 1
            keys[:, _FIRST_BAND:] = np.frombuffer(bands, dtype="<u8").reshape(-1, 1 + BANDS)[:, 1:]
            self._entries.append(entries)
            yield keys

    def _put(self, record_id: str, text_hash: bytes, keys: Sequence[int], source: str) -> None:
        own = bytes.fromhex(record_id)
        row = self._table.add((_key(own), _key(text_hash), *(keys or (0,) * BANDS)))
        entry = _ENTRY.pack(own, text_hash, self._source(source))
        if row == len(self._entries):
            self._entries.append(entry)
        else:
            self._entries[row] = entry

    def _rows_of(self, record_id: str) -> list[int]:
        own = bytes.fromhex(record_id)
        return [row for row in self._table.find(_ID, _key(own)) if self._entry(row)[0] == own]

    def _has_hash(self, row: int, text_hash: bytes) -> bool:
        return self._entry(row)[1] == text_hash

    def _id(self, row: int) -> str:
        return self._entry(row)[0].hex()

    def _entry(self, row: int) -> tuple[bytes, bytes, int]:
        """Id, hash and number of the source."""
        id_, text_hash, source = _ENTRY.unpack(self._entries[row])
        return id_, text_hash, source

    def _number(self, source: str | None) -> int | None:
        """The number of a source that texts are compared within; None: of all."""
        return None if source is None else self._source_numbers.get(source, -1)

    def _source(self, source: str) -> int:
        return self._source_numbers.setdefault(source, len(self._source_numbers))


def rows_for(threshold: float) -> int:
    """Minima in a band, so that at least 99 % of the pairs at *threshold* share one of the bands (at 0.3: 98.6 %).

    A pair with similarity s shares a band of r rows with probability s^r, and any of b bands with 1 - (1 - s^r)^b.
    """
    needed = 1 - (1 - _RECALL) ** (1 / BANDS)
    rows = ROWS_MAX
    while rows > 1 and threshold**rows < needed:
        rows -= 1
    return rows


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:16]


def _key(data: bytes) -> int:
    """A key of the table: the first eight bytes; never 0, which is none."""
    return int.from_bytes(data[:8], "little") or 1
