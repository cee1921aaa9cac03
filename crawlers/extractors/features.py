"""What can be said of each block of an outline in numbers, for the classifier of main text.

Array arithmetic over a whole page: no block is looked at in Python after the walk, and blocks of rows are filled at once,
since on an ordinary page each call costs more than what it computes. The order of the rows is the model's: whoever changes
it trains the model again (``tests/benchmarks/train_text.py``).
"""

from __future__ import annotations

from itertools import pairwise
from math import log1p
from typing import TYPE_CHECKING

import numpy as np

from crawlers.extractors.hints import HINTS
from crawlers.extractors.outline import AREAS, ROLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crawlers.extractors.outline import Outline

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Matrix = NDArray[np.float32]

_OWN, _BITS, _BESIDE, _AROUND, _WITHIN, _ALIKE, _WHERE, _PAGE, _ROWS = 0, 12, 65, 93, 102, 126, 131, 141, 167
"""Where in the matrix each group of rows begins, and where all end."""

_LEVELS = 4
_WINDOWS = np.array((3, 8, 20))[:, None]
_PROSE_WORDS = 12
_PROSE_LINKS = 0.4
_FAR = 50.0
_COUNTS = (len(AREAS) + 1, len(HINTS), len(HINTS))
_MASK = np.repeat((0, 1, 2), _COUNTS)
_BIT = np.concatenate([np.arange(count) for count in _COUNTS])[:, None]
_KINDS = [1, 3, 4, 5]
"""Paragraphs, list items, rows, code: what kind of page it is shows in their shares of the words."""

_SHARES = _BITS + np.array((4, 5, 12, 18, 24, 26, 27, 38, 44, 46, 47, 51))
"""Bits whose share of the blocks says what kind of page it is: areas, then words in classes near and far."""


def features(outline: Outline) -> Matrix:
    """The numbers of a page's blocks: one row a number, one column a block. The outline must not be empty."""
    blocks = len(outline.table)
    data = np.ascontiguousarray(outline.table.T, np.float64)
    matrix = np.empty((_ROWS, blocks), np.float32)
    sums = _own(matrix, data, outline.table)
    order = np.arange(blocks)
    _neighbours(matrix, data)
    _windows(matrix[_AROUND:_WITHIN].reshape(len(_WINDOWS), 3, blocks), sums, order)
    _containers(matrix[_WITHIN:_ALIKE].reshape(_LEVELS, 6, blocks), sums, outline)
    _alike(matrix[_ALIKE:_WHERE], outline.table[:, 13], data[0], data[0] * matrix[10], outline.paths)
    prose = (data[0] >= _PROSE_WORDS) & (matrix[10] < _PROSE_LINKS)
    _position(matrix[_WHERE:_PAGE], sums, order, prose, data[4])
    _page(matrix, data, outline.table, sums, prose)
    return matrix


def _own(matrix: Matrix, data: Floats, table: Integers) -> Floats:
    """What each block is alone; the running sums of words, words outside of links, stops, linked and all characters, blocks."""
    words, chars, linked, stops = data[0], data[1], data[2], data[6]
    matrix[_OWN : _OWN + 3] = data[3:6]
    matrix[_OWN + 3 : _OWN + 8] = data[7:12]
    density = linked / chars
    np.log1p(words, out=matrix[_OWN + 8])
    np.divide(chars, words, out=matrix[_OWN + 9])
    matrix[_OWN + 10] = density
    np.divide(stops, words, out=matrix[_OWN + 11])
    matrix[_BITS:_BESIDE] = table.T[14:].take(_MASK, 0) >> _BIT & 1
    sums = np.empty((6, len(words) + 1))
    sums[:, 0], sums[5] = 0, np.arange(len(words) + 1)
    for out, values in zip(sums, (words, words * (1 - density), stops, linked, chars), strict=False):
        values.cumsum(out=out[1:])
    return sums


def _neighbours(matrix: Matrix, data: Floats) -> None:
    """Size, links, role of the two blocks before and after, and whether they stand in the same place."""
    blocks = matrix.shape[1]
    padded = np.zeros((7, blocks + 4), np.float32)
    inner = padded[:, 2:-2]
    inner[0], inner[1], inner[2], inner[3:5], inner[5], inner[6] = (
        matrix[8], matrix[10], matrix[0], data[12:14], matrix[7], matrix[3],
    )  # fmt: skip
    beside = matrix[_BESIDE:_AROUND].reshape(4, 7, blocks)
    for out, start in zip(beside, (1, 3, 0, 4), strict=True):
        out[:] = padded[:, start : start + blocks]
    beside[:, 3:5] = beside[:, 3:5] == inner[3:5]


