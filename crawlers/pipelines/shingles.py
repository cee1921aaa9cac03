"""Word shingles of a text as 64-bit hashes, and MinHash signatures of them: vectorised, the same in every process.

A word is a run of letters, digits, marks and underscores; in scripts that put no spaces between words, each character
is one. The hash of a word is a polynomial over its code points, computed for all words of a text with one pass of sums
(Karp and Rabin 1987); that of a shingle is another one over its words. MinHash: Broder 1997, with one permutation for all
minima: Li, Owen and Zhang 2012; the bands of locality-sensitive hashing: Indyk and Motwani 1998. All arithmetic is modulo
2**64; the upper bits of a hash are the good ones.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

VERSION = 2
"""Of everything here that a stored signature depends on."""

_CHUNK = 1 << 16
_SEPARATOR, _WORD, _SINGLE = 1, 2, 3
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
)
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _splitmix(number: int) -> int:
    """The *number*-th value of SplitMix64 (Steele, Lea and Flood 2014): constants that no library's version changes."""
    z = (number * _GOLDEN) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _powers(base: int) -> Hashes:
    out = np.full(_CHUNK + 1, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


_BASE = _splitmix(1) | 1
_POWERS, _INVERSES = _powers(_BASE), _powers(pow(_BASE, -1, 1 << 64))
_WORD_BASE = _splitmix(3) | 1
_WORD_POWERS, _WORD_INVERSES = _powers(_WORD_BASE), _powers(pow(_WORD_BASE, -1, 1 << 64))
_ONE = np.uint64(1)
_KEY = np.dtype("<u8")
_SHIFT, _SHIFT_2, _MIX = np.uint64(32), np.uint64(29), np.uint64(_splitmix(2) | 1)


def _mixed(hashes: Hashes) -> Hashes:
    """*hashes* with every bit depending on all others, in place."""
    hashes ^= hashes >> _SHIFT
    hashes *= _MIX
    hashes ^= hashes >> _SHIFT_2
    return hashes


def _values(codes: NDArray[np.uint32]) -> Hashes:
    """A random-looking number for each code point."""
    return _mixed((codes.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN))


def _kind(char: str) -> int:
    if _UNSPACED.match(char):
        return _SINGLE
    if char.isalnum() or char == "_" or unicodedata.category(char).startswith("M"):
        return _WORD
    return _SEPARATOR


_ASCII_IS_WORD = bytes(_kind(chr(code)) == _WORD for code in range(128)) + bytes(128)
_ASCII_VALUES = _values(np.arange(128, dtype=np.uint32)) * np.frombuffer(_ASCII_IS_WORD, dtype=bool)[:128]
_USUAL = 0x3000
_USUAL_VALUES = _values(np.arange(_USUAL, dtype=np.uint32))
"""Values of the alphabets, and of all signs and dashes that are met in them."""

_KINDS = np.zeros(0x110000, dtype=np.uint8)  # 0: not met yet


def word_hashes(text: str) -> Hashes:
    """One hash for each word of *text*, in order."""
    if len(text) <= _CHUNK:
        return _words(text)
    parts, start = [], 0
    while start < len(text):
        end = min(start + _CHUNK, len(text))
        if end < len(text):
            space = text.rfind(" ", start, end)
            end = space if space > start else end
        parts.append(_words(text[start:end]))
        start = end
    return np.concatenate(parts)


def _words(text: str) -> Hashes:
    if text.isascii():
        encoded = text.encode()
        word = np.frombuffer(encoded.translate(_ASCII_IS_WORD), dtype=bool)
        begins = word.copy()
        np.greater(word[1:], word[:-1], out=begins[1:])
        values = _ASCII_VALUES.take(np.frombuffer(encoded, dtype=np.uint8))
    else:
        codes32 = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        kinds = _kinds(codes32)
        word = kinds != _SEPARATOR
        single = kinds == _SINGLE
        begins = word.copy()
        begins[1:] &= ~word[:-1] | single[1:] | single[:-1]
        usual = codes32.max() < _USUAL
        values = (_USUAL_VALUES.take(codes32) if usual else _values(codes32)) * word
    places = begins.nonzero()[0]
    if not places.size:
        return np.empty(0, dtype=np.uint64)
    values *= _POWERS[: values.size]
    return np.add.reduceat(values, places) * _INVERSES[places]


def _kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    kinds = _KINDS.take(codes)
    if not kinds.all():
        for code in np.unique(codes[kinds == 0]).tolist():
            _KINDS[code] = _kind(chr(code))
        kinds = _KINDS.take(codes)
    return kinds


class Shingler:
    """Makes the shingles of a text.

    Args:
        words: words in a shingle.
    """

    def __init__(self, words: int = 5) -> None:
        self.words = words

    def __call__(self, words: Hashes) -> Hashes:
        """The hashes of the shingles of a text whose words have the hashes *words*; those that repeat, repeated.

        A text with fewer words than a shingle has one, of all of them.
        """
        if words.size > _CHUNK:
            step = _CHUNK - self.words + 1
            return np.concatenate([self(words[i : i + _CHUNK]) for i in range(0, words.size - self.words + 1, step)])
        if not words.size:
            return words
        size = min(self.words, words.size)
        sums = np.empty(words.size + 1, dtype=np.uint64)
        sums[0] = 0
        np.multiply(words, _WORD_POWERS[: words.size], out=sums[1:])
        np.add.accumulate(sums[1:], out=sums[1:])
        shingles = sums[size:] - sums[:-size]
        shingles *= _WORD_INVERSES[: shingles.size]
        return shingles


class MinHasher:
    """Makes signatures for locality-sensitive hashing.

    All hashes are divided among bins of the same width, and the least one in each bin is its minimum. Where none is in
    a bin, as in a short text, its minimum is that of all hashes after a permutation of its own. So each minimum of two
    texts is equal with the probability of their Jaccard similarity: where both have none in a bin as with any
    permutation, and otherwise because the least of those that either has in it is as likely as any other.

    The key of a band holds parts of its minima side by side, so that the keys are also a sketch: the share of equal parts
    estimates the Jaccard similarity.

    Args:
        bands: number of keys.
        rows: minima in a key, at most four.
    """

    def __init__(self, bands: int, rows: int) -> None:
        self.bands, self.rows = bands, rows
        bits = 16 if rows > 2 else 32
        self._part, self._parts, self._shift = np.dtype(f"<u{bits // 8}"), 64 // bits, np.uint64(64 - bits)
        bins = bands * rows
        self._begins = np.array([(i << 64) // bins for i in range(bins)], dtype=np.uint64)
        self._factors = np.array([_splitmix(1000 + i) | 1 for i in range(bins)], dtype=np.uint64)

    def keys(self, shingles: Hashes) -> Hashes:
        """One key for each band. At least one shingle is needed."""
        ordered = np.sort(shingles)
        places = ordered.searchsorted(self._begins)
        minima = ordered.take(places, mode="clip")
        empty = places == ordered.size
        empty[:-1] |= places[1:] == places[:-1]
        if empty.any():
            minima[empty] = self._permuted(ordered, self._factors[empty])
        minima *= _MIX  # the least of many is small: its upper bits say nothing before this
        minima >>= self._shift
        parts = np.zeros((self.bands, self._parts), dtype=self._part)
        parts[:, : self.rows] = minima.reshape(self.bands, self.rows)
        return parts.view(_KEY)[:, 0]

    @staticmethod
    def _permuted(ordered: Hashes, factors: Hashes) -> Hashes:
        """The minimum after each permutation. Few distinct hashes leave bins empty, so that this is little work."""
        distinct = ordered[np.append(True, ordered[1:] != ordered[:-1])]
        minima: Hashes = np.multiply(factors[:, None], distinct).min(axis=1)
        return minima

    def similarity(self, keys: Hashes, others: Hashes) -> NDArray[np.float64]:
        """Estimated Jaccard similarity of *keys* to each row of *others*."""
        shape = (-1, self.bands, self._parts)
        equal = others.astype("<u8").view(self._part).reshape(shape) == keys.astype("<u8").view(self._part).reshape(
            shape
        )
        return np.asarray(equal[:, :, : self.rows].mean(axis=(1, 2)))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Exact Jaccard similarity of two sets of hashes, in any order and with any repetition; 1 for two empty ones.

    The lowest bit of a hash says here which set it is of, so that one sort brings what is equal side by side.
    """
    size = one.size + other.size
    if not size:
        return 1.0
    both = np.empty(size, dtype=np.uint64)
    np.bitwise_and(one, ~_ONE, out=both[: one.size])
    np.bitwise_or(other, _ONE, out=both[one.size :])
    both.sort()
    steps = both[1:] ^ both[:-1]  # 0: a repetition; 1: from a hash of one set to the same of the other
    common = int(np.count_nonzero(steps == _ONE))
    return common / (1 + int(np.count_nonzero(steps)) - common)
