"""Repairs a text: encoding accidents, invisible characters, composition, white space. Knows no record.

:func:`repair` is idempotent, and cheap for a text that needs nothing: what is not ASCII is taken out first, and most
questions are asked of that alone. Each step is a list of edits, so that offsets into the text can follow
(:mod:`crawlers.pipelines.offsets`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import ftfy
from ftfy.fixes import fix_c1_controls

from crawlers.extractors.encodings import has_surrogates
from crawlers.pipelines import invisible
from crawlers.pipelines.offsets import Edit, OffsetMap, apply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPLACED = "replacement-characters"

_ASCII = bytes(range(128))
_ASCII_CONTROLS = bytes([*range(9), *range(11, 32), 127, 9])
_SPACES = " \t\x1c-\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"
_SUSPECT = re.compile(f"[{invisible.CLASS}{_SPACES[1:]}{_BREAKS[1:]}\ud800-\udfff]")
_LONE = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_WHITE = f"[{_SPACES}{_BREAKS}]"
_RUN = f"{_WHITE}(?:{_WHITE}+|(?<=[%s])|(?<=\\A[\\s\\S])|\\Z)"
"""More than one white space, one of the given ones, or one at an end of the text. All that can begin such a run stands in
front, so that the search goes from one of them to the next."""

_ODD_WHITE = re.compile(_RUN % f"{_SPACES[1:]}{_BREAKS[1:]}")
_LINE_WHITE = re.compile(_RUN % f"{_SPACES[1:]}{_BREAKS}")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LINE = re.compile("[^\n]+")
_CLUSTER = re.compile("[\x00-\x7f]?[^\x00-\x7f]+")
_C1 = re.compile("[\x80-\x9f]")
_TAIL = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = re.compile(
    # UTF-8 read as Latin-1, Windows-1252 or -1250; as Windows-1251; as code page 437; as Mac Roman. All that can begin
    # such an accident stands in front, so that the search goes from one of them to the next.
    "[À-ôĂĹĽăРСВГ├┬╬╨╤Γ√¬‚]"
    f"(?:(?<=[À-ôĂĹĽă])[{_TAIL}]|(?<=â)€|(?<=[РСВГ])[\u0402-\u040f\u0452-\u045f\u0490\u0491{_TAIL}]"
    "|(?<=[├┬╬╨╤Γ])[\u2500-\u259f¡-ÿΑ-ωÇ]|(?<=[√¬‚])[¡-ÿÄ∞≠±≤≥∂∑∏π∫Ω√≈∆◊†°¢£§•¶®©™])"
)
_ROUNDS = 8


@dataclass(slots=True)
class Repaired:
    """A text after repair."""

    text: str
    changes: dict[str, int] = field(default_factory=dict)
    """Kind of change to how often it was made."""
    flags: list[str] = field(default_factory=list)
    maps: list[OffsetMap] = field(default_factory=list)
    """Apply one after the other to take an offset from the old text to the new one."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the old text is now, without white space that is left at its ends."""
        for step in self.maps:
            start, end = step(start), step(end)
        if self.maps:
            while start < end and self.text[start] in " \n":
                start += 1
            while start < end and self.text[end - 1] in " \n":
                end -= 1
        return start, end


def repair(text: str, verbatim: Sequence[tuple[int, int]] = (), *, one_line: bool = False) -> Repaired:
    """Repair *text*.

    Args:
        text: any string, lone surrogates included.
        verbatim: parts (start, end), in order, in which spaces mean something: code, tables.
        one_line: line ends become spaces, as in a title.
    """
    done = Repaired(text)
    for _ in range(_ROUNDS):
        before, characters = done.text, _has_odd_characters(done.text)
        everywhere = characters or done.text.strip(" \n") != done.text or (one_line and "\n" in done.text)
        if not everywhere and not _has_odd_pairs(done.text):
            break
        for step in (_surrogates, _mojibake, _c1, _invisible, _compose) if characters else ():
            verbatim = _run(done, step(done), verbatim)
        verbatim = _run(done, _white_space(done, verbatim, one_line, everywhere), verbatim)
        if done.text == before:
            break
    if "\ufffd" in done.text:
        done.flags.append(REPLACED)
    return done


def _has_odd_characters(text: str) -> bool:
    """Whether *text* has what a step other than that for white space may change, or white space other than the usual."""
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded.translate(None, _ASCII_CONTROLS)) != len(encoded):
        return True
    if text.isascii():
        return False
    odd = encoded.translate(None, _ASCII).decode("utf-8", "surrogatepass")
    if _SUSPECT.search(odd):
        return True
    # What stands side by side in the text does so here too.
    return (bool(_MOJIBAKE.search(odd)) and bool(_MOJIBAKE.search(text))) or not unicodedata.is_normalized("NFC", text)


def _has_odd_pairs(text: str) -> bool:
    """Whether *text* has runs of spaces and line ends that ordinary text has not. Others are odd characters."""
    encoded = text.encode("utf-8", "surrogatepass")  # the search is six times as fast as in the text
    return b"  " in encoded or b" \n" in encoded or b"\n " in encoded or b"\n\n\n" in encoded


