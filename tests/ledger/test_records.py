from __future__ import annotations

import orjson
import pytest

from crawlers.items import from_dict
from crawlers.ledger import crawls, maintenance, records
from crawlers.ledger.settlement import FAILED, SKIPPED, Settlement
from tests.ledger_pages import SOURCE, Ledger, record, rejected, run_id, signature


def keys(ledger: Ledger, **options) -> list[str]:
    with ledger.database.read() as conn:
        return [found["key"] for found in records.iterate(conn, SOURCE, **options)]


@pytest.mark.parametrize("batch", [1, 3, 7, 1000])
def test_streams_every_record_once_ordered_by_id(ledger, batch):
    made = [record(f"k{n}") for n in range(7)]
    ledger.page(1, *made)
    with ledger.database.read() as conn:
        ids = [found["id"] for found in records.iterate(conn, SOURCE, batch=batch)]
    assert ids == sorted(one.id for one in made)


def test_what_is_read_is_what_was_written(ledger):
    made = record("a", title="Ünïcode 😀", fields={"price": 1.5, "tags": ["x", None]})
    ledger.page(1, made)
    with ledger.database.read() as conn:
        (read,) = records.iterate(conn, SOURCE)
        (body,) = records.bodies(conn, SOURCE)
    assert from_dict(read) == made
    assert orjson.loads(body) == read


def test_other_sources_and_states_are_left_out(ledger):
    other = record("b")
    other.source, other.id = "another", "f" * 32
    ledger.page(1, record("a"), other)
    assert keys(ledger) == ["a"]
    assert keys(ledger, state="gone") == []
    ledger.next_round()
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=FAILED, reason="http-404", gone=True))
    assert (keys(ledger), keys(ledger, state="gone")) == ([], ["a"])


def test_since_a_run_are_those_that_later_runs_made_or_changed(ledger):
    ledger.page(1, record("same"), record("changing", "one"))
    ledger.next_round()
    ledger.page(1, record("same"), record("changing", "two"), record("new"))
    assert sorted(keys(ledger, since_run=run_id(1))) == ["changing", "new"]
    assert sorted(keys(ledger, since_run=run_id(0))) == ["changing", "new", "same"]
    assert keys(ledger, since_run=run_id(2)) == []


def test_one_record_by_its_id(ledger):
    ledger.page(1, record("a"))
    with ledger.database.read() as conn:
        assert records.get(conn, record("a").id)["key"] == "a"
        assert records.get(conn, "0" * 32) is None


def test_texts_of_those_that_are_there(ledger):
    empty = record("b")
    empty.text = None
    empty.seal()
    ledger.page(1, record("a", "the text"), empty)
    with ledger.database.read() as conn:
        assert records.texts(conn, [record("a").id, empty.id, "0" * 32]) == {record("a").id: "the text", empty.id: ""}
        assert records.texts(conn, []) == {}


def test_counts_by_state(ledger):
    ledger.page(1, record("a"), record("b"))
    with ledger.database.read() as conn:
        assert records.counts(conn, SOURCE) == {"kept": 2, "gone": 0}
        assert records.counts(conn, "nobody") == {"kept": 0, "gone": 0}


# --- gone after a crawl ---------------------------------------------------------------------------------------------


def first_round(ledger: Ledger) -> None:
    kept = record("b")
    ledger.page(1, record("a"), signatures=[])
    ledger.page(2, kept, signatures=[signature(kept)])
    ledger.next_round()


def gone(ledger: Ledger) -> list[str]:
    ledger.database.run(records.mark_gone, ledger.crawl.id)
    return [row["key"] for row in ledger.rows("records") if row["state"] == "gone"]


def test_a_record_that_its_page_no_longer_gives_is_gone(ledger):
    first_round(ledger)
    ledger.page(1, record("a"))
    ledger.page(2)
    assert gone(ledger) == ["b"]
    assert ledger.rows("signatures") == []
    assert ledger.row("records", key="b")["changed_run"] == run_id(2)


