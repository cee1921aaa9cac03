"""Finds phrases and patterns in a text: all of them in one pass, with their places in the text as it stands."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import ahocorasick_rs
import re2

from crawlers.errors import ConfigurationError
from crawlers.pipelines.folding import Fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Scripts that do not put spaces between words, and Korean, which writes particles onto them.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\U00020000-\U000323af]"
)
_WORD_BYTES = bytes(chr(code).isalnum() or chr(code) == "_" for code in range(128)) + bytes(128)


class Match(NamedTuple):
    """A phrase or pattern found in a text."""

    number: int
    """Which one, by its place in the list."""
    start: int
    """Offset of the first code point in the text as it was given."""
    end: int
    """Offset one past the last."""


class PhraseMatcher:
    """Finds any number of phrases at a cost that hardly depends on it (Aho and Corasick, 1975).

    Args:
        phrases: what to find; of those that are the same after folding the first one is reported.
        fold: how phrases and texts are folded.
        whole_words: only where no letter or digit goes on before or after; in scripts without spaces between words
            a phrase is found anywhere.
    """

    def __init__(self, phrases: Sequence[str], fold: Fold, *, whole_words: bool = True) -> None:
        self._fold = fold
        self._whole = whole_words
        folded: dict[str, int] = {}
        self.same: list[int] = []
        """For each phrase the number under which it is reported."""
        for number, phrase in enumerate(phrases):
            self.same.append(folded.setdefault(fold(phrase).text, number))
        self._numbers = [number for text, number in folded.items() if text]
        patterns = (text for text in folded if text)
        self._automaton = ahocorasick_rs.AhoCorasick(
            (text.encode("utf-8", "replace").decode() for text in patterns),
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,  # half the time of a DFA to build, a fifth of its memory
        )

    def find(self, text: str) -> Iterator[Match]:
        """Every occurrence in *text*, overlapping ones too, in order of their ends."""
        folded = self._fold(text)
        haystack = folded.text
        if not haystack.isascii():
            haystack = _LONE.sub("\ufffd", haystack)
        found = self._automaton.find_matches_as_indexes(haystack, overlapping=True)
        if not found:
            return
        words = text.encode().translate(_WORD_BYTES) if text.isascii() else None
        for number, start, end in found:
            if folded.changes is not None:
                span = folded.span(start, end)
                if span is None:
                    continue
                start, end = span
            if self._whole and not (
                _is_whole(text, start, end) if words is None else _is_whole_ascii(words, start, end)
            ):
                continue
            yield Match(self._numbers[number], start, end)


class PatternMatcher:
    """Finds regular expressions in time that grows with the text alone, whatever the expression (RE2).

    Args:
        patterns: in RE2's syntax.
        setting: where they come from, for messages.
        fold_case: capitals and small letters are the same.

    Raises:
        ConfigurationError: RE2 cannot read one, or it finds the empty text.
    """

    def __init__(self, patterns: Sequence[str], setting: str, *, fold_case: bool = True) -> None:
        self._patterns = [_compiled(pattern, setting, fold_case) for pattern in patterns]

    def find(self, text: str) -> Iterator[Match]:
        """Every occurrence in *text*; those of one pattern do not overlap."""
        clean = text if text.isascii() else _LONE.sub("\ufffd", text)
        for number, pattern in enumerate(self._patterns):
            for found in pattern.finditer(clean):
                if found.start() < found.end():
                    yield Match(number, found.start(), found.end())


_LONE = re.compile("[\ud800-\udfff]")


def _compiled(pattern: str, setting: str, fold_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not fold_case
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as exc:
        reason = exc.args[0].decode("utf-8", "replace") if exc.args and isinstance(exc.args[0], bytes) else str(exc)
        raise ConfigurationError(
            f"{setting}: expected a regular expression in RE2's syntax, got {pattern!r}: {reason} "
            "(RE2 has no look-around and no back-references: https://github.com/google/re2/wiki/Syntax)"
        ) from None
    if compiled.fullmatch(""):
        raise ConfigurationError(
            f"{setting}: expected a pattern that needs some text, got {pattern!r}, which fits none"
        )
    return compiled


def _is_whole_ascii(words: bytes, start: int, end: int) -> bool:
    if start and words[start - 1] and words[start]:
        return False
    return not (end < len(words) and words[end - 1] and words[end])


def _is_whole(text: str, start: int, end: int) -> bool:
    return (start == 0 or _is_boundary(text[start - 1], text[start])) and (
        end == len(text) or _is_boundary(text[end - 1], text[end])
    )


def _is_boundary(left: str, right: str) -> bool:
    """Whether a word may end between two characters."""
    if not (_is_word(left) and _is_word(right)):
        return True
    if left.isascii() and right.isascii():
        return False
    return bool(_UNSPACED.match(left) or _UNSPACED.match(right))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_" or (not char.isascii() and unicodedata.category(char).startswith("M"))
