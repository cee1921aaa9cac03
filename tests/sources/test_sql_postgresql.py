"""The SQL source on a real PostgreSQL server: its types, its schemas, and that nothing can be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from crawlers.errors import ArgumentError, GristmillError
from crawlers.sources.sql import SqlSource
from tests.sources.test_sql import read_all, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Shop(SqlSource):
    name = "shop"
    table = "rows"


@pytest.fixture
def opened(postgresql_url: str) -> Iterator[Callable[..., SqlSource]]:
    """Makes sources that read the database, and closes them."""
    made: list[SqlSource] = []

    def make(cls: type[SqlSource] = Shop, **args: str) -> SqlSource:
        made.append(cls(**{"database": postgresql_url, **args}))
        return made[-1]

    yield make
    for source in made:
        source.closed("finished")


def do(postgresql_url: str, *statements: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.begin() as conn:
        for statement in statements:
            conn.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", ["-9223372036854775808", "0", "9223372036854775807"]),
        ("numeric(30, 2)", ["-0.01", "0.10", "1234567890123456789012345678.99"]),
        ("double precision", ["-0.1", "1e-300", "3"]),
        ("text", ["'A'", "'a'", "'ä'", "'b:c'", "''"]),
        ("uuid", ["'00000000-0000-0000-0000-000000000001'", "'f0000000-0000-0000-0000-000000000000'"]),
        ("date", ["'0001-01-01'", "'2026-02-28'"]),
        ("timestamptz", ["'2026-01-01 00:00:00.000001+02'", "'2026-01-01 00:00:00.000002+02'"]),
        ("timestamp", ["'2026-01-01 00:00:00'", "'2026-01-01 00:00:00.5'"]),
        ("time", ["'00:00'", "'23:59:59.999999'"]),
        ("bytea", [r"'\x00'", r"'\xff00'"]),
        ("boolean", ["false", "true"]),
    ],
)
def test_keys_of_every_type_page_and_stay_apart(
    postgresql_url: str, opened: Callable[..., SqlSource], kind: str, values: list[str]
) -> None:
    rows = ", ".join(f"({value}, {number})" for number, value in enumerate(values))
    do(postgresql_url, f"CREATE TABLE rows (k {kind} PRIMARY KEY, n int)", f"INSERT INTO rows VALUES {rows}")
    source = opened(page_size="1")
    source.check()
    assert sorted(row["n"] for row in read_all(source)) == list(range(len(values)))
    assert len({record.id for record in records(source)}) == len(values)


def test_values_of_every_type_come_without_loss(postgresql_url: str, opened: Callable[..., SqlSource]) -> None:
    do(
        postgresql_url,
        "CREATE TABLE rows (id int PRIMARY KEY, price numeric, at timestamptz, data jsonb, tags text[], raw bytea, "
        "span interval, missing text)",
        "INSERT INTO rows VALUES (1, 12345678901234567890.123456789, '2026-01-02 03:04:05.678901+00', "
        r"""'{"a": [1, null]}', '{x,"y z"}', '\x00ff', '1 day 2 seconds', NULL)""",
    )
    source = opened()
    [row] = read_all(source)
    assert row["price"] == "12345678901234567890.123456789"
    assert row["at"].startswith("2026-01-02T03:04:05.678901")
    assert (row["data"], row["tags"], row["raw"]) == ({"a": [1, None]}, ["x", "y z"], "00ff")
    assert (row["span"], row["missing"]) == ("PT86402.0S", None)


def test_a_table_in_a_schema_of_its_own(postgresql_url: str, opened: Callable[..., SqlSource]) -> None:
    do(
        postgresql_url,
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.rows (id int PRIMARY KEY)",
        "INSERT INTO sales.rows VALUES (1), (2)",
    )

    class Sales(Shop):
        table = "sales.rows"

    source = opened(Sales)
    source.check()
    assert read_all(source) == [{"id": 1}, {"id": 2}]
    with pytest.raises(ArgumentError, match="expected a table 'rows', got: no tables at all"):
        opened().check()


def test_nothing_can_be_written(postgresql_url: str, opened: Callable[..., SqlSource]) -> None:
    do(postgresql_url, "CREATE TABLE rows (id int PRIMARY KEY)", "INSERT INTO rows VALUES (1)")
    source = opened()
    with source.engine.connect() as conn, pytest.raises(DBAPIError, match="read-only transaction"):
        conn.execute(text("DELETE FROM rows"))


def test_a_wrong_password_is_said_without_it(postgresql_url: str, opened: Callable[..., SqlSource]) -> None:
    with pytest.raises(GristmillError) as caught:
        opened(database="postgresql+psycopg://nobody_here:hunter2@127.0.0.1:1/x").check()
    assert "hunter2" not in str(caught.value)


def test_late_inserts_behind_the_page_come_with_the_next_crawl(
    postgresql_url: str, opened: Callable[..., SqlSource]
) -> None:
    do(postgresql_url, "CREATE TABLE rows (id int PRIMARY KEY)", "INSERT INTO rows SELECT generate_series(2, 20, 2)")
    source = opened(page_size="3")
    first = source.read_piece("rows", {})
    do(postgresql_url, "INSERT INTO rows VALUES (1), (5), (13)")
    found, query = [json.loads(line)["row"]["id"] for line in first.body.splitlines()], first.following
    while query is not None:
        piece = source.read_piece("rows", query)
        found += [json.loads(line)["row"]["id"] for line in piece.body.splitlines()]
        query = piece.following
    assert found == [2, 4, 6, 8, 10, 12, 13, 14, 16, 18, 20]
    assert len(read_all(source)) == 13
