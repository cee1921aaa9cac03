from __future__ import annotations

import random

import pytest

from crawlers.pipelines.clashes import clashing
from crawlers.pipelines.nearduplicates import DuplicateIndex
from tests.pages import WORDS


def index(**options) -> DuplicateIndex:
    return DuplicateIndex(lambda ids: {}, **options)


def text_of(seed: int, words: int = 200) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(WORDS) for _ in range(words)]


def rows(texts: dict[str, str], by: DuplicateIndex) -> list[tuple[str, bytes, bytes]]:
    signed = {id_: by.sign(text) for id_, text in texts.items()}
    return [(id_, found.hash, by.stored_bands(found)) for id_, found in signed.items()]


def test_equal_and_near_texts_are_found_among_many():
    texts = {str(number): " ".join(text_of(number)) for number in range(300)}
    near = text_of(7)
    near[100] = "changed"
    texts |= {"equal": texts["5"].upper(), "near": " ".join(near), "short": "In stock.", "short too": "in  stock."}
    assert clashing(index(), rows(texts, index())) == {"5", "equal", "7", "near", "short", "short too"}


def test_of_a_swarm_of_copies_all_are_found():
    texts = {}
    for number in range(40):
        words = text_of(1)
        words[number * 4] = f"changed{number}"
        texts[str(number)] = " ".join(words)
    assert clashing(index(), rows(texts, index())) == texts.keys()


@pytest.mark.parametrize("number", [0, 1])
def test_few_rows(number):
    assert clashing(index(), rows({str(n): "one text " * 20 for n in range(number)}, index())) == set()


def test_signatures_that_were_made_with_other_settings_tell_nothing_but_equal_texts():
    near = text_of(1)
    near[100] = "changed"
    texts = {"a": " ".join(text_of(1)), "near": " ".join(near)}
    other = index(shingle_words=3)
    assert clashing(index(), rows(texts, other)) == set()
    assert clashing(other, rows(texts, other)) == {"a", "near"}
