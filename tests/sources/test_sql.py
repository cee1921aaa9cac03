"""Rows of a database: each once, in pages along the key, killed and resumed as exactly as a crawl."""

from __future__ import annotations

import json
import sqlite3
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import Response
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from crawlers.errors import ArgumentError, GristmillError
from crawlers.items import Record
from crawlers.sources import sql
from crawlers.sources.pieces import SourceUnavailable
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
        found += [line["row"] for line in lines(piece)]
        query = piece.following
    return found


def lines(piece):
    return [json.loads(line) for line in piece.body.splitlines()]


def answers(source):
    """Every piece as the spider gets it, the one for null keys at the end."""
    for query in ({}, {"null": "1"}):
        while query is not None:
            url = source.piece_url("rows", query)
            piece = source.read_piece("rows", query)
            headers = {"X-Following": urlencode(piece.following)} if piece.following else {}
            yield Response(url, body=piece.body, headers=headers, request=Request(url))
            query = piece.following


def records(source):
    return [found for answer in answers(source) for found in source.parse(answer) if isinstance(found, Record)]


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
    assert [line["row"]["v"] for line in lines(source.read_piece("rows", {"null": "1"}))] == ["b", "d"]


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


# --- identities -----------------------------------------------------------------------------------------------------


def test_the_key_of_a_record_is_the_key_of_its_row(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(7, "a"), (8, "b")])
    assert [record.key for record in records(spider(path))] == ["7", "8"]


def test_composite_keys_are_told_apart_whatever_is_in_them(tmp_path):
    rows = [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("null", "")]
    path = make(tmp_path / "a.db", "CREATE TABLE rows (k TEXT, l TEXT, PRIMARY KEY (k, l))", rows)
    assert len({record.id for record in records(spider(path))}) == 4


def test_rows_without_a_key_have_an_identity_that_their_order_does_not_change(tmp_path):
    class Keyed(Shop):
        key = "id"

    rows = [(None, "b"), (None, "d"), (None, "b"), (1, "a")]
    one = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER, v TEXT)", rows)
    two = make(tmp_path / "b.db", "CREATE TABLE rows (id INTEGER, v TEXT)", rows[::-1])
    first, second = records(spider(one, Keyed)), records(spider(two, Keyed))
    assert len({record.id for record in first}) == 4
    assert {(record.id, record.fields["v"]) for record in first} == {(r.id, r.fields["v"]) for r in second}


def test_columns_become_title_and_text(tmp_path):
    class Told(Shop):
        title_column, text_columns = "v", ("a", "b")

    rows = [(1, "t", "one", "two"), (2, None, "", None)]
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT, a TEXT, b TEXT)", rows)
    first, second = records(spider(path, Told))
    assert (first.title, first.text, first.modality, first.type) == ("t", "one\n\ntwo", "text", "Dataset")
    assert (second.title, second.text, second.modality) == (None, None, "table")
    assert first.fields == {"id": 1, "v": "t", "a": "one", "b": "two"}
    assert first.page is None


def test_stored_answers_are_read_without_the_database(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(1, "a")])
    [answer, _] = answers(spider(path))
    assert [record.key for record in Shop(database="").parse(answer)] == ["1"]


@settings(max_examples=25, deadline=None)
@given(
    names=st.lists(st.text(min_size=1, max_size=8).filter(lambda t: "\0" not in t), min_size=1, max_size=8, unique=True)
)
def test_text_keys_page_and_come_back(tmp_path_factory, names):
    try:
        [name.encode() for name in names]
    except UnicodeEncodeError:
        return
    path = tmp_path_factory.mktemp("db") / "a.db"
    make(path, "CREATE TABLE rows (k TEXT PRIMARY KEY, n INTEGER)", [(name, n) for n, name in enumerate(names)])
    assert sorted(record.key for record in records(spider(path, page_size="2"))) == sorted(names)


# --- what is wrong --------------------------------------------------------------------------------------------------


def test_a_value_of_another_type_than_its_column_comes_as_it_is(tmp_path):
    path = make(
        tmp_path / "a.db",
        "CREATE TABLE rows (id INTEGER PRIMARY KEY, day DATE, amount DECIMAL(10, 2))",
        [(1, "2026-01-01", 1.5), (2, "yesterday", "much"), (3, None, 2)],
    )
    found = read_all(spider(path))
    assert [row["day"] for row in found] == ["2026-01-01", "yesterday", None]
    assert [row["amount"] for row in found] == ["1.50", "much", "2.00"]


def test_a_key_that_does_not_identify_a_row_is_refused_before_the_first_request(tmp_path):
    class Keyed(Shop):
        key = "v"

    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(1, "a"), (2, "a"), (3, "b")])
    with pytest.raises(ArgumentError, match="several rows have 'a'"):
        spider(path, Keyed).check()


@pytest.mark.parametrize("size", ["1", "2", "3"])
def test_rows_of_one_key_that_came_later_stop_the_page_and_are_not_lost(tmp_path, size):
    class Keyed(Shop):
        key = "v"

    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(1, "a"), (2, "b"), (3, "b")])
    with pytest.raises(SourceUnavailable, match="name more columns"):
        read_all(spider(path, Keyed, page_size=size))


def test_a_unique_column_may_be_the_key(tmp_path):
    class Keyed(Shop):
        key = "v"

    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT UNIQUE)", [(1, "b"), (2, "a")])
    source = spider(path, Keyed)
    source.check()
    assert [row["v"] for row in read_all(source)] == ["a", "b"]


