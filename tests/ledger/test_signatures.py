from __future__ import annotations

import pytest

from crawlers.ledger import signatures
from crawlers.ledger.settlement import Signature
from tests.ledger_pages import SOURCE, record


def put(ledger, *wanted: Signature) -> None:
    ledger.database.run(signatures.put, list(wanted), {s.record_id: SOURCE for s in wanted})


def since(ledger, seq: int = 0, **options):
    with ledger.database.read() as conn:
        return list(signatures.since(conn, seq, **options))


def sign(key: str, mark: bytes = b"\0", bands: bytes = b"\xff" * 128) -> Signature:
    return Signature(record(key).id, mark * 16, bands)


def test_rows_come_back_in_the_order_they_were_written(ledger):
    put(ledger, sign("a"), sign("b", b"\x01", b""))
    first, second = since(ledger)
    assert first[1:] == (record("a").id, SOURCE, b"\0" * 16, b"\xff" * 128)
    assert second[1:] == (record("b").id, SOURCE, b"\x01" * 16, b"")
    assert first[0] < second[0]


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_a_reader_goes_on_from_where_it_was(ledger, batch):
    put(ledger, *(sign(f"k{n}") for n in range(5)))
    rows = since(ledger, batch=batch)
    assert len(rows) == 5
    assert since(ledger, rows[2][0], batch=batch) == rows[3:]
    assert since(ledger, rows[-1][0]) == []


def test_the_same_signature_again_changes_nothing(ledger):
    put(ledger, sign("a"))
    before = since(ledger)
    put(ledger, sign("a"))
    assert since(ledger) == before


def test_a_changed_signature_gets_a_new_number(ledger):
    put(ledger, sign("a"), sign("b"))
    last = since(ledger)[-1][0]
    put(ledger, sign("a", b"\x07"))
    ((seq, record_id, _, text_hash, _),) = since(ledger, last)
    assert seq > last
    assert (record_id, text_hash) == (record("a").id, b"\x07" * 16)
    assert len(since(ledger)) == 2


def test_a_number_is_never_given_twice(ledger):
    """A reader that has seen a number would never see the row that got it again."""
    put(ledger, sign("a"))
    last = since(ledger)[-1][0]
    ledger.database.run(signatures.delete, [record("a").id])
    assert since(ledger) == []
    put(ledger, sign("b"))
    assert since(ledger)[0][0] > last


def test_of_two_signatures_of_one_record_the_last_counts(ledger):
    put(ledger, sign("a"), sign("a", b"\x02"))
    assert [row[3] for row in since(ledger)] == [b"\x02" * 16]
