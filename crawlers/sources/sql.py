"""SQL databases: a table or a query of any database that SQLAlchemy can open, page by page along a key, a row a record.

Nothing is written. The database's address, with its password, stays out of requests, records and logs: requests are
``sql://<source>/<table>?after=…``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import orjson
from scrapy.utils.misc import arg_to_iter
from sqlalchemy import MetaData, Table, column, func, inspect, literal, or_, select, text
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from crawlers.errors import ArgumentError, GristmillError
from crawlers.hashing import digest
from crawlers.sources.arguments import CommonArguments, argument
from crawlers.sources.databases import open_to_read
from crawlers.sources.pieces import Piece, PieceSource, SourceUnavailable
from crawlers.sources.rows import beyond, fetch, key_text, key_values, line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from scrapy.http import Response
    from sqlalchemy import ColumnElement, Engine, FromClause

    from crawlers.items import Record

_NULLS_MAX = 100_000
"""Rows without a key that are read at most: they are read at once, since no order leads along them."""


@dataclass(kw_only=True)
class SqlArguments(CommonArguments):
    """What every SQL source understands."""

    database: str = argument(
        "SQLAlchemy URL of the database to read; or put it in the environment as <SOURCE>_DATABASE",
        "",
        example="postgresql+psycopg://me@host/shop",
    )
    page_size: int = argument("rows to read at a time", 1000, minimum=1)


class SqlSource(PieceSource):
    """Base of sources that are a table or a query.

    A crawl reads what is there; the next one reads again, and what did not change costs no more than the reading.

    Class attributes:
        database: SQLAlchemy URL, without a password; the argument and the environment go before it.
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

    def database_url(self) -> str:
        """Where the database is: the argument, else the environment, else the class attribute."""
        variable = f"{self.name.upper().replace('-', '_')}_DATABASE"
        return self.args.database or os.environ.get(variable) or self.database

    @cached_property
    def engine(self) -> Engine:
        """The database to read from."""
        return open_to_read(self.database_url(), self.name)

    @cached_property
    def selectable(self) -> FromClause:
        """What rows are selected from."""
        if not self.query:
            schema, name = self._table()
            return Table(name, MetaData(), schema=schema, autoload_with=self.engine)
        with self.engine.connect() as conn:
            names = list(conn.execute(text(f"SELECT * FROM ({self.query}) AS q WHERE 1 = 0")).keys())  # noqa: S608
        return text(self.query).columns(*[column(name) for name in names]).subquery("q")

    def _table(self) -> tuple[str | None, str]:
        schema, _, name = self.table.rpartition(".")
        return schema or None, name

    @cached_property
    def keys(self) -> list[ColumnElement[Any]]:
        """The key's columns."""
        names = list(arg_to_iter(self.key))
        columns = self.selectable.c
        if not names and not self.query:
            names = [c.name for c in self.selectable.primary_key]
        missing = [name for name in names if name not in columns]
        if missing or not names:
            raise ArgumentError(
                f"{self.name}: expected `key` to name columns that identify a row, got {', '.join(names) or 'none'}; "
                f"there are: {', '.join(columns.keys())}"
            )
        return [columns[name] for name in names]

    def check(self) -> None:
        """Raise where the table or query cannot be read, or its key does not identify a row."""
        try:
            self._check_key()
        except GristmillError:
            self.closed("wrong")
            raise
        except NoSuchTableError:
            schema, name = self._table()
            known = ", ".join(sorted(inspect(self.engine).get_table_names(schema=schema))[:30])
            self.closed("wrong")
            raise ArgumentError(f"{self.name}: expected a table {name!r}, got: {known or 'no tables at all'}") from None
        except SQLAlchemyError as exc:
            self.closed("wrong")
            raise GristmillError(f"{self.name}: the database cannot be read: {_said(exc)}") from None

    def _check_key(self) -> None:
        keys = self.keys
        names = ", ".join(key.name for key in keys)
        with self.engine.connect() as conn:
            some = select(literal(1)).select_from(self.selectable).where(self._is_null()).limit(_NULLS_MAX + 1)
            if conn.execute(select(func.count()).select_from(some.subquery())).scalar_one() > _NULLS_MAX:
                raise ArgumentError(
                    f"{self.name}: expected `key` to name columns that are hardly ever null, got {names}, which is null "
                    f"in more than {_NULLS_MAX:,} rows"
                )
            if self._is_unique():
                return
            whole = (
                select(*keys)
                .where(*[key.is_not(None) for key in keys])
                .group_by(*keys)
                .having(func.count() > 1)
                .limit(1)
            )
            twice = conn.execute(whole).first()
            if twice is not None:
                raise ArgumentError(
                    f"{self.name}: expected `key` to name columns that identify a row, got {names}: "
                    f"several rows have {', '.join(map(repr, twice))}. Name more columns"
                )

    def _is_unique(self) -> bool:
        """Whether the database itself sees to it that no two rows have the same key."""
        if self.query:
            return False
        schema, name = self._table()
        inspector = inspect(self.engine)
        unique = [inspector.get_pk_constraint(name, schema=schema)["constrained_columns"]]
        unique += [found["column_names"] for found in inspector.get_unique_constraints(name, schema=schema)]
        mine = {key.name for key in self.keys}
        return any(names and mine.issuperset(names) for names in unique)

    def _is_null(self) -> ColumnElement[bool]:
        return or_(*[key.is_(None) for key in self.keys])

    # --- pieces -----------------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first page, and one for rows whose key is null."""
        path = quote(self.table or "query", safe=".")
        yield self.piece_request(path)
        yield self.piece_request(path, {"null": "1"})

    def read_piece(self, path: str, query: dict[str, str]) -> Piece:
        """Read one page of rows, ordered by the key."""
        try:
            return self._nulls() if "null" in query else self._page(query.get("after"))
        except SQLAlchemyError as exc:
            raise SourceUnavailable(f"{self.name}: cannot read {path} from the database: {_said(exc)}") from None

    def _page(self, after: str | None) -> Piece:
        size, names = self.args.page_size, [key.name for key in self.keys]
        statement = select(self.selectable).where(*[key.is_not(None) for key in self.keys])
        if after is not None:
            statement = statement.where(beyond(self.keys, key_values(after)))
        with self.engine.connect() as conn:
            rows = fetch(conn, statement.order_by(*self.keys).limit(size + 1))
        keys = [key_text([row[name] for name in names]) for row in rows]
        twice = next((key for key, other in pairwise(keys) if key == other), None)
        if twice is not None:
            raise SourceUnavailable(f"{self.name}: several rows have the key {twice}: name more columns in `key`")
        following = {"after": keys[size - 1]} if len(rows) > size else None
        return Piece(b"".join(line(row, names) for row in rows[:size]), following=following)

    def _nulls(self) -> Piece:
        """Rows whose key is null, in parts or whole, in one piece; rows that are equal are numbered."""
        names, copies, lines = [key.name for key in self.keys], dict[bytes, int](), []
        with self.engine.connect() as conn:
            for row in fetch(conn, select(self.selectable).where(self._is_null())):
                plain_line = line(row, names)
                copies[plain_line] = copies.get(plain_line, 0) + 1
                lines.append(line(row, names, copy=copies[plain_line]))
        return Piece(b"".join(lines))

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """Yield a record a row, and the request for the next page."""
        for found in map(orjson.loads, response.body.splitlines()):
            yield self.record_of(response, _key(found), found["row"])
        following = self.following(response)
        if following is not None:
            yield following

    def record_of(self, response: Response, key: str, row: dict[str, Any]) -> Record:
        """The record of a row. Sources that want more than its columns extend this."""
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

    def closed(self, reason: str) -> None:
        """Let go of the database."""
        engine = self.__dict__.pop("engine", None)
        if engine is not None:
            engine.dispose()


def _key(found: dict[str, Any]) -> str:
    """The record's key: the key's values with colons between them; where one is null, a digest of the row behind."""
    parts = found["key"]
    written = ["null" if part is None else str(part) for part in parts]
    if len(written) > 1:
        written = [part.replace("%", "%25").replace(":", "%3A") for part in written]
    key = ":".join(written)
    if None not in parts:
        return key
    copy = found.get("copy", 1)
    return f"{key}#{digest(found['row'])[7:23]}{f'.{copy}' if copy > 1 else ''}"


def _said(error: SQLAlchemyError) -> str:
    """The database's own words, in one line. They name host and user, never the password."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
