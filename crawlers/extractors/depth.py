"""Where a page's tags may be nested so deeply that the parser would take seconds, by a count that rather is too high.

The parser looks through all open elements for many tags. An end tag counts only where it is one for certain: not where a
comment, a quoted value, a script or another tag may swallow it, nor where it stands in another table, drawing or select
than what it would close. A name that is long, unusual or one of too many is taken for one that is never closed.

All of it is array arithmetic: an ordinary long page has 30,000 tags.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

WORK = 20_000_000
"""Steps through open elements that a page may cost. Ordinary long pages have 2 million by this count."""

_ROOT = 4
"""Steps that each further ``html`` or ``body`` costs for each one before it."""
_ROOTS = frozenset({b"html", b"body"})
_CLOSED_BY_THEMSELVES = frozenset(
    b"""area base br col embed hr img input link meta param source track wbr
    p li dt dd option tr td th thead tbody tfoot colgroup caption""".split()
)
_ITEMS, _TERMS, _LISTS = b"li".split(), b"dt dd".split(), b"ul ol menu dir dl".split()
_SPECIAL = frozenset(
    b"""address article aside blockquote button center details dir div dl fieldset figcaption figure footer form h1 h2 h3
    h4 h5 h6 header hgroup main menu nav ol pre section summary ul""".split()
)
"""Elements that the end tag of one that is none of them does not reach beyond."""

_TEXTS = b"script style title textarea xmp iframe noembed noframes plaintext".split()
"""Elements in which end tags of others are text."""
_SCOPES = b"table object marquee applet select template svg math".split()
"""Elements in which end tags of what was opened outside are ignored."""

_FOREIGN = frozenset({b"svg", b"math"})
"""Elements in which no other one closes itself."""

_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
"""What the parser opens anew, with all attributes, behind the end of whatever it stood in unclosed."""
_CLONE = 20
"""Steps that one of them costs; each byte of its tag is one more."""
_TAG_MAX, _ALIKE, _LITTLE, _MUCH = 200, 3, 1000, 2_000_000

_GROUPS_MAX = 1000
_WORD = 8
_REST = secrets.randbits(64) | 1
"""What the second eight letters of a name are multiplied by: nobody can know which names are mixed up."""
_IN_NAMES = np.full(256, 0x80, np.uint8)
"""What names are made of, in lower case; 0 for what ends a name, the highest bit for all that is unusual in one."""
_IN_NAMES[list(b"\t\n\f\r />")] = 0
for _letter in b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_:.":
    _IN_NAMES[_letter] = bytes([_letter]).lower()[0]
_MAY_FORMAT = np.zeros(1 << 16, bool)
"""The first two bytes of a tag, as a number, to whether it may be one of ``_FORMATTING``."""
for _name in _FORMATTING:
    for _first in {_name[:1], _name[:1].upper()}:
        for _second in b"\t\n\f\r />" if len(_name) == 1 else {_name[1], _name[1:2].upper()[0]}:
            _MAY_FORMAT[_first[0] | _second << 8] = True
_ONE, _SEVEN, _ONES, _HIGH = map(np.uint64, (1, 7, 0x0101010101010101, 0x8080808080808080))
_MIXED = np.array([secrets.randbits(64) | 1 for _ in [*_SCOPES, b""]], np.uint64)
_SPACES_MAX = 50
_IS_SPACE = np.isin(np.arange(256), list(b"\t\n\f\r "))


class _Tags(NamedTuple):
    """All that may be a tag, in order; each array has one value for each of them."""

    at: Integers
    """Where it begins."""
    sizes: Integers
    """Bytes before the next ``>``."""
    closes: Mask
    """Whether it is an end tag."""
    names: NDArray[np.uint64]
    """The name as a number."""
    plain: Mask
    """Whether the name has at most sixteen letters, digits and the signs of names, and nothing else."""


def too_deep(source: bytes, *, rewritten: bool = False) -> int | None:
    """Where the tags so far, each weighed by the elements that may be open at that place, cost too much; None: nowhere.

    Args:
        source: the page.
        rewritten: every ``<`` in it begins a tag; none is in a comment, a value or a script.
    """
    tags = _tags(source)
    certain = tags.closes & tags.plain
    if not rewritten:
        certain &= ~_swallowed(source, tags)
    steps = (~tags.closes).astype(np.int64) - certain
    changes = np.where(tags.plain, 0, ~tags.closes).astype(np.int64)
    groups, foreign = _scopes(tags, steps, changes)
    special = np.zeros_like(changes)
    for name, part in _groups(groups, tags):
        if name in _SPECIAL:
            special[part] = _open(steps[part])
    groups[groups != 0] += special.cumsum().astype(np.uint64)[groups != 0] * _MIXED[-1]
    anew, ends = np.zeros_like(changes), tags.closes.copy()
    for name, part in _groups(groups, tags):
        if name in _ROOTS:
            changes[part] = _ROOT * (steps[part] > 0)
        elif name in _CLOSED_BY_THEMSELVES and not foreign[part[0]]:
            ends[part] = True
        elif name not in _SPECIAL:
            changes[part] = _open(steps[part]) if name else steps[part] > 0
        if name in _FORMATTING:
            anew[part] = _opened_anew(changes[part], tags.at[part], tags.sizes[part], source)
    changes += special + _items_in_terms(tags)
    work = (changes.cumsum() + ends * anew.cumsum()).cumsum()
    place = int(np.searchsorted(work, WORK, side="right"))
    return int(tags.at[place]) if place < len(work) else None


def _scopes(tags: _Tags, steps: Integers, changes: Integers) -> tuple[NDArray[np.uint64], Integers]:
    """Fill in the *changes* that the elements of ``_SCOPES`` make.

    Returns:
        A number for each tag that is the same for those of one name in the same scopes, and how many drawings or
        formulas it stands in.
    """
    groups, foreign = np.where(tags.plain, tags.names, 0), np.zeros(len(changes), np.int64)
    for number, name in enumerate(_SCOPES):
        own = np.flatnonzero(tags.plain & (tags.names == _number(name)))
        if len(own):
            changes[own] = inside = _open(steps[own])
            level = np.repeat(np.append(0, inside.cumsum()), np.diff(own, prepend=0, append=len(changes)))
            groups += level.astype(np.uint64) * _MIXED[number]
            groups[own] = 0
            foreign += level * (name in _FOREIGN)
    return groups, foreign


def may_be_opened_anew(source: bytes) -> bool:
    """Whether so many formatting elements may be open that a page of any size must be weighed."""
    text = np.frombuffer(source + b">>", np.uint8)
    at = np.flatnonzero(text == ord("<"))
    if len(source) * len(at) <= WORK // 2 and len(at) ** 2 <= _MUCH:
        return False
    own = at[_MAY_FORMAT[np.ndarray((len(text) - 1,), "<u2", text.data, strides=(1,))[at + 1]]]
    ends = np.flatnonzero(text == ord(">"))
    sizes = ends[np.searchsorted(ends, own)] - own
    if int(sizes.max(initial=0)) * len(at) > WORK // 2:
        return True
    if len(own) * len(at) <= _MUCH:
        return False
    kinds = {source[place : place + size] for place, size in zip(own.tolist(), sizes.tolist(), strict=True)}
    return _ALIKE * len(kinds) * len(at) > _MUCH


def _items_in_terms(tags: _Tags) -> Integers:
    """1 for an item of a list that begins in a term or a definition, or the other way round: neither ends the other."""
    kinds = np.zeros(len(tags.at), np.int64)
    for kind, names in enumerate((_ITEMS, _TERMS, _LISTS), 1):
        kinds[tags.plain & np.isin(tags.names, [_number(name) for name in names])] = kind
    own = np.flatnonzero((kinds == 3) | ((kinds > 0) & ~tags.closes))
    found = np.zeros_like(kinds)
    found[own[1:]] = (kinds[own[1:]] + kinds[own[:-1]] == 3) & (kinds[own[1:]] < 3)
    return found


def _groups(groups: NDArray[np.uint64], tags: _Tags) -> Iterator[tuple[bytes, Integers]]:
    """Name and places of the tags of each group but 0; those of the smallest groups, if there are too many, without a name."""
    _, firsts, places, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    few = np.zeros(len(counts), bool)
    few[np.argsort(-counts, kind="stable")[_GROUPS_MAX:]] = True
    few &= groups[firsts] != 0
    yield b"", np.flatnonzero(few[places])
    order, start = np.argsort(places.astype(np.uint32), kind="stable"), 0
    for first, count, left_out in zip(firsts.tolist(), counts.tolist(), few.tolist(), strict=True):
        begin, start = start, start + count
        if groups[first] and not left_out:
            yield int(tags.names[first]).to_bytes(_WORD, "little").rstrip(b"\0"), order[begin:start]


def _number(name: bytes) -> int:
    """A name as it stands in :class:`_Tags`."""
    low, high = (int.from_bytes(name[start : start + _WORD], "little") for start in (0, _WORD))
    return (low + high * _REST) % (1 << 64)


def _open(steps: Integers) -> Integers:
    """By how much each tag of one name changes the number of elements of that name that are open."""
    balance = steps.cumsum()
    return np.diff(balance - np.minimum.accumulate(np.minimum(balance, 0)), prepend=0)


def _opened_anew(changes: Integers, at: Integers, sizes: Integers, source: bytes) -> Integers:
    """What each tag of a formatting element adds to the steps of each end behind it. Of equal ones the parser keeps three."""
    balance = changes.cumsum()
    longest = int(sizes.max(initial=0))
    if balance.max(initial=0) * (_CLONE + longest) <= _LITTLE:
        return np.zeros_like(changes)
    seen: set[bytes] = set()
    kinds = np.zeros(len(at), np.int64)
    for place in np.flatnonzero(changes > 0).tolist():
        tag = source[at[place] : at[place] + min(sizes[place], _TAG_MAX)]
        kinds[place] = sizes[place] > _TAG_MAX or tag not in seen
        seen.add(tag)
    active = np.minimum(balance, _ALIKE * kinds.cumsum())
    size = np.minimum(active * longest, _ALIKE * (kinds * sizes).cumsum())
    added: Integers = np.diff(_CLONE * active + size, prepend=0)
    return added


def _tags(source: bytes) -> _Tags:
    text = np.frombuffer(source + b">" * (2 * _WORD + 2), np.uint8)
    words = np.ndarray((len(text) - _WORD,), "<u8", text.data, strides=(1,))
    at = np.flatnonzero(text == ord("<"))
    ends = np.flatnonzero(text == ord(">"))
    sizes = ends[np.searchsorted(ends, at)] - at
    closes = text[at + 1] == ord("/")
    begins = at + 1 + closes
    names, ended = _letters(words[begins])
    long = np.flatnonzero(~ended)
    rest, ended[long] = _letters(words[begins[long] + _WORD])
    plain = ended & (names & _HIGH == 0)
    plain[long] &= rest & _HIGH == 0
    names[long] += rest * np.uint64(_REST)
    return _Tags(at, sizes, closes, names, plain)


def _letters(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], Mask]:
    """Eight bytes each, mapped, without those behind the first that ends a name; and whether there is one."""
    found = _IN_NAMES.take(words.view(np.uint8)).view("<u8")
    ends = (found - _ONES) & ~found & _HIGH  # its lowest bit is that of the first byte that is 0
    return found & (((ends & (~ends + _ONE)) >> _SEVEN) - _ONE), ends != 0


def _swallowed(source: bytes, tags: _Tags) -> Mask:
    """Which tags may be part of another tag, a quoted value, a comment, or an element that holds text alone."""
    text = np.frombuffer(source, np.uint8)
    found = np.append(False, (tags.at + tags.sizes)[:-1] > tags.at[1:])
    for quote in b"\"'":
        found |= _begins_value(text, _last(np.flatnonzero(text == quote), tags.at))
    valued = found.copy()
    commented = _within(_places(text, b"<!--"), _places(text, b"-->"), tags.at)
    found |= commented | _within(_places(text, b"<![CDATA["), _places(text, b"]]>"), tags.at)
    for name in _TEXTS:
        own = tags.names == _number(name)
        if not own.any():
            continue
        found |= _within(tags.at[own & ~tags.closes], tags.at[own & tags.closes & ~valued] - 1, tags.at)
    # In a comment in a script, an end tag of a script does not end it.
    scripts = np.flatnonzero(commented & ~tags.closes & (tags.names == _number(b"script")))
    found[scripts[0] + 1 if len(scripts) else len(found) :] = True
    return found


def _places(text: NDArray[np.uint8], wanted: bytes) -> Integers:
    """Where *wanted* stands in *text*."""
    found = np.flatnonzero(text[: max(len(text) - len(wanted) + 1, 0)] == wanted[0])
    for distance, byte in enumerate(wanted[1:], 1):
        found = found[text[found + distance] == byte]
    return found


def _last(places: Integers, at: Integers) -> Integers:
    """The last of *places* before each of *at*; -1 where there is none."""
    return np.append(places, -1)[np.searchsorted(places, at) - 1]


def _within(starts: Integers, stops: Integers, at: Integers) -> Mask:
    """Whether each of *at* stands behind one of *starts* that none of *stops* follows before it."""
    inside: Mask = _last(starts, at) > _last(stops, at)
    return inside


def _begins_value(text: NDArray[np.uint8], quotes: Integers) -> Mask:
    """Whether there may be an equals sign before the white space before each of *quotes*; not where it is -1."""
    before = quotes - 1
    for _ in range(_SPACES_MAX):
        spaces = (before > 0) & _IS_SPACE[text[before]]
        if not spaces.any():
            break
        before = before - spaces
    begins: Mask = (quotes >= 0) & ((text[before] == ord("=")) | _IS_SPACE[text[before]])
    return begins
