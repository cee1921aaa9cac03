"""Shingles at hand: as many as there is room for, and never more."""

from __future__ import annotations

import numpy as np

from crawlers.pipelines.shelf import _OVERHEAD, Shelf


def shingles(number):
    return np.zeros(number, dtype=np.uint64)


def test_the_oldest_go_first_and_no_byte_is_counted_twice():
    shelf = Shelf(3 * (800 + _OVERHEAD))
    for name in ("a", "b", "c"):
        shelf.put(name, name.encode(), shingles(100))
    shelf.put("a", b"new", shingles(100))  # the youngest now
    assert (len(shelf), shelf.nbytes) == (3, 3 * (800 + _OVERHEAD))
    shelf.put("d", b"d", shingles(100))
    assert "b" not in shelf
    assert shelf.get("a")[0] == b"new"
    assert (len(shelf.pop("a")), shelf.pop("a"), shelf.get("a")) == (100, None, None)
    assert (len(shelf), shelf.nbytes) == (2, 2 * (800 + _OVERHEAD))


def test_what_has_no_room_at_all_is_not_kept():
    shelf = Shelf(1000)
    shelf.put("short", b"", shingles(0))
    shelf.put("long", b"", shingles(10_000))
    assert (len(shelf), shelf.nbytes) == (0, 0)


def test_short_texts_take_room_too():
    shelf = Shelf(10 * _OVERHEAD)
    for number in range(100):
        shelf.put(str(number), b"", shingles(0))
    assert len(shelf) == 10
