"""Keys go into an address and come back as they were; rows become lines without loss."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Date, Integer, MetaData, Numeric, String, Table, create_engine, select

from crawlers.sources.rows import beyond, fetch, key_text, key_values, line

VALUES = (
    st.text()
    | st.integers(-(2**63), 2**64 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.times()
    | st.binary()
    | st.uuids()
    | st.none()
)


@given(st.lists(VALUES.filter(lambda v: not isinstance(v, str) or v.isprintable()), max_size=4))
def test_a_key_comes_back_with_its_types(values):
    back = key_values(key_text(values))
    assert back == values
    assert [type(value) for value in back] == [type(value) for value in values]


@pytest.mark.parametrize("number", [2**64, -(2**70), 10**40])
def test_a_number_that_json_cannot_hold_keeps_its_digits(number):
    [back] = key_values(key_text([number]))
    assert back == Decimal(number)


def test_a_line_has_key_row_and_more():
    row = {"id": 1, "at": datetime(2026, 1, 2, tzinfo=UTC), "raw": b"\xff", "n": Decimal("1.10")}
    data = line(row, ["id", "n"], copy=2)
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert json.loads(data) == {
        "key": [1, "1.10"],
        "row": {"id": 1, "at": "2026-01-02T00:00:00+00:00", "raw": "ff", "n": "1.10"},
        "copy": 2,
    }


def test_line_breaks_stay_inside_their_cell():
    assert line({"id": "a\nb\r\u2028"}, ["id"]).splitlines() == [line({"id": "a\nb\r\u2028"}, ["id"]).rstrip(b"\n")]


TABLE = Table(
    "t", MetaData(), Column("a", Integer), Column("b", String), Column("c", Date), Column("d", Numeric(10, 2))
)


@pytest.fixture
def conn():
    engine = create_engine("sqlite://")
    with engine.connect() as open_:
        TABLE.create(open_)
        yield open_
    engine.dispose()


@given(
    rows=st.sets(st.tuples(st.integers(0, 3), st.sampled_from("abc")), max_size=9),
    after=st.tuples(st.integers(0, 3), st.sampled_from("abc")),
)
def test_what_lies_beyond_a_key(rows, after):
    engine = create_engine("sqlite://")
    with engine.connect() as conn:
        TABLE.create(conn)
        if rows:
            conn.execute(TABLE.insert(), [{"a": a, "b": b} for a, b in rows])
        statement = select(TABLE.c.a, TABLE.c.b).where(beyond([TABLE.c.a, TABLE.c.b], after))
        assert {tuple(row) for row in conn.execute(statement)} == {row for row in rows if row > after}
    engine.dispose()


def test_values_that_fit_their_column_are_typed_beside_one_that_does_not(conn):
    conn.exec_driver_sql(
        "INSERT INTO t VALUES (1, 'x', '2026-01-02', 1.5), (2, 'y', 'never', 'much'), (3, NULL, NULL, NULL)"
    )
    found = fetch(conn, select(TABLE).order_by(TABLE.c.a))
    assert [row["c"] for row in found] == [datetime(2026, 1, 2).date(), "never", None]  # noqa: DTZ001
    assert [row["d"] for row in found] == [Decimal("1.50"), "much", None]
    assert [row["a"] for row in found] == [1, 2, 3]


def test_a_page_reads_the_same_with_and_without_a_misfit(conn):
    conn.exec_driver_sql("INSERT INTO t VALUES (1, 'x', '2026-01-02', 1.5)")
    before = fetch(conn, select(TABLE).where(TABLE.c.a == 1))
    conn.exec_driver_sql("INSERT INTO t VALUES (2, 'y', 'never', 2)")
    assert fetch(conn, select(TABLE).order_by(TABLE.c.a))[:1] == before
