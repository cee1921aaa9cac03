from __future__ import annotations

import pytest

from crawlers.items import KeywordMatch
from crawlers.ledger import crawls, statistics
from crawlers.ledger.settlement import Settlement
from crawlers.report import summary
from tests.ledger_pages import SOURCE, entry, record
from tests.report import ledgers


@pytest.fixture
def filled(database):
    return ledgers.fill(ledgers.begin_in(database))


def ask(filled, function, *args):
    with filled.database.read() as conn:
        return function(conn, *args)


def test_reasons_are_counted_by_state(filled):
    assert ask(filled, statistics.request_reasons, filled.crawl_id) == [
        ("failed", "http-404", 2), ("skipped", "robots", 2), ("done", "redirected", 1),
    ]  # fmt: skip


def test_samples_of_requests_are_the_first_ones(filled):
    (sample,) = ask(filled, statistics.request_samples, filled.crawl_id, "failed", "http-404", 1)
    assert sample == {"url": "http://shop.example/15", "status": 404, "detail": "the site answered 404"}
    assert ask(filled, statistics.request_samples, filled.crawl_id, "failed", "unheard-of", 5) == []


def test_statuses(filled):
    assert ask(filled, statistics.statuses, filled.crawl_id) == {"200": 15, "302": 1, "404": 2}


def test_hosts_with_their_states_and_records(filled):
    hosts, number = ask(filled, statistics.hosts, filled.crawl_id, ledgers.SOURCE, 5)
    assert number == 1
    assert hosts == [
        {"host": "shop.example", "discovered": 20, "done": 16, "failed": 2, "skipped": 2, "pending": 0, "records": 12}
    ]
    assert all(type(value) is int for name, value in hosts[0].items() if name != "host")


def test_records_by_column(filled):
    assert ask(filled, statistics.records_by, ledgers.SOURCE, "type", "language", "modality") == {
        "type": {"Product": 12}, "language": {"en": 12}, "modality": {"text": 12},
    }  # fmt: skip
    assert ask(filled, statistics.records_by, "nobody", "type") == {"type": {}}


def test_values_are_added_up_whatever_the_other_columns_say_and_the_most_frequent_come_first(ledger):
    kinds = [("b", "fr"), ("b", None), ("a", "fr"), ("a", None), ("c", None)]
    ledger.page(1, *(record(str(n), type=type_, language=language) for n, (type_, language) in enumerate(kinds)))
    with ledger.database.read() as conn:
        found = statistics.records_by(conn, SOURCE, "type", "language")
    assert [list(numbers.items()) for numbers in found.values()] == [
        [("a", 2), ("b", 2), ("c", 1)],
        [("unknown", 3), ("fr", 2)],
    ]


def test_a_crawl_has_its_own_requests_where_those_of_another_lie_between_them(ledger):
    """Two crawls that run at the same time: the ids of their requests alternate."""
    ledger.page(1)
    first, mine = ledger.crawl, ledger.frontier
    ledger.crawl = ledger.database.run(crawls.open_crawl, SOURCE, "another scope", {})
    ledger.frontier = ledger.worker("two")
    (lease,) = ledger.lease(2)
    ledger.commit(Settlement(lease, state="failed", reason="timeout", status=504))
    ledger.crawl, ledger.frontier = first, mine
    (lease,) = ledger.lease(3)
    ledger.commit(Settlement(lease, state="failed", reason="http-404", status=404))
    with ledger.database.read() as conn:
        assert statistics.request_reasons(conn, first.id) == [("failed", "http-404", 1)]
        assert statistics.request_samples(conn, first.id, "failed", "timeout", 5) == []
        assert statistics.statuses(conn, first.id) == {"404": 1}
        assert statistics.settled_by(conn, first.id, ledger.run) == 2
        assert [url for _, url in statistics.answered(conn, first.id, 5)] == ["http://shop.example/1"]
        ((host,), number) = statistics.hosts(conn, first.id, SOURCE, 5)
        assert (number, host["discovered"], host["failed"]) == (1, 2, 1)


