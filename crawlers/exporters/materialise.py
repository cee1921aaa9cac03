"""Writes an export from the ledger: the file whole or not at all, then its manifest.

Both are on disk before the first is renamed. A manifest that is missing, or whose hash is not that of the file, tells
that a process died between the two renames; the next export writes both again. Equal records give equal bytes; only the
manifest has a date. Exports to one folder wait for each other, so that the last one has what all workers committed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from crawlers import __version__
from crawlers.exporters import exporter, path_of
from crawlers.files import alone_in, together
from crawlers.ledger import crawls, records
from crawlers.ledger.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from crawlers.ledger.database import Database

MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    format: str
    path: Path
    records: int
    bytes: int
    sha256: str


class _Hashed:
    """A file that hashes and counts what passes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.bytes += len(data)
        self._file.write(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    @property
    def sha256(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def materialise(
    database: Database,
    source: str,
    name: str,
    folder: Path,
    *,
    output: Path | None = None,
    since_run: str | None = None,
    gone: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Export:
    """Write the records of *source* in the format *name*.

    Args:
        database: the ledger.
        source: name of the source.
        name: of the format, see :data:`crawlers.exporters.EXPORTERS`.
        folder: the source's own folder, for the usual file name.
        output: another file to write to.
        since_run: only what later runs than this one made or changed.
        gone: also records that the source no longer has.
        progress: called with the number of records so far.

    Raises:
        DiskFull, GristmillError: the file cannot be written.
        ConfigurationError: unknown format, or a package is missing.
    """
    writer = exporter(name)
    path = output or path_of(name, folder)
    with alone_in(path.parent), together() as files, database.read() as conn:
        bodies = _bodies(conn, source, ("kept", "gone") if gone else ("kept",), since_run, progress)
        with files.replacing(path) as file:
            hashed: Any = _Hashed(file)
            count = writer.write(bodies, hashed)
        export = Export(name, path, count, hashed.bytes, hashed.sha256)
        about = {"schema": writer.schema, "since_run": since_run, "gone": gone, **_last_run(conn, source)}
        files.write(manifest_path(path), _manifest(export, source, about))
        for companion, content in writer.companions().items():
            files.write(path.with_name(companion), content)
    return export


def _bodies(
    conn: Connection,
    source: str,
    states: tuple[str, ...],
    since_run: str | None,
    progress: Callable[[int], None] | None,
) -> Iterator[str]:
    count = 0
    for state in states:
        for body in records.bodies(conn, source, state, since_run):
            yield body
            count += 1
            if progress is not None and count % 1000 == 0:
                progress(count)


def manifest_path(path: Path) -> Path:
    """Where the manifest of the file *path* is."""
    return path.with_name(f"{path.name}.manifest.json")


def _manifest(export: Export, source: str, about: dict[str, Any]) -> bytes:
    values = {
        "manifest_version": MANIFEST_VERSION,
        "file": export.path.name,
        "format": export.format,
        "source": source,
        "records": export.records,
        "bytes": export.bytes,
        "sha256": export.sha256,
        **about,
        "software": f"gristmill {__version__}",
        "created_at": utc_now(),
    }
    return orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n"


def _last_run(conn: Connection, source: str) -> dict[str, str | None]:
    run = crawls.last_run(conn, source)
    return {"run_id": run.id if run else None, "settings_digest": run.settings_digest if run else None}


def is_whole(path: Path) -> bool:
    """Whether the file *path* is the one that its manifest describes."""
    try:
        manifest = orjson.loads(manifest_path(path).read_bytes())
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(manifest, dict) and manifest.get("sha256") == f"sha256:{found}"
