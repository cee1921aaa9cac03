from __future__ import annotations

import pytest

from crawlers.hashing import sha256
from crawlers.ledger import captures
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import SOURCE, answer, fingerprint

BODY = b"<p>the same page</p>" * 100


def visit(ledger, number: int, body: bytes | None = BODY, **values) -> None:
    (lease,) = ledger.lease(number)
    ledger.commit(Settlement(lease, status=200, answer=answer(lease, body, **values)))


def test_a_body_is_stored_once_and_smaller(ledger):
    visit(ledger, 1)
    visit(ledger, 2)
    row = ledger.row("captures")
    assert row["size"] == len(BODY)
    assert row["stored"] == len(row["body"]) < len(BODY) / 5
    assert len(ledger.rows("pages")) == 2
    with ledger.database.read() as conn:
        assert captures.load(conn, sha256(BODY)) == BODY
        assert captures.load(conn, sha256(b"another")) is None


@pytest.mark.parametrize("body", [b"", b"\0\xff" * 10, bytes(range(256)) * 4000])
def test_any_bytes_come_back(ledger, body):
    visit(ledger, 1, body)
    with ledger.database.read() as conn:
        assert captures.load(conn, sha256(body)) == body
    assert captures.decompress(captures.compress(body)) == body


def test_a_page_is_found_by_the_request_also_by_a_repeated_one(ledger):
    visit(ledger, 1)
    with ledger.database.read() as conn:
        for name in (fingerprint(1), f"{fingerprint(1)}:2a.0"):
            page = captures.page(conn, SOURCE, name)
            assert (page.url, page.status, page.etag, page.encoding) == ("http://shop.example/1", 200, '"v1"', "utf-8")
            assert (page.host, page.headers) == ("shop.example", '{"content-type":["text/html"]}')
        assert captures.page(conn, SOURCE, fingerprint(2)) is None
        assert captures.page(conn, "another", fingerprint(1)) is None


def test_a_later_answer_replaces_an_earlier_one(ledger):
    visit(ledger, 1, b"one", etag='"a"')
    ledger.next_round()
    visit(ledger, 1, b"two", etag='"b"', fetched_at="2026-03-03T00:00:00Z")
    row = ledger.row("pages")
    assert (row["etag"], row["body_sha256"], row["fetched_at"]) == ('"b"', sha256(b"two"), "2026-03-03T00:00:00Z")
    assert len(ledger.rows("captures")) == 2


def test_an_answer_without_a_body_keeps_its_validators(ledger):
    visit(ledger, 1, None)
    assert ledger.rows("captures") == []
    assert ledger.row("pages")["etag"] == '"v1"'


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_pages_are_streamed_in_order(ledger, batch):
    for number in (3, 1, 2):
        visit(ledger, number)
    with ledger.database.read() as conn:
        assert [page.fingerprint for page in captures.pages(conn, SOURCE, batch)] == [fingerprint(n) for n in (1, 2, 3)]


def test_validators_of_pages_that_a_304_could_be_answered_from(ledger):
    visit(ledger, 1)
    visit(ledger, 2, etag=None, last_modified="Thu, 01 Jan 2026 00:00:00 GMT")
    visit(ledger, 3, etag=None)
    visit(ledger, 4, None)
    asked = [fingerprint(1), f"{fingerprint(1)}:7.1", *(fingerprint(n) for n in (2, 3, 4, 5))]
    with ledger.database.read() as conn:
        assert captures.validators(conn, SOURCE, asked) == {
            fingerprint(1): ('"v1"', None, sha256(BODY)),
            f"{fingerprint(1)}:7.1": ('"v1"', None, sha256(BODY)),
            fingerprint(2): (None, "Thu, 01 Jan 2026 00:00:00 GMT", sha256(BODY)),
        }
        assert captures.validators(conn, "another", asked) == {}
        assert captures.validators(conn, SOURCE, []) == {}


def test_expired_are_those_that_no_page_has_confirmed_since(ledger, tmp_path):
    visit(ledger, 1, b"old", fetched_at="2026-01-01T00:00:00Z")
    visit(ledger, 2, b"confirmed", fetched_at="2026-06-01T00:00:00Z")
    with ledger.database.write() as conn:
        conn.exec_driver_sql("UPDATE captures SET captured_at = '2026-01-01T00:00:00Z'")
    assert ledger.database.run(captures.expire, "2026-03-01T00:00:00Z") == 1
    with ledger.database.read() as conn:
        assert captures.load(conn, sha256(b"old")) is None
        assert captures.load(conn, sha256(b"confirmed")) == b"confirmed"
        assert captures.validators(conn, SOURCE, [fingerprint(1)]) == {}
    assert ledger.problems(tmp_path) == []
    assert ledger.database.run(captures.expire, "2026-03-01T00:00:00Z") == 0
