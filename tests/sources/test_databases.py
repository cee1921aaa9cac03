"""Databases are opened to be read; what cannot be opened is said without a password."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from crawlers.errors import ArgumentError
from crawlers.sources.databases import open_to_read


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (n INTEGER)")
        db.execute("INSERT INTO t VALUES (1)")
    db.close()
    return path


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO t VALUES (2)", "UPDATE t SET n = 2", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE u (n)"],
)
def test_nothing_can_be_written(database, statement):
    before = database.read_bytes()
    engine = open_to_read(f"sqlite:///{database}", "shop")
    with engine.connect() as conn:
        with pytest.raises(OperationalError, match="readonly"):
            conn.execute(text(statement))
        assert conn.execute(text("SELECT n FROM t")).scalar() == 1
    engine.dispose()
    assert database.read_bytes() == before


def test_a_database_in_memory_needs_no_file():
    engine = open_to_read("sqlite://", "shop")
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "got nothing"),
        ("hunter2", "expected a SQLAlchemy URL"),
        ("nodialect://me:hunter2@h/x", "NoSuchModuleError"),
        ("postgresql+nodriver://me:hunter2@h/x", "expected a SQLAlchemy URL"),
        ("postgresql://me:hunter2@h:port/x", "ValueError"),
        ("sqlite:////nowhere/shop.db", "'/nowhere/shop.db', which is not there"),
    ],
)
def test_what_cannot_be_opened_is_said(url, said):
    with pytest.raises(ArgumentError, match=r"^shop: argument 'database': expected") as caught:
        open_to_read(url, "shop")
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_driver_that_is_missing_is_named():
    with pytest.raises(ArgumentError) as caught:
        open_to_read("mysql+pymysql://me:hunter2@h/x", "shop")
    assert "hunter2" not in str(caught.value)
    assert "mysql" in str(caught.value)
