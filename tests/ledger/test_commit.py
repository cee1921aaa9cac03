from __future__ import annotations

import logging

import orjson
import pytest

from crawlers.errors import Rejected
from crawlers.items import KeywordMatch, from_dict
from crawlers.ledger import records, rejections
from crawlers.ledger.commit import commit
from crawlers.ledger.settlement import FAILED, PENDING, SKIPPED, Settlement
from tests.ledger_pages import SOURCE, answer, entry, fingerprint, record, rejected, run_id, signature


def test_a_page_becomes_visible_as_a_whole(ledger, tmp_path):
    (lease,) = ledger.lease(1)
    kept = record("a")
    page = Settlement(
        lease, status=200, records=[kept], rejections=[rejected("b")], signatures=[signature(kept)],
        children=[entry(2), entry(3), entry(1), entry(4, skipped="offsite")], answer=answer(lease),
    )  # fmt: skip
    done = ledger.commit(page)
    assert (done.new, done.rejected, done.new_children, done.void) == (1, 1, 3, 0)
    assert ledger.counts() == {"pending": 2, "leased": 0, "done": 1, "failed": 0, "skipped": 1}
    assert {row["parent_id"] for row in ledger.rows("requests")} == {None, lease.id}
    assert len(ledger.rows("captures")) == len(ledger.rows("signatures")) == len(ledger.rows("pages")) == 1
    assert ledger.problems(tmp_path, full=True) == []


def test_nothing_of_a_page_is_visible_when_its_transaction_fails(ledger):
    leases = ledger.lease(1, 2)
    pages = [Settlement(lease, records=[record(lease.url)], children=[entry(50 + lease.id)]) for lease in leases]

    def broken(conn):
        commit(conn, ledger.frontier, pages, ledger.run)
        raise RuntimeError("killed here")

    with pytest.raises(RuntimeError, match="killed here"):
        ledger.database.run(broken)
    assert ledger.counts()["leased"] == 2
    assert ledger.rows("records") == []
    assert ledger.commit(*pages).new == 2
    assert ledger.counts() == {"pending": 2, "leased": 0, "done": 2, "failed": 0, "skipped": 0}


@pytest.mark.parametrize("state", [FAILED, SKIPPED])
def test_a_request_ends_in_its_state_with_reason_detail_and_status(ledger, state):
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=state, reason="http-404", detail="not found", status=404))
    row = ledger.row("requests")
    assert (row["state"], row["reason"], row["detail"], row["status"]) == (state, "http-404", "not found", 404)
    assert (row["run_id"], row["worker"]) == (ledger.run, None)
    assert row["settled_at"].endswith("Z")


def test_a_request_that_is_given_back_waits_and_counts_as_an_attempt(ledger):
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=PENDING, reason="retry-after", available_at=5.0))
    row = ledger.row("requests")
    assert (row["state"], row["attempts"], row["available_at"], row["worker"]) == ("pending", 1, 5.0, None)
    (again,) = ledger.database.run(ledger.frontier.claim, 1)
    assert again.attempts == 1
    ledger.commit(Settlement(again, status=200))
    assert ledger.row("requests")["reason"] is None


def test_a_lease_that_was_taken_over_makes_the_settlement_void(ledger, tmp_path):
    slow = ledger.worker("slow", lease_seconds=0.0)
    ledger.add(entry(1))
    (lease,) = ledger.database.run(slow.claim, 1)
    ledger.database.run(ledger.frontier.recover)
    (mine,) = ledger.database.run(ledger.frontier.claim, 1)
    late = record("late")
    void = Settlement(lease, records=[late], rejections=[rejected("x")], children=[entry(7)], answer=answer(lease),
                      signatures=[signature(late)])  # fmt: skip
    done = ledger.commit(void, frontier=slow)
    assert (done.void, done.new, done.rejected, done.new_children) == (1, 0, 0, 0)
    for table in ("records", "rejections", "captures", "pages", "signatures"):
        assert ledger.rows(table) == []
    assert ledger.row("requests")["worker"] == ledger.frontier.worker
    assert ledger.commit(Settlement(mine, records=[record("mine")])).new == 1
    assert [row["key"] for row in ledger.rows("records")] == ["mine"]
    assert ledger.counts()["done"] == 1


def test_a_lease_that_came_back_to_the_same_worker_is_another_lease(ledger):
    """While the worker was silent the others gave the request back, and then it claimed it again."""
    other = ledger.worker("other")
    (old,) = ledger.lease(1)
    with ledger.database.write() as conn:
        conn.exec_driver_sql("UPDATE workers SET expires_at = 0")
    ledger.database.run(other.heartbeat)
    ledger.database.run(ledger.frontier.heartbeat)
    (new,) = ledger.database.run(ledger.frontier.claim, 1)
    assert new.id == old.id
    done = ledger.commit(Settlement(old, records=[record("old")]), Settlement(new, records=[record("new")]))
    assert (done.void, done.new) == (1, 1)
    assert [row["key"] for row in ledger.rows("records")] == ["new"]
    assert ledger.counts() == {"pending": 0, "leased": 0, "done": 1, "failed": 0, "skipped": 0}