def _windows(out: Matrix, sums: Floats, order: Integers) -> None:
    """Text and links in the surroundings, in three widths."""
    ends, starts = np.minimum(order + (_WINDOWS + 1), len(order)), np.maximum(order - _WINDOWS, 0)
    words, plain, stops = sums[:3].take(ends, 1) - sums[:3].take(starts, 1)
    words += 1
    np.log1p(plain, out=out[:, 0])
    np.divide(plain, words, out=out[:, 1])
    np.divide(stops, words, out=out[:, 2])


def _containers(out: Matrix, sums: Floats, outline: Outline) -> None:
    """Text and links of the containers around a block, level by level."""
    around = np.empty((_LEVELS, len(outline.table)), np.int64)
    around[0] = outline.table[:, 12]
    for inner, outer in pairwise(around):
        outline.parents.take(inner, out=outer)
    starts, ends = outline.starts.take(around), outline.ends.take(around)
    words, plain, stops, linked, chars, count = sums.take(ends, 1) - sums.take(starts, 1)
    np.log1p(words, out=out[:, 0])
    np.divide(words, sums[0, -1], out=out[:, 1])
    np.divide(linked, chars + 1, out=out[:, 2])
    np.divide(stops, words + 1, out=out[:, 3])
    np.log1p(count, out=out[:, 4])
    np.divide(plain, count, out=out[:, 5])


def _alike(out: Matrix, path: Integers, words: Floats, linked: Floats, paths: int) -> None:
    """Blocks with the same path of tags and classes: how many, how long, how linked."""
    counts = np.bincount(path, minlength=paths)[path]
    length = np.bincount(path, words, paths)[path]
    np.log1p(counts, out=out[0])
    np.log1p(length, out=out[1])
    np.divide(length, counts, out=out[2])
    np.divide(np.bincount(path, linked, paths)[path], length + 1, out=out[3])
    np.divide(length, words.sum(), out=out[4])


def _position(out: Matrix, sums: Floats, order: Integers, prose: NDArray[np.bool_], level: Floats) -> None:
    """Where in the page a block stands, and how far from headings."""
    blocks = len(order)
    before: Integers = prose.cumsum() - prose
    total = int(before[-1] + prose[-1])
    heading = np.maximum.accumulate(np.where(level > 0, order, -int(_FAR)))
    titles = (level == 1).nonzero()[0]
    np.divide(order, blocks, out=out[0])
    np.minimum(order, 200, out=out[1])
    np.minimum(blocks - order, 200, out=out[2])
    np.divide(sums[1, :-1], sums[1, -1] + 1, out=out[3])
    np.divide(before, total + 1, out=out[4])
    out[5] = total - before
    out[6] = np.minimum(order - heading, _FAR)
    out[7] = level[np.maximum(heading, 0)]
    if len(titles):
        np.subtract(order, titles[[0, -1], None], out=out[8:])
        np.maximum(np.minimum(out[8:], 200, out=out[8:]), -_FAR, out=out[8:])
    else:
        out[8:] = -2 * _FAR


def _page(matrix: Matrix, data: Floats, table: Integers, sums: Floats, prose: NDArray[np.bool_]) -> None:
    """What kind of page it is: the same for all blocks."""
    words, role, blocks = data[0], table[:, 3], matrix.shape[1]
    total, linked, chars = sums[[0, 3, 4], -1].tolist()
    proses = int(np.count_nonzero(prose))
    values = [
        log1p(blocks), log1p(total), linked / chars, float(words @ prose) / total, float(np.count_nonzero(data[4] == 1)), proses,
        proses / blocks, log1p(np.maximum.reduce(words)), log1p(total / blocks), float(np.add.reduce(data[11])) / blocks,
        *(np.bincount(role, words, len(ROLES))[_KINDS] / total), *(np.add.reduce(matrix.take(_SHARES, 0), 1) / blocks),
    ]  # fmt: skip
    matrix[_PAGE:] = np.array(values)[:, None]