def test_a_key_that_is_mostly_null_is_refused(tmp_path, monkeypatch):
    class Keyed(Shop):
        key = "id"

    monkeypatch.setattr(sql, "_NULLS_MAX", 2)
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER, v TEXT)", [(None, "a"), (None, "b"), (None, "c")])
    with pytest.raises(ArgumentError, match="hardly ever null, got id"):
        spider(path, Keyed).check()


def test_an_unknown_table_is_said_with_those_that_there_are(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE others (id INTEGER PRIMARY KEY)")
    with pytest.raises(ArgumentError, match="expected a table 'rows', got: others"):
        spider(path).check()


def test_a_file_that_is_not_there_is_said_and_not_made(tmp_path):
    with pytest.raises(ArgumentError, match="expected a SQLite file"):
        spider(tmp_path / "none.db").check()
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "a.db").write_text("canary " * 1000)
    with pytest.raises(GristmillError, match="cannot be read: file is not a database"):
        spider(tmp_path / "a.db").check()


def test_nothing_can_be_written(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY)", [(1,)])
    with spider(path).engine.connect() as conn, pytest.raises(OperationalError, match="readonly"):
        conn.execute(text("DELETE FROM rows"))


def test_a_query_that_writes_is_refused(tmp_path):
    class Query(SqlSource):
        name = "query"
        query = "DELETE FROM rows RETURNING id"
        key = "id"

    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY)", [(1,)])
    with pytest.raises(GristmillError, match="cannot be read"):
        spider(path, Query).check()


def test_a_server_that_does_not_answer_is_said_without_the_password():
    with pytest.raises(GristmillError) as caught:
        Shop(database="postgresql+psycopg://me:hunter2@127.0.0.1:1/shop").check()
    assert "refused" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_database_may_stand_in_the_environment(tmp_path, monkeypatch):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY)", [(1,)])
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{path}")
    assert read_all(Shop()) == [{"id": 1}]
    assert Shop(database="sqlite:///other.db").database_url() == "sqlite:///other.db"


def test_the_engine_is_let_go_of(tmp_path):
    path = make(tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY)", [(1,)])
    source = spider(path)
    read_all(source)
    source.closed("finished")
    source.closed("finished")
    assert read_all(source) == [{"id": 1}]


# --- in a crawl -----------------------------------------------------------------------------------------------------


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


def test_wrong_use_is_said_before_the_first_request(tmp_path):
    result = harness.run(tmp_path / "data", "crawl", "orders", "-a", f"database=sqlite:///{tmp_path}/none.db", *PLAIN)
    assert result.code == 2, result
    assert "expected a SQLite file" in result.err
    assert "Traceback" not in result.err


VIEWER = """
from crawlers.sources.sql import SqlSource
class Viewer(SqlSource):
    name = "viewer"
    table = "shown"
    key = "id"
"""


def test_a_database_that_fails_on_the_way_stops_the_run_and_the_next_one_goes_on(tmp_path):
    """What lies behind a page that cannot be read is neither lost nor taken for gone."""
    data = tmp_path / "data"
    path = make(
        tmp_path / "a.db", "CREATE TABLE rows (id INTEGER PRIMARY KEY, v TEXT)", [(i, "x") for i in range(1, 401)]
    )
    (tmp_path / "viewers.py").write_text(VIEWER, encoding="utf-8")

    def show(v):
        with sqlite3.connect(path) as db:
            db.execute("DROP VIEW IF EXISTS shown")
            db.execute(f"CREATE VIEW shown AS SELECT id, {v} AS v FROM rows")
        db.close()

    def crawl():
        quick = harness.settings(RETRY_TIMES="1", RETRY_BACKOFF="0.01", SPIDER_MODULES="viewers")
        args = ["crawl", "viewer", "-a", f"database=sqlite:///{path}", "-a", "page_size=50", *PLAIN, *quick]
        return harness.run(data, *args, PYTHONPATH=f"{tmp_path}:{harness.ROOT}")

    show("v")
    result = crawl()
    assert result.code == 0, result
    show("CASE WHEN id = 200 THEN abs(-9223372036854775808) ELSE v END")
    result = crawl()
    assert result.code == 3, result
    assert "integer overflow" in result.err
    assert "source-unavailable" in result.out + result.err
    assert len(harness.records(data, "viewer")) == 400
    show("v")
    result = crawl()
    assert result.code == 0, result
    found = harness.records(data, "viewer")
    assert len(found) == 400
    assert {record["version"] for record in found} == {1}
    harness.ledger_is_sound(data)


def test_passwords_are_nowhere(tmp_path):
    url = "postgresql+psycopg://me:hunter2@127.0.0.1:1/shop"
    result = harness.run(tmp_path / "data", "crawl", "orders", "-a", f"database={url}", *PLAIN)
    assert result.code == 1, result
    path = "sqlite:///" + str(make(tmp_path / "a.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY)"))
    result = harness.run(tmp_path / "data", "crawl", "orders", "-a", f"database={path}?password=hunter2", *PLAIN)
    written = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert any(file.suffix == ".db" for file in written)
    assert [file for file in written if b"hunter2" in file.read_bytes()] == []
    assert "hunter2" not in result.out + result.err
