"""One format per file, both directions: records to files and tasks, tool output to annotations.

An exporter is a class with ``name``, ``filename`` and ``write(bodies, file) -> int``, where *bodies* are records as the
ledger keeps them (JSON texts), and *file* is open for bytes; formats that hold whole records also ``read(path)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from crawlers.errors import ConfigurationError
from crawlers.exporters.csv import CsvExporter
from crawlers.exporters.jsonl import JsonlExporter
from crawlers.exporters.labelstudio import LabelStudioExporter
from crawlers.exporters.parquet import ParquetExporter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO


class Exporter(Protocol):
    """Writes records in one format."""

    name: ClassVar[str]
    filename: ClassVar[str]
    """Name of the file in the source's folder."""
    schema: ClassVar[str]
    """``$id`` of the schema of what one unit of the file holds."""

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies*; return how many records they are."""

    def companions(self) -> dict[str, bytes]:
        """Small files that the tool wants beside the one that was just written: name to content."""


EXPORTERS: dict[str, type[Any]] = {
    cls.name: cls for cls in (JsonlExporter, CsvExporter, ParquetExporter, LabelStudioExporter)
}


def exporter(name: str) -> Any:
    """A new exporter of the format *name*.

    Raises:
        ConfigurationError: there is no such format; lists those that there are.
    """
    try:
        return EXPORTERS[name]()
    except KeyError:
        raise ConfigurationError(
            f"unknown export format {name!r}: expected one of {', '.join(sorted(EXPORTERS))}"
        ) from None


def parse_formats(text: str | Iterable[str]) -> list[str]:
    """Names of the formats in an ``EXPORTS`` setting. Unknown ones raise ConfigurationError."""
    names = text.split(",") if isinstance(text, str) else list(text)
    found = [name.strip() for name in names if name.strip()]
    for name in found:
        exporter(name)
    return found


def path_of(name: str, folder: Path) -> Path:
    """Where the format *name* is written for a source whose folder is *folder*."""
    return folder / str(EXPORTERS[name].filename)
