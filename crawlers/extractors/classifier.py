"""Which blocks of a page are its main text: boosted oblivious trees in flat arrays, and a choice by expected F1.

The model (``text_model.npz``) was trained by ``tests/benchmarks/train_text.py`` on the development half of WCXB, the Web
Content Extraction Benchmark (Murrough Foley, 2026, CC-BY-4.0, arXiv 2605.21097). Its first trees alone are the fast
model: each further one only corrects what those before it left. On hosts that it had not seen, folds of that half: F1
0.855 by the first 80 trees, 0.862 by all 300, where trafilatura 2.3 has 0.819 and resiliparse 0.787.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

_MODEL = Path(__file__).with_name("text_model.npz")


class Model(NamedTuple):
    """Trees of one depth; in each all nodes of a level ask the same question."""

    features: NDArray[np.int32]
    """Row of the feature matrix that is asked for: level by level, tree by tree."""
    borders: Matrix
    """What it must exceed, in the same order."""
    leaves: Matrix
    """Log-odds that each leaf adds, tree by tree."""
    bias: float
    fast: int
    """Trees of the fast model."""
    expected: Floats
    """Expected F1 by the probabilities alone …"""
    observed: Floats
    """… and the F1 that pages with it reached on hosts that the model had not seen."""
    version: str

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.leaves)


@cache
def model() -> Model:
    """The model that ships with the package, loaded at its first use."""
    with np.load(_MODEL) as file:
        return Model(
            file["features"], file["borders"], file["leaves"], float(file["bias"]), int(file["fast"]),
            file["expected"], file["observed"], str(file["version"]),
        )  # fmt: skip


def log_odds(matrix: Matrix, trees: int | None = None, using: Model | None = None, *, after: int = 0) -> Floats:
    """Log-odds of each block to be main text.

    Args:
        matrix: what :func:`crawlers.extractors.features.features` gives.
        trees: the tree to stop before; the last one is asked too where it is not given.
        using: another model than the package's own.
        after: trees at the beginning that were asked before; what is returned is to be added to what they said.
    """
    known = using or model()
    last, levels = trees or known.trees, len(known.features)
    asked, borders = known.features[:, after:last].ravel(), known.borders[:, after:last].reshape(-1, 1)
    leaves, trees = known.leaves[after:last].ravel(), last - after
    odds = np.zeros(matrix.shape[1])
    if trees <= 0:
        return odds
    for start in range(0, len(odds), _BLOCKS):
        part = slice(start, start + _BLOCKS)
        answers = (matrix[:, part].take(asked, 0) > borders).view(np.uint8).reshape(levels, trees, -1)
        leaf = np.bitwise_or.reduce(answers * _WEIGHTS[:levels], axis=0)
        odds[part] = leaves.take(_first(trees, levels) + leaf).sum(0, dtype=np.float64)
    return odds if after else odds + known.bias


_BLOCKS = 256
"""Blocks that are judged at a time, so that what is in between stays in the processor's cache."""

_WEIGHTS = np.array((1, 2, 4, 8, 16, 32), np.uint8)[:, None, None]
"""What the answer on each level adds to the number of the leaf."""


@cache
def _first(trees: int, levels: int) -> NDArray[np.int64]:
    """Where each tree's leaves begin."""
    return np.arange(trees)[:, None] << levels


def probabilities(odds: Floats) -> Floats:
    """Log-odds as probabilities."""
    return 1.0 / (1.0 + np.exp(-odds))


def choose(probability: Floats, words: Floats) -> tuple[NDArray[np.bool_], float]:
    """The blocks that together have the highest expected F1 over words, and that F1.

    Taking the most probable blocks first, the best set always is a beginning of that order; where it ends differs from
    page to page (at half of the F1 that can be reached), which no fixed threshold knows.
    """
    order = np.argsort(-probability, kind="stable")
    right = np.cumsum((probability * words)[order])
    taken = np.cumsum(words[order])
    score = 2 * right / (taken + right[-1] + 1e-9)
    last = int(np.argmax(score))
    kept = np.zeros(len(words), bool)
    kept[order[: last + 1]] = True
    return kept, float(score[last])


def confidence(expected: float) -> float:
    """The F1 that pages with this *expected* F1 had on hosts that the model had not seen."""
    known = model()
    return float(np.interp(expected, known.expected, known.observed))
