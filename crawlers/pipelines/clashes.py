"""Clashes: copies that several workers kept because neither knew of the other's in time, found by their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from crawlers.pipelines.nearduplicates import DuplicateIndex

_NEIGHBOURS = 8  # texts with the same key of a band that each one is compared with; copies share several bands


def clashing(index: DuplicateIndex, rows: Iterable[tuple[str, bytes, bytes]]) -> set[str]:
    """Ids of those among *rows* that look like another one, by hash or by sketch; their texts have the last word.

    Args:
        index: whose parameters the signatures were made with; others are left out.
        rows: record id, text hash and stored bands.
    """
    ids: list[str] = []
    hashes: dict[bytes, str] = {}
    keys: list[bytes] = []
    found: set[str] = set()
    for record_id, text_hash, stored in rows:
        same = hashes.setdefault(text_hash, record_id)
        if same != record_id:
            found.update((same, record_id))
        bands = index.keys_of(stored)
        if bands is not None:
            ids.append(record_id)
            keys.append(bands)
    if len(ids) > 1:
        matrix = np.frombuffer(b"".join(keys), dtype="<u8").reshape(len(ids), -1)
        found.update(ids[place] for place in _alike(index, matrix))
    return found


def _alike(index: DuplicateIndex, keys: NDArray[np.uint64]) -> set[int]:
    """Rows of *keys*, one column a band, whose sketch is like that of another row that shares a band with it."""
    alike: set[int] = set()
    for band in range(keys.shape[1]):
        order = np.argsort(keys[:, band], kind="stable")
        column = keys[order, band]
        for distance in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            places = np.flatnonzero(column[distance:] == column[:-distance])
            if not places.size:
                break
            one, other = order[places], order[places + distance]
            near = index.may_be_near(keys[one], keys[other])
            alike.update(one[near].tolist(), other[near].tolist())
    return alike
