"""The compact set of what was met, held against Python's own set."""

from __future__ import annotations

import random

import pytest

from crawlers.seen import Seen


@pytest.mark.parametrize("kind", [str, bytes])
def test_says_what_a_set_says(kind):
    rng = random.Random(3)
    keys = [f"https://example.com/{rng.randrange(4000)}?page={rng.randrange(3)}" for _ in range(20_000)]
    seen, true = Seen(100_000), set()
    for text in keys:
        key = text if kind is str else text.encode()
        assert (key in seen) is (key in true)
        assert seen.add(key) is (key not in true)
        true.add(key)
        assert key in seen
    assert len(seen) == len(true)


def test_begins_anew_when_it_is_full():
    seen = Seen(3)
    assert [seen.add(key) for key in "abcab"] == [True, True, True, False, False]
    assert seen.add("d"), "the fourth"
    assert len(seen) == 1
    assert "d" in seen
    assert [seen.add(key) for key in "abd"] == [True, True, False]


def test_what_is_full_still_knows_what_it_has():
    seen = Seen(3)
    for key in "abc":
        seen.add(key)
    assert not seen.add("a")
    assert len(seen) == 3


def test_keys_that_want_the_same_slot_are_told_apart(monkeypatch):
    monkeypatch.setattr("crawlers.seen.hash", lambda key: int(key) << 40, raising=False)
    seen = Seen(1000)
    assert all(seen.add(str(number)) for number in range(1, 500))
    assert not any(seen.add(str(number)) for number in range(1, 500))
    assert str(500) not in seen


def test_the_hash_that_means_free_is_kept_too(monkeypatch):
    monkeypatch.setattr("crawlers.seen.hash", lambda key: 0, raising=False)
    seen = Seen(10)
    assert "x" not in seen
    assert seen.add("x")
    assert "x" in seen
    assert not seen.add("x")


def test_negative_hashes_fit():
    seen = Seen(1000)
    keys = [key for key in map(str, range(100)) if hash(key) < 0]
    assert keys
    assert all(seen.add(key) and key in seen for key in keys)


def test_memory_is_small_and_bounded():
    seen = Seen(50_000)
    sizes = []
    for number in range(200_000):
        seen.add(f"https://example.com/{number}")
        if len(seen) == 50_000:
            sizes.append(seen.nbytes)
    assert set(sizes) == {sizes[0]}, "the fourth filling takes what the first did"
    assert sizes[0] <= 24 * 50_000
