"""CSV with the envelope's columns, nested ones as JSON. Safe to open in a spreadsheet, and read back unchanged.

A cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage return, after white space
and what cannot be seen, or in full width) gets an apostrophe in front; numbers stay numbers. An empty text is a lone
apostrophe, null an empty cell. The file begins with a byte order mark, because Excel reads UTF-8 only with one.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import orjson

from crawlers.items import RECORD_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# What is skipped at the front: white space, controls, and the characters that have no width of their own.
_TRIGGERS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_UNSEEN = frozenset({"Cc", "Cf"})
"""Categories of characters that a spreadsheet may pass over: controls and formats."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBERS = frozenset({"version"})
_FIELD_MAX = (1 << 31) - 1
_CHUNK = 1 << 18
NESTED = frozenset({"authors", "blocks", "fields", "media", "keywords", "quality", "flags", "rights", "provenance"})
"""Columns that hold JSON."""


def _is_live(text: str) -> bool:
    """Whether a spreadsheet would take *text* for a formula, or cut it at the front."""
    if text.startswith(("\t", "\r")):
        return True
    if text[:1].isalnum():
        return False
    first = next((c for c in text if not (c.isspace() or unicodedata.category(c) in _UNSEEN)), "")
    return first in _TRIGGERS and _NUMBER.fullmatch(text) is None


def _is_marked(text: str) -> bool:
    """Whether *text*, without apostrophes in front, is one that gets an apostrophe."""
    bare = text.lstrip("'")
    return bare == "" or _is_live(bare)


def cell(value: Any) -> Any:
    """*value* as it may stand in a cell: text that would run gets an apostrophe, None becomes empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _is_marked(value) else value
    if isinstance(value, bool | int | float):
        return value
    return cell(orjson.dumps(value).decode())


def uncell(text: str) -> str | None:
    """The inverse of :func:`cell` for text and None."""
    if text == "":
        return None
    return text[1:] if text.startswith("'") and _is_marked(text) else text


class CsvExporter:
    """``records.csv``."""

    name: ClassVar[str] = "csv"
    filename: ClassVar[str] = "records.csv"
    schema: ClassVar[str] = "urn:gristmill:schema:record:1"

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies*; return how many."""
        rows = io.StringIO(newline="")
        writer = csv.writer(rows)
        rows.write("\ufeff")
        writer.writerow(RECORD_FIELDS)
        count = 0
        for body in bodies:
            record = orjson.loads(body)
            writer.writerow([_column(name, record.get(name)) for name in RECORD_FIELDS])
            count += 1
            if rows.tell() > _CHUNK:
                _pass_on(rows, file)
        _pass_on(rows, file)
        return count

    def companions(self) -> dict[str, bytes]:
        """None."""
        return {}

    @staticmethod
    def read(path: Path) -> Iterator[dict[str, Any]]:
        """The records of a file."""
        csv.field_size_limit(_FIELD_MAX)
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield {name: _value(name, text) for name, text in row.items()}


def _pass_on(rows: io.StringIO, file: BinaryIO) -> None:
    file.write(rows.getvalue().encode())
    rows.seek(0)
    rows.truncate()


def _column(name: str, value: Any) -> Any:
    return orjson.dumps(value).decode() if name in NESTED else cell(value)


def _value(name: str, text: str) -> Any:
    if name in NESTED:
        return orjson.loads(text)
    value = uncell(text)
    return int(value) if name in _NUMBERS and value is not None else value