def test_two_settlements_of_one_lease_are_one(ledger):
    (lease,) = ledger.lease(1)
    done = ledger.commit(Settlement(lease, records=[record("a")]), Settlement(lease, records=[record("b")]))
    assert (done.void, done.new) == (1, 1)
    assert ledger.counts()["leased"] == 0


def test_a_settlement_that_is_written_twice_is_written_once(ledger):
    (lease,) = ledger.lease(1)
    page = Settlement(lease, records=[record("a")], children=[entry(2)])
    assert ledger.commit(page).void == 0
    assert ledger.commit(page).void == 1
    assert ledger.row("records")["version"] == 1


def test_items_without_a_request_are_stored_too(ledger):
    done = ledger.commit(Settlement(None, records=[record("a")], children=[entry(5)]))
    assert (done.new, done.new_children) == (1, 1)
    assert ledger.row("records")["page_fingerprint"] is None
    assert ledger.row("requests")["parent_id"] is None


def test_a_group_counts_each_page(ledger):
    leases = ledger.lease(1, 2, 3, 4)
    pages = [
        Settlement(leases[0], records=[record("a"), record("b")]),
        Settlement(leases[1], state=FAILED, reason="timeout"),
        Settlement(leases[2], state=SKIPPED, reason="robots"),
        Settlement(leases[3], state=PENDING, reason="retry"),
    ]
    assert ledger.commit(*pages).new == 2
    assert ledger.counts() == {"pending": 1, "leased": 0, "done": 1, "failed": 1, "skipped": 1}


# --- versions -------------------------------------------------------------------------------------------------------


def stored(ledger, key: str):
    with ledger.database.read() as conn:
        return records.get(conn, record(key).id)


def test_a_record_is_stored_with_its_columns(ledger):
    ledger.page(1, record("a", title="Title", language="en", type="Article"))
    row = ledger.row("records")
    assert (row["source"], row["key"], row["version"], row["state"]) == (SOURCE, "a", 1, "kept")
    assert (row["host"], row["type"], row["modality"], row["language"]) == ("shop.example", "Article", "text", "en")
    assert row["first_run"] == row["version_run"] == row["changed_run"] == row["seen_run"] == ledger.run
    assert (row["crawl_id"], row["page_fingerprint"]) == (ledger.crawl.id, fingerprint(1))
    assert from_dict(orjson.loads(row["body"])) == record("a", title="Title", language="en", type="Article")


def test_an_unchanged_record_is_touched(ledger):
    ledger.page(1, record("a"))
    before = ledger.row("records")
    ledger.next_round()
    again = record("a")
    again.provenance.fetched_at = "2026-02-02T00:00:00Z"
    assert ledger.page(1, again).unchanged == 1
    row = ledger.row("records")
    assert (row["seen_run"], row["crawl_id"]) == (run_id(2), ledger.crawl.id)
    assert {n: row[n] for n in ("version", "body", "changed_run", "first_run")} == {
        n: before[n] for n in ("version", "body", "changed_run", "first_run")
    }
    assert ledger.rows("record_versions") == []


def test_a_changed_record_is_a_new_version_of_the_same_id(ledger):
    ledger.page(1, record("a", "first"))
    first = ledger.row("records")
    ledger.next_round()
    changed = record("a", "second")
    assert ledger.page(1, changed).changed == 1
    assert changed.version == 2
    row = ledger.row("records")
    assert (row["version"], row["version_run"], row["first_run"]) == (2, run_id(2), run_id(1))
    assert row["changed_run"] == run_id(2)
    assert (stored(ledger, "a")["version"], stored(ledger, "a")["text"]) == (2, "second")
    old = ledger.row("record_versions")
    assert (old["id"], old["version"], old["body"], old["run_id"]) == (row["id"], 1, first["body"], run_id(1))
    assert old["content_hash"] == first["content_hash"]


def test_new_facts_about_the_same_content_replace_the_body_and_keep_the_version(ledger, tmp_path):
    ledger.page(1, record("a"))
    ledger.next_round()
    done = ledger.page(1, record("a", keywords=[KeywordMatch("text", "topics", 5, 9)]))
    assert (done.updated, done.changed, done.unchanged) == (1, 0, 0)
    assert stored(ledger, "a")["keywords"][0]["phrase"] == "text"
    row = ledger.row("records")
    assert (row["version"], row["version_run"], row["changed_run"]) == (1, run_id(1), run_id(2))
    assert ledger.rows("record_versions") == []
    assert ledger.problems(tmp_path) == []


