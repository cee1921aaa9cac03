"""Files with a record a line: JSON lines and CSV, from any place in the file, with what is broken told by its line.

A file is read from an offset on and never held whole. Each :class:`Line` says where the next one begins, so that the
reading can go on there in another process.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from crawlers.extractors import encodings
from crawlers.plain import plain
from crawlers.sources.bytelines import ByteLines, NotLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

LINE_MAX = 16 * 1024 * 1024
"""Bytes that one line of JSON may have."""
ROW_MAX = 1024 * 1024
"""Bytes that one row of CSV may have, line breaks in its cells included."""

_SHOWN = 2000
_BOM = b"\xef\xbb\xbf"
_LONG_NUMBER = re.compile(rb"\d{19}")
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(slots=True)
class Line:
    """What stands on one line, or on the lines of one row."""

    number: int
    """Of its first line, from 1."""
    end: int
    """Offset of the byte after it."""
    next_number: int
    """Of the line after it."""
    row: dict[str, Any] | None = None
    """None where it is broken."""
    error: str = ""
    raw: str = ""
    """The beginning of a broken line, as far as it can be shown."""
    guessed: bool = False
    """Whether its encoding is not the file's."""


# --- JSON lines -----------------------------------------------------------------------------------------------------


def json_lines(file: BinaryIO, start: int = 0, number: int = 1) -> Iterator[Line]:
    """Each line of *file* from the offset *start*, which is line *number*; blank ones are passed over.

    The file is UTF-8, as JSON lines are, or UTF-16.
    """
    lines = ByteLines(file)
    lines.seek(start)
    offset = start
    while raw := lines.readline(LINE_MAX):
        line = Line(number, 0, number + 1)
        offset += len(raw)
        text = lines.utf8(raw)
        if len(raw) == LINE_MAX and not lines.is_whole(raw):
            offset += _skip_line(lines)
            line.error, line.raw = f"expected a line of at most {LINE_MAX:,} bytes", _shown(text)
        elif not text.removeprefix(_BOM).strip():
            number += 1
            continue
        else:
            _read_json(text.removeprefix(_BOM) if number == 1 else text, line)
        line.end = offset
        yield line
        number += 1


def _skip_line(lines: ByteLines) -> int:
    """Read to the end of the line without holding it; return how many bytes that were."""
    skipped = 0
    while raw := lines.readline(LINE_MAX):
        skipped += len(raw)
        if lines.is_whole(raw):
            break
    return skipped


def _read_json(raw: bytes, line: Line) -> None:
    try:
        value = orjson.loads(raw)
        if _LONG_NUMBER.search(raw):
            value = plain(json.loads(raw))  # orjson makes floats of integers of more than 64 bits
    except ValueError as exc:
        line.error, line.raw = str(exc), _shown(raw)
        return
    if isinstance(value, dict):
        line.row = value
    else:
        line.error, line.raw = f"expected an object, got {type(value).__name__}", _shown(raw)


# --- CSV ------------------------------------------------------------------------------------------------------------


def csv_rows(file: BinaryIO, start: int = 0, number: int = 1) -> Iterator[Line]:
    """Each row of *file* from the offset *start*, which is line *number*. The first row of the file names the columns.

    A row that never ends, since a quotation mark is missing, costs its first line and not the rest of the file.
    """
    csv.field_size_limit(max(csv.field_size_limit(), ROW_MAX))
    text = _Text(file)
    delimiter = text.delimiter
    header = _header(text, delimiter)
    if start:
        text.seek(start, number)
    while (line := _next_row(text, delimiter, header)) is not None:
        if line.row is not None or line.error:
            yield line


def _header(text: _Text, delimiter: str) -> list[str]:
    """Names of the columns; those without one, or with one that was there before, get their number."""
    rows = csv.reader(text, delimiter=delimiter)
    try:
        found = next((row for row in rows if row and not (len(row) <= 2 and row[0].startswith("sep="))), [])
    except csv.Error as exc:
        raise NotLines(f"expected names of columns on the first line, which cannot be read: {exc}") from None
    names: list[str] = []
    for place, name in enumerate((value.strip() for value in found), 1):
        names.append(name if name and name not in names else f"{name or 'column'}_{place}")
    return names


