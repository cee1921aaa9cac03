"""Many rows in one statement, on both databases, at the driver's speed.

The hot path writes some thousand rows a second. SQLAlchemy draws the tables and names their columns; the statements
here are made from that once, and then go to the driver as they are: on SQLite as one prepared statement for all rows,
on PostgreSQL as one statement that unfolds all rows from one JSON parameter (4 times faster there than a row each).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import LargeBinary, Table
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

_PG = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert(
    conn: Connection,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
    *,
    key: tuple[str, ...] = (),
    replace: tuple[str, ...] = (),
) -> int:
    """Insert *rows*; return how many were inserted or replaced.

    Args:
        conn: in a write transaction.
        table: where to.
        columns: names, in the order of the rows' values.
        rows: values.
        key: columns whose conflict is expected: such a row is left alone, or …
        replace: … has these columns replaced by the new values.
    """
    if not rows:
        return 0
    sql = _insert_sql(conn.dialect.name, table, columns, key, replace)
    return _execute(conn, table, columns, sql, rows)


def update(conn: Connection, table: Table, key: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> int:
    """Set *columns* of the rows that *key* names; each tuple has the columns' values, then the key's. Return how many."""
    if not rows:
        return 0
    return _execute(conn, table, (*columns, key), _update_sql(conn.dialect.name, table, key, columns), rows)


def delete(conn: Connection, table: Table, key: str, values: Sequence[Any]) -> int:
    """Delete the rows whose *key* is one of *values*; return how many."""
    if not values:
        return 0
    condition = among(conn, key)
    result = conn.exec_driver_sql(f"DELETE FROM {table.name} WHERE {condition}", (listed(conn, values),))
    return result.rowcount


def select(
    conn: Connection, table: Table, columns: tuple[str, ...], key: str, values: Sequence[Any], *, where: str = ""
) -> Sequence[Any]:
    """Rows of *columns* whose *key* is one of *values*. *where* is a fixed condition of our own, never input."""
    if not values:
        return ()
    sql = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {among(conn, key)} {where}"
    return conn.exec_driver_sql(sql, (listed(conn, values),)).all()


def among(conn: Connection, column: str) -> str:
    """SQL for "*column* is one of the values of the next parameter", which is :func:`listed`."""
    if conn.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(?))"
    return f"{column} = ANY(%s)"


def listed(conn: Connection, values: Iterable[Any]) -> Any:
    """*values* as the one parameter of :func:`among`."""
    return orjson.dumps(list(values)).decode() if conn.dialect.name == "sqlite" else list(values)


def sql(conn: Connection, text: str) -> str:
    """*text*, written with ``?``, in the driver's own style of parameters."""
    return text if conn.dialect.name == "sqlite" else text.replace("?", "%s")


def _execute(
    conn: Connection, table: Table, columns: tuple[str, ...], sql: str, rows: Sequence[tuple[Any, ...]]
) -> int:
    if conn.dialect.name == "sqlite" or _has_binary(table, columns):
        return conn.exec_driver_sql(sql, list(rows)).rowcount
    return conn.exec_driver_sql(sql, (_as_json(columns, rows),)).rowcount


def _as_json(columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> str:
    data = orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows])
    if b"\\u0000" in data:  # PostgreSQL's text has no NUL; JSON inside a value has it escaped once more and keeps it
        clean = [tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row) for row in rows]
        data = orjson.dumps([dict(zip(columns, row, strict=True)) for row in clean])
    return data.decode()


@cache
def _insert_sql(
    dialect: str, table: Table, columns: tuple[str, ...], key: tuple[str, ...], replace: tuple[str, ...]
) -> str:
    names = ", ".join(columns)
    if dialect == "sqlite" or _has_binary(table, columns):
        mark = "?" if dialect == "sqlite" else "%s"
        values = f"VALUES ({', '.join([mark] * len(columns))})"
    else:
        values = f"SELECT {names} FROM {_recordset(table, columns)}"
    conflict = ""
    if replace:
        conflict = f"DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in replace)}"
    elif key:
        conflict = "DO NOTHING"
    target = f" ON CONFLICT ({', '.join(key)}) {conflict}" if conflict else ""
    return f"INSERT INTO {table.name} ({names}) {values}{target}"


@cache
def _update_sql(dialect: str, table: Table, key: str, columns: tuple[str, ...]) -> str:
    if dialect == "sqlite":
        return f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {key} = ?"
    values = ", ".join(f"{name} = x.{name}" for name in columns)
    rows = _recordset(table, (*columns, key))
    return f"UPDATE {table.name} SET {values} FROM {rows} WHERE {table.name}.{key} = x.{key}"


def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    types = ", ".join(f"{name} {table.c[name].type.compile(_PG)}" for name in columns)
    return f"json_to_recordset(%s::json) AS x({types})"


@cache
def _has_binary(table: Table, columns: tuple[str, ...]) -> bool:
    return any(isinstance(table.c[name].type, LargeBinary) for name in columns)
