"""What can be said of each block of an outline in numbers, for the classifier of main text.

Array arithmetic over a whole page: no block is looked at in Python after the walk. The order of the rows is the
model's: whoever changes it trains the model again (``tests/benchmarks/train_text.py``).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from crawlers.extractors.outline import AREAS, HINTS, Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crawlers.extractors.outline import Outline

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

_ROWS = 180
_LEVELS = 4
_WINDOWS = (3, 8, 20)
_PROSE_WORDS = 12
_PROSE_LINKS = 0.4
_FAR = 50.0
_BITS = np.arange(max(len(AREAS) + 1, len(HINTS)))[:, None]


class _Rows:
    """A matrix that is filled from the top."""

    def __init__(self, blocks: int) -> None:
        self.matrix: Matrix = np.zeros((_ROWS, blocks), np.float32)
        self.filled = 0

    def add(self, values: Any) -> None:
        """Add several rows."""
        self.matrix[self.filled : self.filled + len(values)] = values
        self.filled += len(values)


def features(outline: Outline) -> Matrix:
    """The numbers of a page's blocks: one row a number, one column a block. The outline must not be empty."""
    blocks, width = len(outline.rows), len(Row._fields)
    data = np.fromiter(chain.from_iterable(outline.rows), np.float64, blocks * width).reshape(blocks, width).T.copy()
    words, chars, linked, role, level, _, stops, ends, _, _, _, chrome, container, path = data[:14]
    areas, near, far = data[14:17].astype(np.int64)
    density, size = linked / chars, np.log1p(words)
    out = _Rows(blocks)
    out.add(data[3:6])
    out.add(data[7:12])
    out.add(np.array([size, chars / words, density, stops / words]))
    bits = tuple(
        (values >> _BITS[:count]) & 1
        for values, count in ((areas, len(AREAS) + 1), (near, len(HINTS)), (far, len(HINTS)))
    )
    for part in bits:
        out.add(part)
    _neighbours(out, np.array([size, density, role, container, path, chrome, ends]))
    sums = np.zeros((6, blocks + 1))
    plain = words * (1 - density)
    np.cumsum(np.array([words, plain, stops, linked, chars, np.ones(blocks)]), axis=1, out=sums[:, 1:])
    _windows(out, sums, blocks)
    _containers(out, sums, outline, container.astype(np.int64))
    _alike(out, path.astype(np.int64), words, words * density, outline.paths)
    prose = (words >= _PROSE_WORDS) & (density < _PROSE_LINKS)
    _position(out, sums, prose, level)
    _page(out, data, prose, bits)
    return out.matrix[: out.filled]


def _neighbours(out: _Rows, known: Floats) -> None:
    """Size, links, role of the two blocks before and after, and whether they stand in the same place."""
    for by in (1, -1, 2, -2):
        moved = np.zeros_like(known)
        if by > 0:
            moved[:, by:] = known[:, :-by]
        else:
            moved[:, :by] = known[:, -by:]
        out.add(moved[:3])
        out.add(moved[3:5] == known[3:5])
        out.add(moved[5:])


def _windows(out: _Rows, sums: Floats, blocks: int) -> None:
    """Text and links in the surroundings, in three widths."""
    order = np.arange(blocks)
    for width in _WINDOWS:
        end, start = np.minimum(order + width + 1, blocks), np.maximum(order - width, 0)
        words, plain, stops = sums[:3, end] - sums[:3, start]
        out.add(np.array([np.log1p(plain), plain / (words + 1), stops / (words + 1)]))


def _containers(out: _Rows, sums: Floats, outline: Outline, inside: NDArray[np.int64]) -> None:
    """Text and links of the containers around a block, level by level."""
    parents, starts, ends = np.array((outline.parents, outline.starts, outline.ends))
    total = sums[0, -1]
    for _ in range(_LEVELS):
        words, plain, stops, linked, chars, count = sums[:, ends[inside]] - sums[:, starts[inside]]
        out.add(np.array([
            np.log1p(words), words / total, linked / (chars + 1), stops / (words + 1), np.log1p(count), plain / count,
        ]))  # fmt: skip
        inside = parents[inside]


def _alike(out: _Rows, path: NDArray[np.int64], words: Floats, linked: Floats, paths: int) -> None:
    """Blocks with the same path of tags and classes: how many, how long, how linked."""
    many = np.bincount(path, minlength=paths)[path]
    length = np.bincount(path, words, paths)[path]
    links = np.bincount(path, linked, paths)[path]
    out.add(np.array([np.log1p(many), np.log1p(length), length / many, links / (length + 1), length / words.sum()]))


def _position(out: _Rows, sums: Floats, prose: NDArray[np.bool_], level: Floats) -> None:
    """Where in the page a block stands, and how far from headings."""
    blocks = len(prose)
    order = np.arange(blocks)
    prose_before: NDArray[np.int64] = np.cumsum(prose) - prose
    heading = np.maximum.accumulate(np.where(level > 0, order, -1))
    titles = np.flatnonzero(level == 1)
    nowhere = np.full(blocks, -2 * _FAR)
    out.add(np.array([
        order / blocks, np.minimum(order, 200), np.minimum(blocks - order, 200),
        sums[1, :-1] / (sums[1, -1] + 1), prose_before / (prose.sum() + 1), prose.sum() - prose_before,
        np.where(heading >= 0, np.minimum(order - heading, _FAR), _FAR),
        np.where(heading >= 0, level[np.maximum(heading, 0)], 0),
        np.clip(order - titles[0], -_FAR, 200) if len(titles) else nowhere,
        np.clip(order - titles[-1], -_FAR, 200) if len(titles) else nowhere,
    ]))  # fmt: skip


def _page(out: _Rows, data: Floats, prose: NDArray[np.bool_], bits: tuple[NDArray[np.int64], ...]) -> None:
    """What kind of page it is: the same for all blocks."""
    words, chars, linked, role = data[:4]
    blocks = len(words)
    total, prose_words, prose_blocks, titles, chrome, *by_role = np.vstack([
        words, words * prose, prose, data[4] == 1, data[11], *(words * (role == place) for place in (1, 3, 4, 5)),
    ]).sum(axis=1)  # fmt: skip
    areas, near, far = (part.sum(axis=1) / blocks for part in bits)
    values = [
        np.log1p(blocks), np.log1p(total), linked.sum() / chars.sum(), prose_words / total, titles, prose_blocks,
        prose_blocks / blocks, np.log1p(words.max()), np.log1p(total / blocks), chrome / blocks,
        *(part / total for part in by_role), *areas[[4, 5, 12]], *near[[5, 11, 13, 14]], *far[[5, 11, 13, 14, 18]],
    ]  # fmt: skip
    out.add(np.repeat(np.array(values)[:, None], blocks, axis=1))
