"""Rows of a database as JSON lines, and the values of their keys in an address, exactly both ways."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from sqlalchemy import and_, literal, or_, type_coerce
from sqlalchemy.types import NullType

from crawlers.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

_TYPES: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "decimal": Decimal,
    "bytes": bytes.fromhex,
    "uuid": UUID,
}
_KINDS = (
    ("datetime", datetime), ("date", date), ("time", time), ("decimal", Decimal), ("bytes", bytes | memoryview), ("uuid", UUID)
)  # fmt: skip


def key_text(values: Sequence[Any]) -> str:
    """A key's values as JSON, with their types where JSON has none for them."""
    return orjson.dumps([_written(value) for value in values]).decode()


def key_values(text: str) -> list[Any]:
    """The inverse of :func:`key_text`."""
    return [_read(value) for value in orjson.loads(text)]


def _written(value: Any) -> Any:
    for name, kind in _KINDS:
        if isinstance(value, kind):
            return {name: plain(value)}
    if isinstance(value, int) and not isinstance(value, bool) and plain(value) != value:
        return {"decimal": str(value)}  # beyond what JSON readers keep exact
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(name, written)] = value.items()
    return _TYPES[name](written)


def beyond(keys: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows after *values* in the order of *keys*, written out so that every database understands it."""
    alternatives = []
    bound = [literal(value, key.type) for key, value in zip(keys, values, strict=True)]
    for index, key in enumerate(keys):
        same = [k == v for k, v in zip(keys[:index], bound[:index], strict=True)]
        alternatives.append(and_(*same, key > bound[index]))
    return or_(*alternatives)


def line(row: Mapping[str, Any], names: Sequence[str], **more: Any) -> bytes:
    """A row as a JSON line: ``{"key": [...], "row": {...}}``, and what else is to be known of it."""
    data = {"key": [plain(row[name]) for name in names], "row": plain(dict(row)), **more}
    return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)


def fetch(conn: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    """The rows of *statement*.

    SQLite keeps any value in any column, such as a word where a date should be. A page with such a value is read
    without types, and each value is converted alone: the one that does not fit comes as it is stored.
    """
    try:
        return [dict(row) for row in conn.execute(statement).mappings()]
    except (ValueError, TypeError, ArithmeticError):
        return _fetch_untyped(conn, statement)


def _fetch_untyped(conn: Connection, statement: Select[Any]) -> list[dict[str, Any]]:
    columns = list(statement.selected_columns)
    converters = [column.type.dialect_impl(conn.dialect).result_processor(conn.dialect, None) for column in columns]
    untyped = statement.with_only_columns(*[type_coerce(column, NullType()).label(column.name) for column in columns])
    names = [column.name for column in columns]
    return [
        {name: _converted(value, convert) for name, value, convert in zip(names, row, converters, strict=True)}
        for row in conn.execute(untyped)
    ]


def _converted(value: Any, convert: Any) -> Any:
    if convert is None or value is None:
        return value
    try:
        return convert(value)
    except (ValueError, TypeError, ArithmeticError):
        return value
