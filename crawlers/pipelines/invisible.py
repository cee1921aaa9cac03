"""Characters that nobody sees: which of them a script needs, which are typography, and which hide something.

What has a place in ordinary writing stays: joiners in Arabic, Indic and the other scripts that join, in emoji,
variation selectors after symbols and ideographs, direction marks in text that runs from right to left. Everything
else is taken out. Soft hyphens, byte-order marks and a stray zero-width space are common on ordinary pages and mean
nothing; characters inside of a word, alphabets of zero-width characters, tags and selectors that spell out a hidden
message, and controls that make text read in another order than it is written are reported.

Source: Unicode 16, UAX #9 (bidirectional algorithm), UAX #31 section 2.3, UTS #51 (emoji), UTR #36.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from crawlers.pipelines.offsets import Edit

INVISIBLE, BIDI = "invisible-characters", "bidi-control"

# Controls and non-characters that no text has; tab and the line ends are white space and not meant here.
CONTROLS = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff"
_ZERO_WIDTH = "\u200b-\u200d\u2060\ufeff\u180e\u034f"
_MARKS = "\u061c\u200e\u200f"
_EMBEDDINGS = "\u202a-\u202e\u2066-\u2069"
_SPELLING = "\u2061-\u2065\u206a-\u206f\u115f\u1160\u3164\uffa0\u17b4\u17b5\U000e0000-\U000e01ef\ufff9-\ufffb"
_SELECTORS = "\ufe00-\ufe0f\u180b-\u180d\u180f"

CLASS = f"{CONTROLS}\xad{_ZERO_WIDTH}{_MARKS}{_EMBEDDINGS}{_SPELLING}{_SELECTORS}"
"""Inside of brackets in a regular expression: everything that this module decides on."""

_RUN = re.compile(f"[{CLASS}]+")
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_JOINING = re.compile(
    "[\u0600-\u0e7f\u0f00-\u109f\u1700-\u18af\u1a00-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff]"
)
_EMOJI = re.compile("[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aad]")
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_ALPHABET = re.compile(f"[{_ZERO_WIDTH}{_MARKS}\u2061-\u2064]")
_KEYS = "#*0123456789"  # these and a selector make a keycap
_LONG = 8


class Found(NamedTuple):
    """What was taken out, and what is to be told about it."""

    edits: list[Edit]
    removed: int
    """Number of characters."""
    flags: list[str]


def take_out(text: str) -> Found:
    """The edits that take out of *text* what nobody sees, and the flags that they deserve."""
    edits: list[Edit] = []
    flags: dict[str, None] = {}
    rtl: bool | None = None
    removed = 0
    for run in _RUN.finditer(text):
        if rtl is None:
            rtl = _RTL.search(text) is not None
        before = text[run.start() - 1] if run.start() else ""
        after = text[run.end() : run.end() + 1]
        kept = _kept(run[0], before, after, rtl)
        if kept == run[0]:
            continue
        edits.append(Edit(run.start(), run.end(), kept))
        removed += len(run[0]) - len(kept)
        for flag in _flags(run[0], kept, before, after):
            flags[flag] = None
    return Found(edits, removed, list(flags))


def _kept(run: str, before: str, after: str, rtl: bool) -> str:
    """The part of *run* that writing needs between *before* and *after*."""
    if before == "\U0001f3f4" and re.fullmatch("[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f", run):
        return run  # the flag of a region, England for example, is spelled out in tags
    out = ""
    for char in run:
        left = out[-1] if out else before
        if _is_joiner(char, left, before, after) or _is_selector(char, left) or (rtl and _directs(char, left)):
            out += char
    return out


def _is_joiner(char: str, left: str, before: str, after: str) -> bool:
    """Whether *char* joins, or keeps apart, what stands around it in a script or an emoji that needs it."""
    if not before or left == char:
        return False
    if char == "\u200d":
        return _joins(before, after)
    if char == "\u200c":
        return bool(_JOINING.match(before))
    return char == "\u200b" and bool(_UNSPACED.match(before))  # where words are not spaced


def _is_selector(char: str, left: str) -> bool:
    """Whether *char* selects a form of the symbol, ideograph or letter before it."""
    if not left:
        return False
    if "\ufe00" <= char <= "\ufe0f":
        return left in _KEYS or any(kind.match(left) for kind in (_EMOJI, _JOINING, _IDEOGRAPH))
    if "\U000e0100" <= char <= "\U000e01ef":
        return bool(_IDEOGRAPH.match(left))
    return "\u180b" <= char <= "\u180f" and char != "\u180e" and "\u1800" <= left <= "\u18af"


def _directs(char: str, left: str) -> bool:
    """Whether *char* has a use in text that runs from right to left. Overrides have none."""
    return (char in _MARKS and left != char) or char in "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"


def _joins(before: str, after: str) -> bool:
    if _JOINING.match(before):
        return True
    return bool(after and _EMOJI.match(after) and (_EMOJI.match(before) or "\U0001f3fb" <= before <= "\U0001f3ff"))


def _flags(run: str, kept: str, before: str, after: str) -> list[str]:
    """What a person should know of the part of *run* that is gone."""
    gone = [char for char in run if char not in kept]
    flags = []
    if any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in gone):
        flags.append(BIDI)
    alphabet = _ALPHABET.findall("".join(gone))
    inside = bool(alphabet) and before.isalnum() and after.isalnum()
    spelled = any(re.match(f"[{_SPELLING}]", char) or "\ufe00" <= char <= "\ufe0d" for char in gone)
    if inside or spelled or len(set(alphabet)) > 1 or len(alphabet) >= _LONG:
        flags.append(INVISIBLE)
    return flags
