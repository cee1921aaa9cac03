"""Parquet, zstd: the envelope's columns for data frames, nested ones as JSON text, fields among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import orjson

from crawlers.errors import MissingPackageError
from crawlers.exporters.csv import NESTED
from crawlers.items import RECORD_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_GROUP_ROWS = 10_000
_GROUP_CHARACTERS = 1 << 23
_LISTS = frozenset({"authors", "flags"})


def _arrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise MissingPackageError("pyarrow", "parquet", "The export format 'parquet'") from None
    return pa


class ParquetExporter:
    """``records.parquet``."""

    name: ClassVar[str] = "parquet"
    filename: ClassVar[str] = "records.parquet"
    schema: ClassVar[str] = "urn:gristmill:schema:record:1"

    def __init__(self) -> None:
        self._pa = _arrow()

    def _schema(self) -> Any:
        pa = self._pa
        kinds = {"version": pa.int32(), **dict.fromkeys(_LISTS, pa.list_(pa.string()))}
        return pa.schema([(name, kinds.get(name, pa.string())) for name in RECORD_FIELDS])

    def write(self, bodies: Iterable[str], file: BinaryIO) -> int:
        """Write *bodies*; return how many."""
        pa, schema = self._pa, self._schema()
        count = 0
        with pa.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in _groups(bodies):
                columns = {name: [_cell(name, record.get(name)) for record in batch] for name in RECORD_FIELDS}
                writer.write_table(pa.table(columns, schema=schema))
                count += len(batch)
        return count

    def companions(self) -> dict[str, bytes]:
        """None."""
        return {}

    def read(self, path: Path) -> Iterator[dict[str, Any]]:
        """The records of a file."""
        for batch in self._pa.parquet.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                yield {name: orjson.loads(value) if name in NESTED - _LISTS else value for name, value in row.items()}


def _groups(bodies: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
    """Records of one row group each: bounded in number and in size, for what it takes in memory."""
    group: list[dict[str, Any]] = []
    size = 0
    for body in bodies:
        group.append(orjson.loads(body))
        size += len(body)
        if len(group) == _GROUP_ROWS or size >= _GROUP_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _cell(name: str, value: Any) -> Any:
    return orjson.dumps(value).decode() if name in NESTED - _LISTS else value
