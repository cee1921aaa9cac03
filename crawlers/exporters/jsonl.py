"""JSON lines: a record a line, with every field of the envelope. What the ledger keeps, as it keeps it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_BATCH = 1000


class JsonlExporter:
    """``records.jsonl``, UTF-8."""

    name: ClassVar[str] = "jsonl"
    filename: ClassVar[str] = "records.jsonl"
    schema: ClassVar[str] = "urn:gristmill:schema:record:1"

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies*; return how many."""
        count, source = 0, iter(bodies)
        while batch := list(islice(source, _BATCH)):
            file.write(("\n".join(batch) + "\n").encode())
            count += len(batch)
        return count

    def companions(self) -> dict[str, bytes]:
        """None."""
        return {}

    @staticmethod
    def read(path: Path) -> Iterator[dict[str, Any]]:
        """The records of a file."""
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield orjson.loads(line)
