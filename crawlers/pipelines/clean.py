"""Clean: repairs a record's text and values, says what is missing, and decides on the language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawlers.configuration import listed
from crawlers.hashing import digest
from crawlers.items import Transform
from crawlers.pipelines.languages import judge
from crawlers.pipelines.repair import repair
from crawlers.pipelines.values import MISSING, ValueCleaner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler

    from crawlers.items import Record
    from crawlers.pipelines.repair import Repaired

VERSION = "1"
"""Of the rules; part of what is recorded on each record that they changed."""

_LINES = ("title", "group")
_VERBATIM = frozenset({"code", "table"})


class CleanPipeline:
    """Repairs each record; nothing is rejected here.

    Text: mojibake repaired, NFC, white space collapsed with paragraphs one blank line apart (code and tables keep
    theirs), invisible characters taken out. Fields: strings repaired likewise, missing values and NaN become None.
    Language: the declared one, or the detected one where there is none or the text contradicts it. Blocks and
    matches follow the text. What was changed stands in ``provenance.transforms``; what a person should know of
    in ``flags``: invisible-characters, bidi-control, replacement-characters, language-mismatch, mixed-language.

    Args:
        missing: strings that stand for no value in a field.
        detect_language: False keeps what the source declares, unchecked.

    Settings:
        CLEAN_MISSING, CLEAN_LANGUAGE

    Stats:
        none; flags and transforms stand on the records.
    """

    def __init__(self, *, missing: Iterable[str] = MISSING, detect_language: bool = True) -> None:
        missing = tuple(missing)
        self._values = ValueCleaner(missing)
        self._detect = detect_language
        self._digest = digest({"missing": sorted(missing), "language": detect_language})

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CleanPipeline:
        """Read the settings."""
        settings = crawler.settings
        return cls(missing=listed(settings, "CLEAN_MISSING"), detect_language=settings.getbool("CLEAN_LANGUAGE"))

    def process_item(self, record: Record) -> Record:
        """Clean *record* in place."""
        changed: dict[str, Any] = {}
        flags: list[str] = []
        self._text(record, changed, flags)
        self._lines(record, changed, flags)
        if record.fields:
            record.fields = self._values.clean(record.fields, "fields", changed, flags)
        self._language(record, changed, flags)
        for flag in flags:
            record.flag(flag)
        if changed:
            record.provenance.transforms.append(Transform("clean", VERSION, self._digest, changed))
        return record

    def _text(self, record: Record, changed: dict[str, Any], flags: list[str]) -> None:
        text = record.text
        if text is None:
            return
        verbatim = [(block.start, block.end) for block in record.blocks if block.role in _VERBATIM]
        done = repair(text, sorted(verbatim))
        flags += done.flags
        if done.text != text:
            record.cache.clear()
            changed["text"] = done.changes
            _move(record, done, "text")
        record.text = done.text or None
        if record.text is None:
            changed["text"] = "missing: " + ("empty" if not text else "nothing is left")

    def _lines(self, record: Record, changed: dict[str, Any], flags: list[str]) -> None:
        """What stands on one line: title, group, authors, and what media say of themselves."""
        for name in _LINES:
            value = getattr(record, name)
            if value is not None:
                done = self._line(value, name, changed, flags)
                setattr(record, name, done.text or None)
                if name == "title" and done.maps:
                    _move(record, done, "title")
        if record.authors:
            cleaned = [self._line(a, f"authors.{i}", changed, flags).text for i, a in enumerate(record.authors)]
            authors = [a for a in dict.fromkeys(cleaned) if not self._values.is_missing(a)]
            if len(authors) != len(cleaned):
                changed["authors"] = f"{len(cleaned) - len(authors)} empty or repeated"
            record.authors = authors
        for i, media in enumerate(record.media):
            for name in ("alt", "caption"):
                value = getattr(media, name)
                if value is not None:
                    setattr(media, name, self._line(value, f"media.{i}.{name}", changed, flags).text or None)

    def _line(self, value: str, path: str, changed: dict[str, Any], flags: list[str]) -> Repaired:
        done = repair(value, one_line=True)
        flags += done.flags
        if done.text != value or not value:
            changed[path] = done.changes or "missing: empty"
        return done

    def _language(self, record: Record, changed: dict[str, Any], flags: list[str]) -> None:
        if not self._detect:
            return
        verdict = judge(record.text or "", record.language)
        if verdict.language != record.language:
            changed["language"] = verdict.note
            record.language = verdict.language
        flags += verdict.flags


def _move(record: Record, done: Repaired, field: str) -> None:
    """Take blocks and matches of *field* to where their text is now; drop those whose text is gone."""
    if field == "text":
        for block in record.blocks:
            block.start, block.end = done.span(block.start, block.end)
        record.blocks = [block for block in record.blocks if block.start < block.end]
    matches = []
    for match in record.keywords:
        if match.field == field:
            match.start, match.end = done.span(match.start, match.end)
        if match.start < match.end:
            matches.append(match)
    record.keywords = matches
