"""SQL databases: a table or a query of any database that SQLAlchemy can open, page by page along a key, a row a record.

Nothing is written. The database's address, with its password, stays out of requests, records and logs: requests are
``sql://<source>/<table>?after=…``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from scrapy.utils.misc import arg_to_iter
from sqlalchemy import MetaData, Table, and_, column, create_engine, func, inspect, or_, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import SQLAlchemyError

from crawlers.errors import ArgumentError, GristmillError
from crawlers.plain import plain
from crawlers.sources.arguments import CommonArguments, argument
from crawlers.sources.pieces import Piece, PieceSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from scrapy.http import Response
    from sqlalchemy import ColumnElement, Engine, FromClause

    from crawlers.items import Record

_TYPES: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "bytes": bytes.fromhex,
}


@dataclass(kw_only=True)
class SqlArguments(CommonArguments):
    """What every SQL source understands."""

    database: str = argument("SQLAlchemy URL of the database to read", "", example="postgresql+psycopg://me@host/shop")
    page_size: int = argument("rows to read at a time", 1000, minimum=1)


class SqlSource(PieceSource):
    """Base of sources that are a table or a query.

    Class attributes:
        database: SQLAlchemy URL; the argument ``database`` goes before it.
        table: name of the table, or
        query: a SELECT statement without ORDER BY.
        key: columns that identify a row and that pages go along; the table's primary key where it is not given.
        title_column, text_columns: columns that become the record's title and text.
    """

    scheme = "sql"
    Arguments: ClassVar[type[CommonArguments]] = SqlArguments
    database: ClassVar[str] = ""
    table: ClassVar[str] = ""
    query: ClassVar[str] = ""
    key: ClassVar[str | Sequence[str]] = ()
    title_column: ClassVar[str] = ""
    text_columns: ClassVar[Sequence[str]] = ()

    # --- the database -----------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> Engine:
        """The database to read from."""
        url = self.args.database or self.database
        try:
            return create_engine(make_url(url), pool_pre_ping=True)
        except (UrlError, ModuleNotFoundError, SQLAlchemyError) as exc:
            raise ArgumentError(
                f"{self.name}: argument 'database': expected a SQLAlchemy URL such as sqlite:///shop.db whose driver is "
                f"installed ({type(exc).__name__})"
            ) from None

    @cached_property
    def selectable(self) -> FromClause:
        """What rows are selected from."""
        if not self.query:
            schema, _, name = self.table.rpartition(".")
            return Table(name, MetaData(), schema=schema or None, autoload_with=self.engine)
        with self.engine.connect() as conn:
            names = list(conn.execute(text(f"SELECT * FROM ({self.query}) AS q WHERE 1 = 0")).keys())  # noqa: S608
        return text(self.query).columns(*[column(name) for name in names]).subquery("q")

    @cached_property
    def keys(self) -> list[ColumnElement[Any]]:
        """The key's columns."""
        names = list(arg_to_iter(self.key))
        if not names and self.table:
            schema, _, name = self.table.rpartition(".")
            names = inspect(self.engine).get_pk_constraint(name, schema=schema or None)["constrained_columns"]
        columns = self.selectable.c
        missing = [name for name in names if name not in columns]
        if missing or not names:
            raise ArgumentError(
                f"{self.name}: expected `key` to name columns that identify a row, got {names or 'none'}; "
                f"there are: {', '.join(columns.keys())}"
            )
        return [columns[name] for name in names]

    # --- pieces -----------------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first page, and one for rows whose key is null."""
        path = self.table or "query"
        yield self.piece_request(path)
        yield self.piece_request(path, {"null": "1"})

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read one page of rows, ordered by the key."""
        try:
            return self._nulls() if "null" in query else self._page(query.get("after"))
        except SQLAlchemyError as exc:
            detail = str(getattr(exc, "orig", None) or exc).partition("\n")[0]
            raise GristmillError(f"{self.name}: cannot read {path} from the database: {detail}") from None

    def _page(self, after: str | None) -> Piece:
        statement = select(self.selectable).where(*[key.is_not(None) for key in self.keys])
        if after is not None:
            statement = statement.where(_beyond(self.keys, [_read(v) for v in orjson.loads(after)]))
        statement = statement.order_by(*self.keys).limit(self.args.page_size)
        with self.engine.connect() as conn:
            rows = conn.execute(statement).mappings().all()
        following = None
        if len(rows) == self.args.page_size:
            last = [_write(rows[-1][key.name]) for key in self.keys]
            following = {"after": orjson.dumps(last).decode()}
        return Piece(_lines(rows), following=following)

    def _nulls(self) -> Piece:
        """Rows whose key is null, in parts or whole: no order leads along them, so they are one piece."""
        statement = select(self.selectable).where(or_(*[key.is_(None) for key in self.keys]))
        with self.engine.connect() as conn:
            return Piece(_lines(conn.execute(statement).mappings().all()))

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """Yield a record a row, and the request for the next page."""
        for number, line in enumerate(response.body.splitlines()):
            yield self.record_of(response, orjson.loads(line), number)
        following = self.following(response)
        if following is not None:
            yield following

    def record_of(self, response: Response, row: dict[str, Any], number: int) -> Record:
        """The record of a row. Sources that want more than its columns extend this."""
        parts = [row.get(key.name) for key in self.keys]
        key = ":".join("null" if part is None else str(part) for part in parts)
        if None in parts:
            key = f"{key}#{number}"
        words = [str(row[name]) for name in self.text_columns if row.get(name) not in (None, "")]
        record = self.record(response, key=key, fields=row, type="Dataset", modality="text" if words else "table")
        record.page = None
        if words:
            record.text = "\n\n".join(words)
        if self.title_column and row.get(self.title_column) is not None:
            record.title = str(row[self.title_column])
        return record

    def count(self) -> int:
        """Rows in the table or query."""
        with self.engine.connect() as conn:
            return int(conn.execute(select(func.count()).select_from(self.selectable)).scalar_one())


def _beyond(keys: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """Rows after *values* in the order of *keys*, written out so that every database understands it."""
    alternatives = []
    for index, (key, value) in enumerate(zip(keys, values, strict=True)):
        same = [k == v for k, v in zip(keys[:index], values[:index], strict=True)]
        alternatives.append(and_(*same, key > value))
    return or_(*alternatives)


def _lines(rows: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(plain(dict(row)), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _write(value: Any) -> Any:
    """A key's value for the next page's address, with its type where JSON has none for it."""
    for name, kind in (("datetime", datetime), ("date", date), ("decimal", Decimal), ("bytes", bytes)):
        if isinstance(value, kind):
            return {name: plain(value)}
    return value if isinstance(value, int | float | str) else str(value)


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(name, written)] = value.items()
    return _TYPES[name](written)