def test_a_record_without_a_seal_is_sealed(ledger, tmp_path):
    open_one = record("a")
    open_one.content_hash = None
    ledger.page(1, open_one)
    assert ledger.row("records")["content_hash"] == record("a").content_hash
    assert ledger.problems(tmp_path) == []


def test_one_group_may_change_a_record_twice(ledger):
    first, second = ledger.lease(1, 2)
    second.fingerprint = f"{first.fingerprint}:1"  # the same URL asked for again on purpose
    done = ledger.commit(
        Settlement(first, records=[record("a", "one")]), Settlement(second, records=[record("a", "two")])
    )
    assert (done.new, done.changed) == (1, 1)
    assert (stored(ledger, "a")["text"], stored(ledger, "a")["version"]) == ("two", 2)
    assert ledger.row("record_versions")["version"] == 1


def test_a_page_that_gives_an_id_twice_keeps_the_first_and_says_so(ledger, caplog):
    with caplog.at_level(logging.WARNING):
        done = ledger.page(1, record("a", "first"), record("a", "second"))
    assert (done.new, done.repeated) == (1, 1)
    assert stored(ledger, "a")["text"] == "first"
    assert "more than once" in caplog.text
    assert "'a'" in caplog.text


def test_a_kept_record_speaks_before_a_rejected_one_of_the_same_page(ledger):
    (lease,) = ledger.lease(1)
    done = ledger.commit(Settlement(lease, records=[record("a")], rejections=[rejected("a")]))
    assert (done.new, done.rejected, done.repeated) == (1, 0, 1)
    assert ledger.rows("rejections") == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_two_pages_of_one_crawl_the_same_one_has_the_word_in_either_order(ledger, order, tmp_path):
    """In the first round and in those after it, whichever page is answered first."""
    texts = {1: "as page one has it", 2: "as page two has it"}
    for number in order:
        ledger.page(number, record("a", texts[number]))
    assert (stored(ledger, "a")["text"], stored(ledger, "a")["version"]) == (texts[1], 1)
    for round_order in (order, order[::-1]):
        ledger.next_round()
        for number in round_order:
            ledger.page(number, record("a", texts[number]))
        assert (stored(ledger, "a")["text"], stored(ledger, "a")["version"]) == (texts[1], 1)
    assert ledger.rows("record_versions") == []
    assert ledger.problems(tmp_path) == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_page_with_the_word_also_decides_about_rejection(ledger, order):
    for number in order:
        (lease,) = ledger.lease(number)
        page = (
            Settlement(lease, rejections=[rejected("a")]) if number == 1 else Settlement(lease, records=[record("a")])
        )
        ledger.commit(page)
    assert ledger.rows("records") == []
    assert ledger.row("rejections")["reason"] == "no-keyword"


# --- rejections -----------------------------------------------------------------------------------------------------


def test_a_rejection_keeps_everything_that_is_known(ledger):
    (lease,) = ledger.lease(1)
    why = Rejected(
        stage="deduplicate", reason="near-duplicate", detail="0.93 alike", value=0.93, threshold={"jaccard": 0.8},
        duplicate_of="f" * 32,
    )  # fmt: skip
    ledger.commit(Settlement(lease, rejections=[(record("a", "the text"), why)]))
    with ledger.database.read() as conn:
        row = rejections.get(conn, record("a").id)
    assert (row["stage"], row["reason"], row["detail"]) == ("deduplicate", "near-duplicate", "0.93 alike")
    assert (row["value"], row["threshold"], row["duplicate_of"]) == (0.93, {"jaccard": 0.8}, "f" * 32)
    assert (row["settings_digest"], row["run_id"], row["crawl_id"]) == ("sha256:settings", ledger.run, ledger.crawl.id)
    assert (row["url"], row["key"], row["record"]["text"]) == ("http://shop.example/a", "a", "the text")


def test_a_rejected_record_that_is_kept_later_leaves_the_rejections(ledger):
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, rejections=[rejected("a")]))
    assert ledger.commit(Settlement(None, records=[record("a")])).new == 1
    assert ledger.rows("rejections") == []
    assert ledger.row("records")["page_fingerprint"] == fingerprint(1), "a readmitted record keeps its page"


