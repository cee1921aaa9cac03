"""Scrapy's own feeds (``-o file.csv``) for records: every column in order, nested parts as JSON, nothing that breaks a file.

Items of other kinds pass as Scrapy has them; in CSV their cells, too, are made safe for spreadsheets.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from itemadapter import ItemAdapter
from scrapy.exporters import CsvItemExporter, JsonItemExporter, JsonLinesItemExporter, XmlItemExporter

from crawlers.exporters.csv import NESTED, cell
from crawlers.items import RECORD_FIELDS, Record, to_dict

# XML 1.0, production 2: what no document may contain, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _values(item: Any) -> Any:
    return to_dict(item) if isinstance(item, Record) else item


class CsvFeedExporter(CsvItemExporter):
    """CSV that a spreadsheet can open."""

    def export_item(self, item: Any) -> None:
        """Write one row."""
        if isinstance(item, Record):
            if not self.fields_to_export:
                self.fields_to_export = list(RECORD_FIELDS)
            values = to_dict(item)
            row = {k: orjson.dumps(v).decode() if k in NESTED else cell(v) for k, v in values.items()}
        else:
            row = {k: cell(v) if isinstance(v, str) else v for k, v in ItemAdapter(item).items()}
        super().export_item(row)


class JsonFeedExporter(JsonItemExporter):
    """A JSON array."""

    def export_item(self, item: Any) -> None:
        """Write one element."""
        super().export_item(_values(item))


class JsonLinesFeedExporter(JsonLinesItemExporter):
    """A JSON object a line."""

    def export_item(self, item: Any) -> None:
        """Write one line."""
        super().export_item(_values(item))


class XmlFeedExporter(XmlItemExporter):
    """XML without what XML forbids."""

    def export_item(self, item: Any) -> None:
        """Write one element."""
        super().export_item(_xml(_values(item) if isinstance(item, Record) else ItemAdapter(item).asdict()))


def _xml(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_name(str(k)): _xml(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_xml(v) for v in value]
    return "" if value is None else value


def _name(key: str) -> str:
    """*key* as the name of an element."""
    name = re.sub(r"[^\w.-]", "_", key, flags=re.ASCII)
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"
