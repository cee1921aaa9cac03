"""Folders of files: JSON lines and CSV a record a line or row, HTML and text a record a file. Large files in pieces.

A line that cannot be read becomes a rejection that names file and line; nothing is passed over in silence. Links that
lead out of the folder are not followed.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

import orjson

from crawlers.errors import ArgumentError, GristmillError, Rejected
from crawlers.hashing import sha256
from crawlers.plain import plain
from crawlers.sources.arguments import CommonArguments, argument
from crawlers.sources.pieces import LINES, Piece, PieceSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import BinaryIO

    from scrapy.http import Response

    from crawlers.items import Record

REFUSED = "refused"
"""Key in ``Record.cache``: a Rejected that the source itself decided; ``pipelines.manager`` writes it down."""

_ROWS = 1000
_PIECE_BYTES = 4 * 1024 * 1024
_LINE_MAX = 16 * 1024 * 1024
_WHOLE = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".txt": "text/plain",
    ".md": "text/plain",
}
_BY_LINE = frozenset({".jsonl", ".ndjson", ".csv", ".tsv"})
_KEYS = ("id", "key", "url")


@dataclass(kw_only=True)
class FilesArguments(CommonArguments):
    """What every files source understands."""

    folder: str = argument("the folder to read", "", example="corpus/")


class FilesSource(PieceSource):
    """Base of sources that are a folder.

    Class attributes:
        folder: the folder to read; the argument ``folder`` goes before it.
        patterns: glob patterns of the files, relative to the folder.
    """

    scheme = "folder"
    Arguments: ClassVar[type[CommonArguments]] = FilesArguments
    folder: ClassVar[str] = ""
    patterns: ClassVar[tuple[str, ...]] = ("**/*",)

    @property
    def root(self) -> Path:
        """The folder.

        Raises:
            ArgumentError: it is not there.
        """
        path = Path(self.args.folder or self.folder).expanduser().resolve()
        if not (self.args.folder or self.folder) or not path.is_dir():
            raise ArgumentError(f"{self.name}: argument 'folder': expected a folder to read, got {path}")
        return path

    def _inside(self, relative: str) -> Path:
        root = self.root
        path = (root / relative).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise GristmillError(f"{self.name}: expected a file inside {root}, got {relative!r}")
        return path

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first piece of each file, in the order of their names."""
        root = self.root
        for path in sorted({path for pattern in self.patterns for path in root.glob(pattern)}):
            kind = path.suffix.lower()
            if not path.is_file() or not (kind in _WHOLE or kind in _BY_LINE):
                continue
            if path.resolve().is_relative_to(root):
                yield self.piece_request(quote(path.relative_to(root).as_posix()))
            else:
                self.logger.warning("%s leads out of %s: it is not read", path, root)

    # --- pieces -----------------------------------------------------------------------------------------------------

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read a file, or the part of it that begins at the byte ``start``, which is line ``line``."""
        file_path = self._inside(unquote(path))
        kind = file_path.suffix.lower()
        start, line = int(query.get("start", 0)), int(query.get("line", 1))
        with file_path.open("rb") as file:
            if kind in _WHOLE:
                return Piece(file.read(), content_type=_WHOLE[kind])
            read = _csv_rows if kind in {".csv", ".tsv"} else _json_lines
            return _piece(read(file, start, line))

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """Yield the records of a piece, and the request for the next."""
        relative = unquote(response.url.partition("://")[2].partition("/")[2].partition("?")[0])
        if response.headers.get("Content-Type") != LINES.encode():
            yield self.record(response, key=relative, type="DigitalDocument")
            return
        for line in response.body.splitlines():
            yield self.record_of(response, relative, orjson.loads(line))
        following = self.following(response)
        if following is not None:
            yield following

    def record_of(self, response: Response, relative: str, line: dict[str, Any]) -> Record:
        """The record of a line or row."""
        place = f"{relative}#{line['line']}"
        row = line.get("row")
        if row is None:
            record = self.record(response, key=place, type="Dataset", fields={"raw": line["raw"]})
            record.cache[REFUSED] = Rejected(
                stage="read", reason="broken-line", detail=f"{relative}:{line['line']}: {line['error']}"
            )
        else:
            own = next((row[name] for name in _KEYS if row.get(name) not in (None, "")), None)
            record = self.record(response, key=str(own) if own is not None else place, type="Dataset")
            record.fields = row
            _fill(record, row)
        record.page = None
        return record


def _fill(record: Record, row: dict[str, Any]) -> None:
    """Take over what the row has under the envelope's own names."""
    for name in ("title", "text", "language", "url", "published_at"):
        value = row.get(name)
        if isinstance(value, str) and value:
            setattr(record, name, value)
            del row[name]
    record.modality = "text" if record.text else "table"