def test_a_kept_record_that_is_rejected_later_becomes_an_earlier_version(ledger, tmp_path):
    kept = record("a", "good")
    ledger.page(1, kept, signatures=[signature(kept)])
    ledger.next_round()
    (lease,) = ledger.lease(1)
    assert ledger.commit(Settlement(lease, rejections=[rejected("a")])).rejected == 1
    assert ledger.rows("records") == ledger.rows("signatures") == []
    assert orjson.loads(ledger.row("record_versions")["body"])["text"] == "good"
    assert ledger.problems(tmp_path) == []


@pytest.mark.parametrize(("text", "version", "left"), [("good", 1, 0), ("better", 2, 1)])
def test_a_record_that_comes_back_goes_on_counting_its_versions(ledger, tmp_path, text, version, left):
    ledger.page(1, record("a", "good"))
    ledger.next_round()
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, rejections=[rejected("a")]))
    ledger.next_round()
    ledger.page(1, record("a", text))
    assert stored(ledger, "a")["version"] == version
    assert len(ledger.rows("record_versions")) == left
    assert ledger.problems(tmp_path) == []


def test_a_second_rejection_replaces_the_first(ledger):
    for reason in ("too-short", "no-keyword"):
        ledger.commit(Settlement(None, rejections=[rejected("a", reason=reason)]))
    assert ledger.row("rejections")["reason"] == "no-keyword"


# --- gone -----------------------------------------------------------------------------------------------------------


def test_records_of_a_page_that_is_gone_are_marked(ledger, tmp_path):
    kept = record("a")
    ledger.page(1, kept, record("b"), signatures=[signature(kept)])
    ledger.page(2, record("c"))
    ledger.next_round()
    (lease,) = ledger.lease(1)
    assert ledger.commit(Settlement(lease, state=FAILED, reason="http-404", status=404, gone=True)).gone == 2
    assert {row["key"]: row["state"] for row in ledger.rows("records")} == {"a": "gone", "b": "gone", "c": "kept"}
    assert ledger.rows("signatures") == []
    assert ledger.problems(tmp_path) == []


def test_a_gone_record_that_is_seen_again_is_kept_again(ledger):
    ledger.page(1, record("a"))
    ledger.next_round()
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=FAILED, reason="http-410", gone=True))
    ledger.next_round()
    assert ledger.page(1, record("a")).unchanged == 1
    assert (ledger.row("records")["state"], ledger.row("records")["version"]) == ("kept", 1)


def test_only_the_source_of_the_page_is_concerned(ledger):
    other = record("a")
    other.source, other.id = "another", "0" * 32
    ledger.page(1, other)
    ledger.next_round()
    (lease,) = ledger.lease(1)
    assert ledger.commit(Settlement(lease, state=FAILED, reason="http-404", gone=True)).gone == 0


# --- signatures and text that is hard to write ----------------------------------------------------------------------


def test_a_signature_is_written_for_what_is_kept_alone(ledger):
    kept, (refused, why) = record("a"), rejected("b")
    (lease,) = ledger.lease(1)
    ledger.commit(
        Settlement(lease, records=[kept], rejections=[(refused, why)], signatures=[signature(kept), signature(refused)])
    )
    row = ledger.row("signatures")
    assert (row["record_id"], row["source"]) == (kept.id, SOURCE)


def test_a_changed_record_without_a_new_signature_has_none(ledger, tmp_path):
    kept = record("a", "one")
    ledger.page(1, kept, signatures=[signature(kept)])
    ledger.next_round()
    ledger.page(1, record("a", "two"))
    assert ledger.rows("signatures") == []


@pytest.mark.parametrize("text", ["zero \0 byte", "lone \ud800 surrogate", "emoji 😀 and ʼ", "x" * 300_000])
def test_text_that_a_database_cannot_hold_is_no_reason_to_stop(ledger, text):
    refused = record("plain")
    refused.text = refused.title = refused.url = text
    why = Rejected(stage="clean", reason="error", detail=text, value=text, threshold={text: {1, 2}})
    ledger.commit(Settlement(None, rejections=[(refused, why)]))
    with ledger.database.read() as conn:
        row = rejections.get(conn, refused.id)
    shown = text.replace("\ud800", "?")
    assert row["record"]["text"] == shown
    assert row["value"] == shown
    assert row["threshold"] == {shown: [1, 2]}
    assert row["detail"] in {shown, shown.replace("\0", "\ufffd")}


def test_values_that_json_does_not_know_are_written_as_text(ledger, tmp_path):
    refused, why = rejected("a")
    refused.fields = {"huge": 1 << 80, "object": object, 5: b"bytes", "set": {3}}
    ledger.commit(Settlement(None, rejections=[(refused, why)]))
    with ledger.database.read() as conn:
        fields = rejections.get(conn, refused.id)["record"]["fields"]
    assert fields["huge"] == str(1 << 80)
    assert fields["set"] == [3]
    assert set(fields) == {"huge", "object", "5", "set"}
