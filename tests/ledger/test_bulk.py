from __future__ import annotations

import pytest

from crawlers.ledger import bulk
from crawlers.ledger.tables import media_urls, signatures

COLUMNS = ("url", "sha256", "fetched_at")


def urls(conn) -> dict[str, str]:
    return {row.url: row.sha256 for row in conn.execute(media_urls.select())}


def test_rows_are_inserted_and_counted(database):
    rows = [(f"u{n}", f"h{n}", "t") for n in range(1000)]
    assert database.run(bulk.insert, media_urls, COLUMNS, rows) == 1000
    assert database.run(bulk.insert, media_urls, COLUMNS, []) == 0
    with database.read() as conn:
        assert urls(conn) == {f"u{n}": f"h{n}" for n in range(1000)}


def insert(database, rows, **options) -> int:
    return database.run(lambda conn: bulk.insert(conn, media_urls, COLUMNS, rows, **options))


def test_a_conflict_that_is_expected_leaves_the_row_alone(database):
    insert(database, [("a", "1", "t")])
    assert insert(database, [("a", "2", "t"), ("b", "2", "t"), ("b", "3", "t")], key=("url",)) == 1
    with database.read() as conn:
        assert urls(conn) == {"a": "1", "b": "2"}


def test_or_replaces_the_columns_that_are_named(database):
    insert(database, [("a", "1", "t")])
    assert insert(database, [("a", "2", "t"), ("b", "2", "t")], key=("url",), replace=("sha256",)) == 2
    with database.read() as conn:
        assert urls(conn) == {"a": "2", "b": "2"}


def test_rows_are_updated_deleted_and_selected_by_key(database):
    insert(database, [(f"u{n}", "old", "t") for n in range(5)])
    assert (
        database.run(bulk.update, media_urls, "url", ("sha256",), [("new", "u1"), ("new", "u2"), ("new", "none")]) == 2
    )
    assert database.run(bulk.delete, media_urls, "url", ["u0", "u4", "none"]) == 2
    assert database.run(bulk.update, media_urls, "url", ("sha256",), []) == 0
    assert database.run(bulk.delete, media_urls, "url", []) == 0
    with database.read() as conn:
        assert urls(conn) == {"u1": "new", "u2": "new", "u3": "old"}
        found = bulk.select(conn, media_urls, ("url",), "url", ["u1", "u3", "none"], where="AND sha256 = 'old'")
        assert [row[0] for row in found] == ["u3"]
        assert bulk.select(conn, media_urls, ("url",), "url", []) == ()


def test_bytes_come_back_as_they_were(database):
    rows = [(f"r{n}", "s", bytes([n]) * 16, bytes(range(256))) for n in range(3)]
    columns = ("record_id", "source", "text_hash", "bands")
    assert database.run(bulk.insert, signatures, columns, rows) == 3
    with database.read() as conn:
        found = conn.execute(signatures.select()).all()
    assert [bytes(row.text_hash) for row in found] == [row[2] for row in rows]
    assert bytes(found[0].bands) == bytes(range(256))


@pytest.mark.parametrize(
    "text", ["it's", 'a "quote"', "back\\slash", "\\u0000", "100 %s ?", "{brace}", "ünï😀", "a\nb\t"]
)
def test_any_text_comes_back(database, text):
    insert(database, [(text, text, text)])
    with database.read() as conn:
        assert urls(conn) == {text: text}
        assert [row[0] for row in bulk.select(conn, media_urls, ("url",), "url", [text])] == [text]


def test_a_zero_byte_is_kept_or_shown_as_replaced(database):
    insert(database, [("u", "a\0b", "t")])
    with database.read() as conn:
        assert urls(conn)["u"] == ("a\0b" if database.dialect == "sqlite" else "a\ufffdb")
