"""CSV with the envelope's columns, nested ones as JSON. Safe to open in a spreadsheet, and read back unchanged.

A cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a carriage return, after white space
or in full width) gets an apostrophe in front, which spreadsheets do not show; numbers stay numbers. The file begins
with a byte order mark, because Excel reads UTF-8 only with one.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import orjson

from crawlers.items import RECORD_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TRIGGERS = frozenset("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
_NUMBERS = frozenset({"version"})
NESTED = frozenset({"authors", "blocks", "fields", "media", "keywords", "quality", "flags", "rights", "provenance"})
"""Columns that hold JSON."""


def _is_live(text: str) -> bool:
    """Whether a spreadsheet would take *text* for a formula."""
    if not text:
        return False
    bare = text.lstrip(" \u00a0\u3000\n\v\f")
    if text[0] not in _TRIGGERS and (not bare or bare[0] not in _TRIGGERS):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return text[0] in "\t\r"


def cell(value: Any) -> Any:
    """*value* as it may stand in a cell: text that would run gets an apostrophe, None becomes empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _is_live(value.lstrip("'")) else value
    if isinstance(value, bool | int | float):
        return value
    return cell(orjson.dumps(value).decode())


def uncell(text: str) -> str:
    """The inverse of :func:`cell` for text."""
    return text[1:] if text.startswith("'") and _is_live(text.lstrip("'")) else text


class CsvExporter:
    """``records.csv``."""

    name: ClassVar[str] = "csv"
    filename: ClassVar[str] = "records.csv"

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies*; return how many."""
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(RECORD_FIELDS)
        count = 0
        for body in bodies:
            record = orjson.loads(body)
            writer.writerow([_column(name, record.get(name)) for name in RECORD_FIELDS])
            count += 1
        text.detach()
        return count

    def companions(self, bodies: Iterable[str]) -> dict[str, bytes]:
        """None."""
        return {}

    @staticmethod
    def read(path: Path) -> Iterator[dict[str, Any]]:
        """The records of a file. An empty cell is null."""
        csv.field_size_limit(1 << 30)
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield {name: _value(name, uncell(text)) for name, text in row.items()}


def _column(name: str, value: Any) -> Any:
    return orjson.dumps(value).decode() if name in NESTED else cell(value)


def _value(name: str, text: str) -> Any:
    if name in NESTED:
        return orjson.loads(text)
    if text == "":
        return None
    return int(text) if name in _NUMBERS else text
