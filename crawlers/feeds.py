"""Scrapy's own feeds (``-o file.csv``) for records: every column in order, nested parts as JSON, nothing that breaks a file.

Items of other kinds pass as Scrapy has them, with the same care: no cell that a spreadsheet would run, nothing that
UTF-8, JSON or XML cannot hold.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from itemadapter import ItemAdapter, is_item
from scrapy.exporters import CsvItemExporter, JsonItemExporter, JsonLinesItemExporter, XmlItemExporter

from crawlers.exporters.csv import NESTED, cell
from crawlers.items import RECORD_FIELDS, Record, to_dict
from crawlers.ledger.bodies import json_text, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# XML 1.0, production 2: what no document may contain, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CsvFeedExporter(CsvItemExporter):
    """CSV that a spreadsheet can open."""

    def export_item(self, item: Any) -> None:
        """Write one row."""
        if isinstance(item, Record):
            if not self.fields_to_export:
                self.fields_to_export = list(RECORD_FIELDS)
            item = {k: json_text(v) if k in NESTED else v for k, v in to_dict(item).items()}
        super().export_item(item)

    def _write_headers_and_set_fields_to_export(self, item: Any) -> None:
        """Not again in a file that is gone on with (``-o``) and begins with this very line."""
        writer, line = self.csv_writer, io.StringIO(newline="")
        self.csv_writer = csv.writer(line, **self._kwargs)
        super()._write_headers_and_set_fields_to_export(item)
        self.csv_writer = writer
        if not self._begins_with(line.getvalue().encode(self.stream.encoding, self.stream.errors or "strict")):
            self.stream.write(line.getvalue())

    def _begins_with(self, line: bytes) -> bool:
        path = getattr(self.stream.buffer, "name", None)
        if not isinstance(path, str | os.PathLike) or not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            return file.read(len(line)) == line

    def _join_if_needed(self, value: Any) -> Any:
        """Lists of texts are joined, as Scrapy does; what Scrapy would write as Python code is JSON."""
        joined = super()._join_if_needed(value)
        if isinstance(joined, list | tuple | Mapping) or is_item(joined):
            return orjson.dumps(_plain(joined), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return joined

    def _build_row(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in super()._build_row(values):
            yield cell(storable(value)) if isinstance(value, str) else value


class JsonFeedExporter(JsonItemExporter):
    """A JSON array."""

    def export_item(self, item: Any) -> None:
        """Write one element."""
        super().export_item(to_dict(item) if isinstance(item, Record) else item)

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        """As Scrapy does, without what JSON cannot hold."""
        return _plain(super().serialize_field(field, name, value))


class JsonLinesFeedExporter(JsonLinesItemExporter):
    """A JSON object a line."""

    def export_item(self, item: Any) -> None:
        """Write one line."""
        super().export_item(to_dict(item) if isinstance(item, Record) else item)

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        """As Scrapy does, without what JSON cannot hold."""
        return _plain(super().serialize_field(field, name, value))


class XmlFeedExporter(XmlItemExporter):
    """XML without what XML forbids."""

    def export_item(self, item: Any) -> None:
        """Write one element."""
        super().export_item(to_dict(item) if isinstance(item, Record) else item)

    def serialize_field(self, field: Any, name: str, value: Any) -> Any:
        """As Scrapy does, without what XML cannot hold."""
        return _xml(_plain(super().serialize_field(field, name, value)))

    def _export_xml_field(self, name: str, serialized_value: Any, depth: int) -> None:
        super()._export_xml_field(_name(name), serialized_value, depth)


def _plain(value: Any) -> Any:
    """*value* without lone surrogates, and with null for what is no number; other types are left to Scrapy."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping) or is_item(value):
        items = value.items() if isinstance(value, Mapping) else ItemAdapter(value).items()
        return {storable(k) if isinstance(k, str) else k: _plain(v) for k, v in items}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def _xml(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value)
    if isinstance(value, dict):
        return {str(k): _xml(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_xml(v) for v in value]
    return "" if value is None else value


def _name(key: str) -> str:
    """*key* as the name of an element."""
    name = re.sub(r"[^\w.-]", "_", key, flags=re.ASCII)
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"
