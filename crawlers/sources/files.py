"""Folders of files: JSON lines and CSV a record a line or row, HTML and text a record a file. Large files in pieces.

A line that cannot be read becomes a rejection that names file and line, a file that is not read is recorded as skipped:
nothing is passed over in silence, but for names that begin with a dot. Links that lead out of the folder are not
followed.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote

import orjson

from crawlers.errors import READ, REFUSED, ArgumentError, Rejected
from crawlers.middlewares.outcomes import Failed, Skipped, mark
from crawlers.sources.arguments import CommonArguments, argument
from crawlers.sources.bytelines import NotLines
from crawlers.sources.firstlines import FirstLines
from crawlers.sources.lines import Line, csv_rows, json_lines
from crawlers.sources.pieces import LINES, Piece, PieceSource, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import BinaryIO

    from scrapy import Request
    from scrapy.http import Response

    from crawlers.items import Record
    from crawlers.sources.firstlines import Reader

_ROWS = 1000
_PIECE_BYTES = 4 * 1024 * 1024
_WHOLE = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".txt": "text/plain",
    ".md": "text/plain",
}
_BY_LINE = {".jsonl": json_lines, ".ndjson": json_lines, ".csv": csv_rows, ".tsv": csv_rows}
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

    def __init__(self, name: str | None = None, **given: Any) -> None:
        super().__init__(name, **given)
        self._first_lines = FirstLines(lambda line: _own_key(line.row or {}))

    def closed(self, reason: str) -> None:
        """Let go of the keys that were read."""
        self._first_lines.close()

    @property
    def root(self) -> Path:
        """The folder.

        Raises:
            ArgumentError: it is not there.
        """
        given = self.args.folder or self.folder
        path = Path(given).expanduser().resolve()
        if not given or not path.is_dir():
            raise ArgumentError(
                f"{self.name}: argument 'folder': expected a folder to read, got {str(path) if given else 'none'}"
            )
        return path

    def check(self) -> None:
        """Raise where there is no folder, or no file in it to read."""
        root = self.root
        if not any(self._is_read(root, path) for pattern in self.patterns for path in root.glob(pattern)):
            raise ArgumentError(
                f"{self.name}: argument 'folder': expected files that match {' or '.join(self.patterns)}, got none in {root}"
            )

    def _inside(self, relative: str) -> Path:
        root = self.root
        path = (root / relative).resolve()
        if not path.is_relative_to(root):
            raise Skipped("outside-folder", f"expected a file inside {root}, got {relative!r}, which leads out of it")
        if not path.is_file():
            raise Failed("no-file", f"expected a file inside {root}, got {relative!r}, which is not there any more")
        return path

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first piece of each file, in the order of their names."""
        root = self.root
        for path in sorted({path for pattern in self.patterns for path in root.glob(pattern)}):
            if self._is_read(root, path):
                yield self._first_piece(path, path.relative_to(root).as_posix())

    @staticmethod
    def _is_read(root: Path, path: Path) -> bool:
        return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)

    def _first_piece(self, path: Path, relative: str) -> Request:
        request = self.piece_request(quote(relative))
        if path.suffix.lower() not in _WHOLE and path.suffix.lower() not in _BY_LINE:
            known = ", ".join([*_BY_LINE, *_WHOLE])
            return mark(request, "unsupported-type", f"expected one of {known}, got {path.suffix or 'no suffix'}")
        return request

    # --- pieces -----------------------------------------------------------------------------------------------------

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read a file, or the part of it that begins at the byte ``start``, which is line ``line``."""
        relative = unquote(path)
        file_path = self._inside(relative)
        kind = file_path.suffix.lower()
        try:
            with file_path.open("rb") as file:
                if kind in _WHOLE:
                    self._check_size(file_path, relative)
                    return Piece(file.read(), content_type=_WHOLE[kind])
                return self._lines(
                    relative, file, _BY_LINE[kind], int(query.get("start", 0)), int(query.get("line", 1))
                )
        except NotLines as exc:
            raise Failed("not-lines", f"{relative}: {exc}") from None
        except OSError as exc:
            raise Failed("unreadable", f"{relative}: {exc.strerror or exc}") from None
        except sqlite3.Error as exc:
            raise SourceUnavailable(
                f"{relative}: its keys need room among the system's temporary files (TMPDIR), got: {exc}"
            ) from None

    def _lines(self, relative: str, file: BinaryIO, read: Reader, start: int, number: int) -> Piece:
        """Up to a thousand lines, or four megabytes, and where the next piece begins."""
        found: list[bytes] = []
        size, following = 0, None
        with self._first_lines.lock:
            self._first_lines.catch_up(relative, file, read, start)
            for line in read(file, start, number):
                if len(found) >= _ROWS or size >= _PIECE_BYTES:
                    return Piece(b"\n".join(found), following=following)
                found.append(_written(line, repeated=self._first_lines.is_repeated(relative, line)))
                size += len(found[-1])
                following = {"start": str(line.end), "line": str(line.next_number)}
            self._first_lines.forget(relative)
        return Piece(b"\n".join(found))

    def _check_size(self, path: Path, relative: str) -> None:
        limit = self.settings.getint("DOWNLOAD_MAXSIZE") if hasattr(self, "settings") else 0
        size = path.stat().st_size
        if limit and size > limit:
            raise Skipped(
                "too-large", f"expected a file of at most DOWNLOAD_MAXSIZE={limit} bytes, got {relative}: {size}"
            )

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """Yield the records of a piece, and the request for the next."""
        relative = unquote(response.url.partition("://")[2].partition("/")[2].partition("?")[0])
        if response.headers.get("Content-Type") != LINES.encode():
            yield self.record(response, key=relative, type="DigitalDocument")
            return
        for line in map(orjson.loads, response.body.splitlines()):
            line["file"] = relative
            yield self.record_of(response, _key(line), line)
        following = self.following(response)
        if following is not None:
            yield following

    def record_of(self, response: Response, key: str, line: dict[str, Any]) -> Record:
        """The record of a line or row. Sources that want more than its values extend this."""
        row = line.get("row")
        record = self.record(response, key=key, type="Dataset")
        record.page = None
        if row is None:
            record.fields = {"raw": line["raw"]}
            _refuse(record, "broken-line", line, line["error"])
            return record
        record.fields = row
        _fill(record, row)
        if line.get("guessed"):
            record.flag("encoding-guessed")
        if line.get("repeated"):
            _refuse(record, "repeated-key", line, f"expected a key of its own, got {_own_key(line['row'])} again")
        return record


def _refuse(record: Record, reason: str, line: dict[str, Any], why: str) -> None:
    place = f"{line['file']}:{line['line']}"
    record.cache[REFUSED] = Rejected(stage=READ, reason=reason, detail=f"{place}: {why}")


def _key(line: dict[str, Any]) -> str:
    """The record's key: the file, and the row's own key behind it; or its line where it has none, or has one again."""
    relative, number, own = line["file"], line["line"], _own_key(line.get("row") or {})
    if own is None:
        return f"{relative}#@{number}"
    return f"{relative}#{own}@{number}" if line.get("repeated") else f"{relative}#{own}"


def _own_key(row: dict[str, Any]) -> str | None:
    return next((str(row[name]) for name in _KEYS if row.get(name) not in (None, "")), None)


def _fill(record: Record, row: dict[str, Any]) -> None:
    """Take over what the row has under the envelope's own names."""
    for name in ("title", "text", "language", "url", "published_at"):
        value = row.get(name)
        if isinstance(value, str) and value:
            setattr(record, name, value)
            del row[name]
    record.modality = "text" if record.text else "table"


def _written(line: Line, *, repeated: bool) -> bytes:
    if line.row is None:
        return orjson.dumps({"line": line.number, "raw": line.raw, "error": line.error})
    more = {name: True for name, said in (("guessed", line.guessed), ("repeated", repeated)) if said}
    return orjson.dumps({"line": line.number, "row": line.row, **more})