def test_a_record_whose_page_nobody_links_to_is_gone(ledger):
    first_round(ledger)
    ledger.page(1, record("a"))
    assert gone(ledger) == ["b"]


def test_a_record_whose_page_failed_is_not_gone(ledger):
    first_round(ledger)
    ledger.page(1, record("a"))
    (lease,) = ledger.lease(2)
    ledger.commit(Settlement(lease, state=FAILED, reason="timeout"))
    assert gone(ledger) == []


def test_where_a_page_failed_what_lies_behind_it_is_not_gone(ledger):
    first_round(ledger)
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=FAILED, reason="http-500"))
    assert gone(ledger) == []


def test_where_the_budget_was_spent_only_answered_pages_count(ledger):
    first_round(ledger)
    ledger.page(2)
    (lease,) = ledger.lease(7)
    ledger.commit(Settlement(lease, state=SKIPPED, reason="max-pages"))
    assert gone(ledger) == ["b"]


def test_records_of_a_crawl_with_other_arguments_are_not_concerned(ledger):
    ledger.page(1, record("a"))
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    ledger.crawl = ledger.database.run(crawls.open_crawl, SOURCE, "another scope", {})
    assert gone(ledger) == []


def test_an_unknown_crawl_marks_nothing(ledger):
    assert ledger.database.run(records.mark_gone, 4711) == 0


def refined(ledger: Ledger, scope: str, *found: list) -> None:
    """A refine under *scope* whose pages give *found*, each a list of records."""
    ledger.refine(scope)
    for given in found:
        (lease,) = ledger.lease(int(given[0].key))
        ledger.commit(Settlement(lease, records=given))
    ledger.database.run(ledger.frontier.leave)


def test_refine_takes_no_record_over_from_the_crawl_that_asked_for_its_page(ledger):
    """Two crawls with their own arguments, and a refine under those of the second: neither takes the other's for gone."""
    ledger.page(1, record("1"))
    ledger.next_round("other")
    ledger.page(2, record("2"))
    refined(ledger, "other", [record("1")], [record("2", "changed"), record("2b")])
    assert {row["key"]: row["crawl_id"] for row in ledger.rows("records")}.keys() == {"1", "2", "2b"}
    ledger.next_round("other")
    ledger.page(2, record("2", "changed"), record("2b"))
    assert gone(ledger) == []
    ledger.next_round("other")
    ledger.page(2, record("2b"))
    assert gone(ledger) == ["2"]
    ledger.next_round("scope")
    ledger.page(5)
    assert set(gone(ledger)) == {"1", "2"}


def test_what_refine_finds_on_a_page_whose_request_was_dropped_belongs_with_what_was_found_there(ledger):
    ledger.page(1, record("1"))
    asked_by = ledger.crawl.id
    ledger.next_round()
    ledger.page(2, record("2"))
    ledger.database.run(ledger.frontier.leave)
    maintenance.compact(ledger.database)
    refined(ledger, "scope", [record("1"), record("1b")], [record("2")])
    assert {row["key"]: row["asked_by"] for row in ledger.rows("records")}["1b"] == asked_by


def test_what_vanishes_after_a_refine_is_gone(ledger):
    ledger.page(1, record("1"))
    ledger.page(2, record("2"))
    refined(ledger, "another way to write them", [record("1")], [record("2")])
    ledger.next_round()
    ledger.page(1, record("1"))
    ledger.page(2)
    assert gone(ledger) == ["2"]


def test_what_was_rejected_keeps_the_crawl_that_asked_for_its_page(ledger):
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, rejections=[rejected("1")]))
    asked_by = ledger.crawl.id
    refined(ledger, "other", [record("1")])
    assert ledger.row("records")["asked_by"] == asked_by
    ledger.refine("third")
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, rejections=[rejected("1")]))
    assert ledger.row("rejections")["asked_by"] == asked_by