def _run(done: Repaired, edits: list[Edit], verbatim: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Make *edits*; return the verbatim parts where they are now."""
    if not edits:
        return verbatim
    step = OffsetMap(edits)
    done.maps.append(step)
    done.text = apply(done.text, edits)
    return [(step(start), step(end)) for start, end in verbatim]


def _count(done: Repaired, kind: str, number: int) -> None:
    if number:
        done.changes[kind] = done.changes.get(kind, 0) + number


def _surrogates(done: Repaired) -> list[Edit]:
    """Pairs become their character; one without its other half becomes U+FFFD."""
    if not has_surrogates(done.text):
        return []
    edits = [
        Edit(
            m.start(), m.end(), m[0].encode("utf-16", "surrogatepass").decode("utf-16") if len(m[0]) == 2 else "\ufffd"
        )
        for m in _LONE.finditer(done.text)
    ]
    _count(done, "surrogates", len(edits))
    return edits


def _mojibake(done: Repaired) -> list[Edit]:
    """Lines that were decoded with the wrong encoding, decoded with the right one."""
    if done.text.isascii() or not _MOJIBAKE.search(done.text):
        return []
    edits: list[Edit] = []
    for line in _LINE.finditer(done.text):
        if _MOJIBAKE.search(line[0]) and (fixed := ftfy.fix_encoding(line[0])) != line[0]:
            edits += _difference(line[0], fixed, line.start())
    _count(done, "mojibake", len(edits))
    return edits


def _difference(old: str, new: str, at: int) -> Iterator[Edit]:
    """The edits from *old* to *new*: word by word, or all between what is the same at both ends."""
    before, after = old.split(" "), new.split(" ")
    if len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            if one != other:
                yield Edit(at, at + len(one), other)
            at += len(one) + 1
        return
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    yield Edit(at + first, at + len(old) - last, new[first : len(new) - last])


def _common(one: str, other: str) -> int:
    """Length of what two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _c1(done: Repaired) -> list[Edit]:
    """C1 controls are Windows-1252 that was read as Latin-1, as every browser assumes."""
    if done.text.isascii():
        return []
    edits = [
        Edit(match.start(), match.end(), fixed)
        for match in _C1.finditer(done.text)
        if match[0] != "\x85" and (fixed := fix_c1_controls(match[0])) != match[0]
    ]
    _count(done, "c1-controls", len(edits))
    return edits


def _invisible(done: Repaired) -> list[Edit]:
    found = invisible.take_out(done.text)
    _count(done, "invisible", found.removed)
    done.flags += [flag for flag in found.flags if flag not in done.flags]
    return found.edits


def _compose(done: Repaired) -> list[Edit]:
    """NFC, cluster by cluster: an ASCII character never composes with what stands before it."""
    if unicodedata.is_normalized("NFC", done.text):
        return []
    edits = []
    for cluster in _CLUSTER.finditer(done.text):
        composed = unicodedata.normalize("NFC", cluster[0])
        if composed != cluster[0]:
            edits.append(Edit(cluster.start(), cluster.end(), composed))
    _count(done, "composed", len(edits))
    return edits


def _white_space(done: Repaired, verbatim: Sequence[tuple[int, int]], one_line: bool, everywhere: bool) -> list[Edit]:
    """Runs of white space become one space, one line end, or one blank line; verbatim parts keep theirs.

    Args:
        done: the text.
        verbatim: parts that keep their white space.
        one_line: line ends become spaces.
        everywhere: look at all of it, not only where two white spaces stand side by side.
    """
    text, last = done.text, 0
    parts = [*_bare(text, verbatim), (len(text), len(text))]
    if not everywhere and not _has_odd_pairs(_without(text, parts)):
        return []
    edits: list[Edit] = []
    for start, end in parts:
        if last < start:
            edits += _collapsed(text, last, start, one_line)
        if start < end:
            edits += [Edit(m.start(), m.end(), "\n") for m in _LINE_END.finditer(text, max(start, last), end)]
        last = max(last, end)
    _count(done, "white-space", len(edits))
    return edits


def _without(text: str, parts: Sequence[tuple[int, int]]) -> str:
    """*text* with a mark in place of each of *parts*."""
    ends = accumulate((end for _, end in parts), max, initial=0)
    return "|".join(text[end:start] for end, (start, _) in zip(ends, parts, strict=False))


def _bare(text: str, verbatim: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The verbatim parts without white space at their ends, which belongs to what is between them."""
    for start, end in verbatim:
        part = text[start:end]
        if bare := part.strip():
            first = len(part) - len(part.lstrip())
            yield start + first, start + first + len(bare)


def _collapsed(text: str, start: int, end: int, one_line: bool) -> Iterator[Edit]:
    for run in (_LINE_WHITE if one_line else _ODD_WHITE).finditer(text, start, end):
        if run[0] == "\n\n" and not one_line and run.start() > 0 and run.end() < len(text):
            continue  # what nearly all of them are
        new = " "
        if run.start() == 0 or run.end() == len(text):
            new = ""
        elif not one_line:
            breaks = sum(1 + (char in "\x0c\u2029") for char in run[0].replace("\r\n", "\n") if char in _BREAKS)
            new = (" ", "\n", "\n\n")[min(breaks, 2)]
        if new != run[0]:
            yield Edit(run.start(), run.end(), new)