def _next_row(text: _Text, delimiter: str, header: list[str]) -> Line | None:
    """The next row, an empty Line for a blank one, or None at the end."""
    text.begin_row()
    line = Line(text.number, 0, 0)
    values, line.error = _values(text, delimiter)
    if line.error:
        line.raw = text.row[0].rstrip("\r\n")[:_SHOWN]
        text.back_to_second_line()
    elif values is None:
        return None
    elif len(values) == len(header):
        line.row, line.guessed = dict(zip(header, values, strict=True)), text.guessed
    elif values:
        line.error = f"expected {len(header)} columns, got {len(values)}"
        line.raw = "".join(text.row).rstrip("\r\n")[:_SHOWN]
    line.end, line.next_number = text.offset, text.number
    return line


def _values(text: _Text, delimiter: str) -> tuple[list[str] | None, str]:
    """The cells of the next row, None at the end; or what is wrong with it."""
    try:
        values = next(csv.reader(text, delimiter=delimiter), None)
    except csv.Error as exc:
        return None, str(exc)
    if text.at_end and _is_open(text.row, delimiter):
        return None, "a quotation mark opens here and none closes it"
    return values, ""


def _is_open(row: list[str], delimiter: str) -> bool:
    """Whether a row that the file's end cut off is still inside a quotation mark."""
    try:
        list(csv.reader(row, delimiter=delimiter, strict=True))
    except csv.Error as exc:
        return "unexpected end of data" in str(exc)
    return False


class _Text:
    """Lines of a file as text for a csv.reader, with the place of the next one."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = ByteLines(file)
        self._encoding = self._lines.encoding or _encoding_of(self._lines.sample, self._lines.is_cut)
        self.delimiter = _delimiter(self._lines.sample.decode(self._encoding, "replace"))
        self.seek(0, 1)

    def seek(self, offset: int, number: int) -> None:
        self._lines.seek(offset)
        self.offset, self.number = offset, number
        self.begin_row()

    def begin_row(self) -> None:
        """What is read from here on is one row."""
        self.row: list[str] = []
        self.guessed = self.at_end = False
        self._bytes = 0
        self._second = (self.offset, self.number)

    def back_to_second_line(self) -> None:
        """Go back to the line after the row's first."""
        self.offset, self.number = self._second
        self._lines.seek(self.offset)

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        raw = self._lines.readline(ROW_MAX)
        if not raw:
            self.at_end = True
            raise StopIteration
        while len(raw) == ROW_MAX and not self._lines.is_whole(raw):
            self.offset += len(raw)
            self._bytes += len(raw)
            raw = self._lines.readline(ROW_MAX)
        text = self._decoded(raw.removeprefix(self._lines.mark) if self.number == 1 else raw)
        self.offset += len(raw)
        self.number += 1
        self._bytes += len(raw)
        self.row.append(text)
        if len(self.row) == 1:
            self._second = (self.offset, self.number)
        if self._bytes > ROW_MAX:
            raise csv.Error(f"expected a row of at most {ROW_MAX:,} bytes")
        if not self._lines.is_whole(raw):
            self.at_end = True
        return text

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError:
            self.guessed = True
            if self._lines.is_wide:
                return raw.decode(self._encoding, "replace")
            return encodings.decode(raw).text


def _encoding_of(sample: bytes, is_cut: bool) -> str:
    """UTF-8 where the sample is that, but for a character that its end cuts; else what it looks like."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=not is_cut)
    except UnicodeDecodeError:
        return encodings.decode(sample).encoding
    return "utf-8"


def _delimiter(sample: str) -> str:
    """The delimiter that ``sep=`` names, or that occurs most often in the first line that is not blank."""
    first = next((text for text in io.StringIO(sample) if text.strip()), "")
    if first.startswith("sep=") and len(first.rstrip("\r\n")) == 5:
        return first[4]
    first = _QUOTED.sub("", first)
    return max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))


def _shown(raw: bytes) -> str:
    return raw[:_SHOWN].decode("utf-8", "replace").rstrip("\r\n")