def test_of_many_hosts_all_are_counted_and_some_are_shown(ledger):
    ledger.add(*(entry(n, f"h{n % 4}.example") for n in range(9)))
    with ledger.database.read() as conn:
        found, number = statistics.hosts(conn, ledger.crawl.id, SOURCE, 2)
        assert ([host["host"] for host in found], number) == (["h0.example", "h1.example"], 4)


def test_a_crawl_without_requests_has_no_figures(ledger):
    with ledger.database.read() as conn:
        assert statistics.hosts(conn, ledger.crawl.id, SOURCE, 5) == ([], 0)
        assert statistics.statuses(conn, ledger.crawl.id) == {}
        assert statistics.request_reasons(conn, ledger.crawl.id) == []
        assert statistics.settled_by(conn, ledger.crawl.id, ledger.run) == 0


def test_changes_of_a_first_crawl(filled):
    changes = ask(filled, statistics.record_changes, ledgers.SOURCE, filled.crawl_id)
    assert changes == {"new": 12, "changed": 0, "updated": 0, "unchanged": 0, "gone": 0, "kept": 12}


def test_changes_are_told_apart_whichever_run_of_the_crawl_made_them(ledger):
    facts = {"keywords": [KeywordMatch("text", "topics", 5, 9)]}
    ledger.page(9, *(record(key) for key in "abcdef"))
    ledger.next_round()
    ledger.page(9, record("a", "other"), record("f", "other"))
    ledger.open()  # the same crawl goes on in another run
    ledger.page(8, record("b", **facts), record("c"), record("new"))
    ledger.page(
        7, record("a", "other", **facts), record("new", **facts)
    )  # of two pages the one with the lower number speaks
    assert changes(ledger) == {"new": 1, "changed": 2, "updated": 1, "unchanged": 1, "gone": 0, "kept": 7}
    ledger.next_round()
    ledger.page(9, record("a", "other"), record("f", "other"))
    assert changes(ledger) == {"new": 0, "changed": 0, "updated": 1, "unchanged": 1, "gone": 0, "kept": 7}


def changes(ledger):
    with ledger.database.read() as conn:
        return statistics.record_changes(conn, SOURCE, ledger.crawl.id)


def test_changes_of_a_source_that_nobody_knows(filled):
    changes = ask(filled, statistics.record_changes, "nobody", filled.crawl_id)
    assert set(changes.values()) == {0}


def test_rejections_of_a_crawl_and_of_all(filled):
    counts = [("keywords", "no-keyword", 2), ("deduplicate", "near-duplicate", 1)]
    assert ask(filled, statistics.rejection_counts, ledgers.SOURCE) == counts
    assert ask(filled, statistics.rejection_counts, ledgers.SOURCE, filled.crawl_id) == counts
    assert ask(filled, statistics.rejection_counts, ledgers.SOURCE, 99) == []


def test_samples_of_rejections_have_the_record_and_what_was_measured(filled):
    samples = ask(filled, statistics.rejection_samples, ledgers.SOURCE, filled.crawl_id, "keywords", "no-keyword", 5)
    assert [(sample["value"], sample["threshold"]) for sample in samples] == [(0, 1)] * 2
    assert [sample["record"]["id"] for sample in samples] == [sample["record_id"] for sample in samples]


def test_a_sample_of_records_reads_no_more_than_asked_for(filled):
    found = ask(filled, lambda conn: list(statistics.sample(conn, ledgers.SOURCE, 5)))
    assert len(found) == 5
    assert [record["id"] for record in found] == sorted(record["id"] for record in found)
    assert ask(filled, lambda conn: list(statistics.sample(conn, "nobody", 5))) == []


def test_settled_by_a_run(filled):
    assert ask(filled, statistics.settled_by, filled.crawl_id, filled.run_id) == 20
    assert ask(filled, statistics.settled_by, filled.crawl_id, "another") == 0


def test_answered_pages_are_those_whose_callback_ran(filled):
    found = ask(filled, statistics.answered, filled.crawl_id, 100)
    assert len(found) == 15
    assert "http://shop.example/19" not in {url for _, url in found}  # redirected


def test_the_whole_summary_is_the_same_on_both_databases(filled):
    found = ask(filled, summary, ledgers.SOURCE, filled.crawl_id, filled.run_id)
    assert found["outcome"]["exit_code"] == 0
    assert found["records"]["media"]["files"] == 1