def _piece(rows: Iterator[tuple[dict[str, Any], int, int]]) -> Piece:
    """Up to a thousand rows, or four megabytes, and where the next piece begins."""
    lines, size, following = [], 0, None
    for row, end, line in islice(rows, _ROWS):
        lines.append(orjson.dumps(row))
        size += len(lines[-1])
        following = {"start": str(end), "line": str(line)}
        if size >= _PIECE_BYTES:
            break
    else:
        if len(lines) < _ROWS:
            following = None
    return Piece(b"\n".join(lines), following=following)


def _json_lines(file: BinaryIO, start: int, line: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Row, offset after it and number of the next line, for each line that is not blank."""
    file.seek(start)
    while raw := file.readline(_LINE_MAX):
        number, line = line, line + 1
        if start == 0 and number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            continue
        try:
            value = orjson.loads(raw)
        except ValueError as exc:
            row = _broken(number, raw, str(exc))
        else:
            known = isinstance(value, dict)
            row = {"line": number, "row": value} if known else _broken(number, raw, "expected an object")
        yield row, file.tell(), line


def _csv_rows(file: BinaryIO, start: int, line: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """As :func:`_json_lines`, for rows that may span lines. The first row names the columns."""
    sample = file.read(64 * 1024)
    encoding = "utf-16" if sample[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    if encoding == "utf-16":
        raise GristmillError(f"{file.name}: expected UTF-8, got UTF-16: convert it first (iconv -f utf-16 -t utf-8)")
    delimiter = _delimiter(sample.decode("utf-8-sig", "replace"))
    file.seek(0)
    counted = _Counted(file)
    header = next(csv.reader(counted, delimiter=delimiter), [])
    if start:
        counted.seek(start, line)
    for values in csv.reader(counted, delimiter=delimiter):
        number = counted.first_line
        counted.first_line = counted.line
        if not values:
            continue
        if len(values) == len(header):
            row = {"line": number, "row": dict(zip(header, values, strict=True))}
        else:
            raw = io.StringIO()
            csv.writer(raw).writerow(values)
            row = _broken(number, raw.getvalue().encode(), f"expected {len(header)} columns, got {len(values)}")
        yield row, counted.offset, counted.line


class _Counted:
    """Lines of a file as text, with the offset and the number of the next one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.offset = 0
        self.line = 1
        self.first_line = 2

    def seek(self, offset: int, line: int) -> None:
        self._file.seek(offset)
        self.offset, self.line, self.first_line = offset, line, line

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(_LINE_MAX)
        if not raw:
            raise StopIteration
        first = self.offset == 0
        self.offset += len(raw)
        self.line += 1
        text = raw.decode("utf-8", "replace")
        return text.removeprefix("\ufeff") if first else text


def _delimiter(sample: str) -> str:
    """The delimiter that occurs most often in the first line; the comma where none does."""
    first = sample.partition("\n")[0]
    return max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))


def _broken(number: int, raw: bytes, error: str) -> dict[str, Any]:
    text = raw[:2000].decode("utf-8", "replace").rstrip("\r\n")
    return plain({"line": number, "raw": text, "sha256": sha256(raw), "error": error})  # type: ignore[no-any-return]
