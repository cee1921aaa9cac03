"""Rows of a database: each once, in pages along the key, killed and resumed as exactly as a crawl."""

from __future__ import annotations

import json
import sqlite3
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawlers.errors import ArgumentError
from crawlers.sources.sql import SqlSource
from tests.flow import harness


class Shop(SqlSource):
    name = "shop"
    table = "rows"


def spider(path, cls=Shop, **args):
    return cls(database=f"sqlite:///{path}", **args)


def make(path, statement, rows=()):
    with sqlite3.connect(path) as db:
        db.execute(statement)
        if rows:
            db.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(rows[0]))})", rows)
    db.close()
    return path


def read_all(source):
    """Every row, by following pieces from the first."""
    found, query = [], {}
    while query is not None:
        piece = source.read_piece("rows", query)
        found += [json.loads(line) for line in piece.body.splitlines()]
        query = piece.following
    return found


def test_pages_along_the_primary_key_give_each_row_once(tmp_path):
    make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(i, f"v{i}") for i in range(1, 26)])
    source = spider(tmp_path / "a.db", page_size="10")
    assert read_all(source) == [{"id": i, "v": f"v{i}"} for i in range(1, 26)]
    assert source.count() == 25


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.tuples(st.sampled_from(["a", "b", "ä", "'", "%"]), st.integers(-3, 3)), max_size=12),
    size=st.integers(1, 5),
)
def test_composite_keys_of_any_kind(tmp_path_factory, keys, size):
    path = tmp_path_factory.mktemp("db") / "a.db"
    make(path, "CREATE TABLE rows (k TEXT, n INTEGER, PRIMARY KEY (k, n))", sorted(keys))
    found = read_all(spider(path, page_size=str(size)))
    assert {(row["k"], row["n"]) for row in found} == keys
    assert len(found) == len(keys)


def test_rows_whose_key_is_null_come_too(tmp_path):
    path = make(
        tmp_path / "a.db", "CREATE TABLE rows (id INTEGER, v TEXT)", [(1, "a"), (None, "b"), (2, "c"), (None, "d")]
    )

    class Keyed(Shop):
        key = "id"

    source = spider(path, Keyed)
    assert [row["v"] for row in read_all(source)] == ["a", "c"]
    assert [json.loads(line)["v"] for line in source.read_piece("rows", {"null": "1"}).body.splitlines()] == ["b", "d"]


def test_dates_and_decimals_page_and_stay_exact(tmp_path):
    path = make(
        tmp_path / "a.db",
        "CREATE TABLE rows (day DATE PRIMARY KEY, amount DECIMAL(10, 2), raw BLOB)",
        [("2026-01-01", 10.10, b"\x00\xff"), ("2026-01-02", 0.30, None), ("2026-01-03", 7, None)],
    )
    found = read_all(spider(path, page_size="1"))
    assert [row["day"] for row in found] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert [row["amount"] for row in found] == ["10.10", "0.30", "7.00"]
    assert found[0]["raw"] == "00ff"


def test_a_query_is_read_like_a_table(tmp_path):
    path = make(
        tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(i, f"v{i}") for i in range(9)]
    )

    class Query(SqlSource):
        name = "query"
        query = "SELECT id * 10 AS ten, v FROM rows WHERE id % 2 = 0"
        key = "ten"

    assert [row["ten"] for row in read_all(spider(path, Query, page_size="2"))] == [0, 20, 40, 60, 80]


@pytest.mark.parametrize("url", ["", "not a url", "oracle+nodriver://x/y"])
def test_a_database_that_cannot_be_opened_is_said_without_its_password(url):
    with pytest.raises(ArgumentError, match="argument 'database'") as caught:
        _ = Shop(database=url).engine
    assert "secret" not in str(caught.value)


def test_without_a_key_the_columns_are_named(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (a TEXT, b TEXT)", [("1", "2")])
    with pytest.raises(ArgumentError, match="there are: a, b"):
        _ = spider(path).keys


def test_addresses_of_pieces_do_not_name_the_database(tmp_path):
    source = Shop(database="postgresql+psycopg://me:secret@db.example/shop")
    url = source.piece_request("rows", {"after": "[3]"}).url
    assert "secret" not in url
    assert "db.example" not in url
    assert dict(parse_qsl(urlsplit(url).query)) == {"after": "[3]"}


PLAIN = harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])


def test_killed_and_resumed_it_gives_each_row_once(tmp_path):
    from crawlers.demo import orders

    path = orders.build(tmp_path / "orders.db", rows=6000)
    args = ["crawl", "orders", "-a", f"database=sqlite:///{path}", "-a", "page_size=50", *PLAIN]
    ledger = tmp_path / "data" / "gristmill.db"

    def stored():
        if not ledger.exists():
            return 0
        with sqlite3.connect(ledger, timeout=10) as db:
            try:
                return db.execute("SELECT count(*) FROM records").fetchone()[0]
            except sqlite3.OperationalError:
                return 0

    kills = 0
    for share in (0.1, 0.4):
        moment = 6000 * share
        kills += harness.run_and_kill(tmp_path / "data", *args, when=lambda moment=moment: stored() >= moment)
        time.sleep(0.05)
    assert kills >= 1
    result = harness.run(tmp_path / "data", *args)
    assert result.code == 0, result
    found = harness.records(tmp_path / "data", "orders")
    with sqlite3.connect(path) as db:
        total, amount = db.execute("SELECT count(*), sum(CAST(round(amount * 100) AS INTEGER)) FROM orders").fetchone()
    assert len(found) == len({r["key"] for r in found}) == total
    cents = sum(round(float(r["fields"]["amount"]) * 100) for r in found if r["fields"]["amount"] is not None)
    assert cents == amount
    harness.ledger_is_sound(tmp_path / "data")


def test_the_next_crawl_takes_what_is_new_and_changed(tmp_path):
    from crawlers.demo import orders

    path = orders.build(tmp_path / "orders.db", rows=100)
    args = ["crawl", "orders", "-a", f"database=sqlite:///{path}", *PLAIN]
    assert harness.run(tmp_path / "data", *args).code == 0
    with sqlite3.connect(path) as db:
        db.execute("UPDATE orders SET item = 'garden bench' WHERE id = 7")
        db.execute("INSERT INTO orders VALUES (101, 'customer-001', 'desk lamp', 5, 'EUR', '2026-11-01', NULL)")
        db.execute("DELETE FROM orders WHERE id = 9")
    db.close()
    assert harness.run(tmp_path / "data", *args).code == 0
    found = {r["key"]: r for r in harness.records(tmp_path / "data", "orders")}
    assert len(found) == 100
    assert "9" not in found
    assert (found["7"]["version"], found["7"]["title"]) == (2, "garden bench")
    assert {r["version"] for key, r in found.items() if key != "7"} == {1}
