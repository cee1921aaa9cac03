"""The classifier: its arithmetic against a slow one, and the choice against all choices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extractors import classifier
from crawlers.extractors.classifier import Model, choose, confidence, log_odds, model, probabilities


def slowly(matrix: np.ndarray, trees: int, known: Model) -> list[float]:
    """Each block down each tree."""
    found = []
    for block in matrix.T:
        odds = known.bias
        for tree in range(trees):
            leaf = sum(
                1 << level
                for level in range(len(known.features))
                if block[known.features[level, tree]] > known.borders[level, tree]
            )
            odds += float(known.leaves[tree, leaf])
        found.append(odds)
    return found


def test_log_odds_are_those_of_each_block_down_each_tree():
    known = model()
    matrix = np.random.default_rng(3).normal(0, 3, (int(known.features.max()) + 1, 7)).astype(np.float32)
    for trees in (1, known.fast, known.trees):
        assert log_odds(matrix, trees) == pytest.approx(slowly(matrix, trees, known), abs=1e-4)
    assert (log_odds(matrix) == log_odds(matrix, known.trees)).all()
    further = log_odds(matrix, known.fast) + log_odds(matrix, after=known.fast)
    assert not log_odds(matrix, after=known.trees).any()
    assert further == pytest.approx(log_odds(matrix), abs=1e-9)


def test_the_model_is_whole():
    known = model()
    assert 0 < known.fast < known.trees
    assert known.features.shape == known.borders.shape == (len(known.features), known.trees)
    assert known.leaves.shape == (known.trees, 1 << len(known.features))
    assert np.isfinite(known.leaves).all()
    assert known.version
    assert model() is known


def test_another_model_can_be_asked():
    tiny = Model(
        np.array([[0]]), np.array([[0.5]], np.float32), np.array([[-1, 2]], np.float32), 0.25, 1, np.array([0, 1]),
        np.array([0, 1]), "tiny",
    )  # fmt: skip
    assert log_odds(np.array([[0.4, 0.6]], np.float32), using=tiny).tolist() == [-0.75, 2.25]


def test_probabilities():
    assert probabilities(np.array([0.0, 100.0, -100.0])).tolist() == pytest.approx([0.5, 1.0, 0.0])


def expected_f1(kept, chances, words) -> float:
    taken = sum(n for keep, n in zip(kept, words, strict=True) if keep)
    right = sum(p * n for keep, p, n in zip(kept, chances, words, strict=True) if keep)
    return 2 * right / (taken + sum(p * n for p, n in zip(chances, words, strict=True)) + 1e-9)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(1, 50)), min_size=1, max_size=8))
def test_no_other_choice_has_a_higher_expected_f1(blocks):
    chances, words = (np.array(column, float) for column in zip(*blocks, strict=True))
    kept, score = choose(chances, words)
    assert score == pytest.approx(expected_f1(kept, chances, words))
    best = max(
        expected_f1(choice, chances, words) for choice in product((False, True), repeat=len(blocks)) if any(choice)
    )
    assert score == pytest.approx(best)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 0.99), st.integers(1, 50)), min_size=1, max_size=30))
def test_what_is_kept_is_above_half_of_the_f1_and_the_rest_below(blocks):
    chances, words = (np.array(column, float) for column in zip(*blocks, strict=True))
    kept, score = choose(chances, words)
    assert (chances[kept] >= score / 2 - 1e-6).all()
    assert (chances[~kept] <= score / 2 + 1e-6).all()


def test_confidence_grows_with_what_is_expected_and_stays_a_share():
    values = [confidence(x) for x in np.linspace(0, 1, 101)]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert 0.9 < values[-1] <= 1.0


def test_the_model_stands_beside_the_module():
    assert classifier._MODEL.is_file()
