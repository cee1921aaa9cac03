from __future__ import annotations

from crawlers.errors import Rejected
from crawlers.ledger import precedence, rejections
from crawlers.ledger.precedence import CHANGED, EARLIER, FOREIGN, NEW, standing
from crawlers.ledger.settlement import Displaced, Settlement
from tests.ledger_pages import SOURCE, record, signature


def duplicate(of, stage="deduplicate"):
    return Rejected(stage=stage, reason="near-duplicate", detail="alike", value=0.9, threshold=0.8, duplicate_of=of.id)


def standings(ledger, *found, source=SOURCE):
    with ledger.database.read() as conn:
        return precedence.standings(conn, [one.id for one in found], source, ledger.crawl.id)


def misplaced(ledger):
    with ledger.database.read() as conn:
        return precedence.misplaced(conn, SOURCE, ledger.crawl.id)


def test_shorter_keys_come_first_then_the_alphabet():
    keys = ["/item/10", "/item/9", "/item/9?ref=a", "/Item/9", "/ítem/9"]
    assert sorted(keys, key=standing) == ["/Item/9", "/item/9", "/ítem/9", "/item/10", "/item/9?ref=a"]
    assert standing("a", NEW) > standing("z" * 99, CHANGED) > standing("z" * 99, EARLIER) > standing("z", FOREIGN)


def test_standings_tell_where_a_record_comes_from(ledger):
    stays, changes = record("stays"), record("changes")
    ledger.page(1, stays, changes)
    assert standings(ledger, stays) == {stays.id: standing("stays", NEW)}
    ledger.next_round()
    new = record("new")
    ledger.page(1, record("stays"), record("changes", "another text"), new)
    assert standings(ledger, stays, changes, new, record("unknown")) == {
        stays.id: standing("stays", EARLIER),
        changes.id: standing("changes", CHANGED),
        new.id: standing("new", NEW),
    }
    assert standings(ledger, new, source="another") == {new.id: standing("new", FOREIGN)}


def test_what_is_gone_has_no_standing(ledger):
    old = record("old")
    ledger.page(1, old)
    ledger.next_round()
    ledger.page(1, gone=True)
    assert standings(ledger, old) == {}


def test_a_duplicate_is_misplaced_where_the_record_it_names_does_not_precede_it_or_is_not_kept(ledger, monkeypatch):
    kept, other = record("bbb"), record("other")
    found = [(record(key), duplicate(kept)) for key in ("ccc", "aaa", "bb", "cccc")]
    lost = (record("x"), duplicate(other))
    another_stage = (record("w"), Rejected(stage="keywords", reason="no-keyword", detail="none", duplicate_of=kept.id))
    ledger.page(1, kept, rejections=[*found, lost, another_stage])
    expected = [(record(key).id, of.id) for key, of in [("x", other), ("bb", kept), ("aaa", kept)]]
    assert misplaced(ledger) == expected
    monkeypatch.setattr(precedence, "_MANY", 2)  # more than are looked at together
    assert misplaced(ledger) == expected


def test_duplicates_of_another_crawl_are_left_alone(ledger):
    ledger.page(1, record("bbb"), rejections=[(record("a"), duplicate(record("bbb")))])
    assert len(misplaced(ledger)) == 1
    ledger.next_round()
    assert misplaced(ledger) == []


# --- giving way -----------------------------------------------------------------------------------------------------


def displaced(one, by):
    return Displaced(one.id, by.id, duplicate(by))


def test_a_displaced_record_becomes_a_rejection_in_the_transaction_of_the_one_that_is_kept(ledger, tmp_path):
    loser, winner = record("loser"), record("win", "some other text")
    ledger.page(1, loser, signatures=[signature(loser)])
    done = ledger.page(2, winner, signatures=[signature(winner, b"i" * 16)], displaced=[displaced(loser, winner)])
    assert (done.new, done.displaced) == (1, [loser.id])
    assert [row["id"] for row in ledger.rows("records")] == [winner.id]
    assert [row["record_id"] for row in ledger.rows("signatures")] == [winner.id]
    with ledger.database.read() as conn:
        refused = rejections.get(conn, loser.id)
    assert (refused["stage"], refused["duplicate_of"], refused["value"]) == ("deduplicate", winner.id, 0.9)
    assert refused["record"]["text"] == "some text"
    assert misplaced(ledger) == []
    assert ledger.problems(tmp_path) == []


def test_nobody_gives_way_to_a_record_that_is_not_kept(ledger):
    loser, refused = record("loser"), record("win")
    ledger.page(1, loser)
    done = ledger.page(2, rejections=[(refused, duplicate(loser))], displaced=[displaced(loser, refused)])
    assert done.displaced == []
    assert [row["id"] for row in ledger.rows("records")] == [loser.id]


def test_a_record_that_was_displaced_while_its_page_was_under_way_stays_rejected(ledger, tmp_path):
    loser, winner = record("loser"), record("win")
    ledger.page(1, loser)
    ledger.next_round()
    slow, quick = ledger.lease(1, 2)
    ledger.commit(Settlement(quick, records=[winner], displaced=[displaced(loser, winner)]))
    done = ledger.commit(Settlement(slow, records=[record("loser")], signatures=[signature(loser)]))
    assert (done.repeated, done.unchanged) == (1, 0)
    assert [row["id"] for row in ledger.rows("records")] == [winner.id]
    assert ledger.rows("signatures") == []
    assert ledger.problems(tmp_path) == []


def test_a_displaced_record_that_is_admitted_again_has_its_old_version(ledger, tmp_path):
    loser, winner = record("loser"), record("win")
    ledger.page(1, loser)
    ledger.page(2, winner, displaced=[displaced(loser, winner)])
    ledger.commit(Settlement(None, records=[record("loser")]))
    row = ledger.row("records", id=loser.id)
    assert (row["version"], row["page_fingerprint"]) == (1, ledger.rows("requests")[0]["fingerprint"])
    assert ledger.rows("record_versions") == []
    assert ledger.problems(tmp_path) == []


def test_a_rejection_that_is_made_again_keeps_its_page(ledger):
    loser, winner = record("loser"), record("win")
    ledger.page(1, winner, rejections=[(loser, duplicate(record("old")))])
    before = ledger.row("rejections")
    ledger.commit(Settlement(None, rejections=[(record("loser"), duplicate(winner))]))
    after = ledger.row("rejections")
    assert (before["duplicate_of"], after["duplicate_of"]) == (record("old").id, winner.id)
    assert before["page_fingerprint"] == after["page_fingerprint"] is not None


def test_a_record_that_has_another_text_by_now_does_not_give_way(ledger):
    loser, winner = record("loser"), record("win")
    ledger.page(1, loser, signatures=[signature(loser, b"n" * 16)])
    compared = Displaced(loser.id, winner.id, duplicate(winner), b"o" * 16)
    assert ledger.page(2, winner, displaced=[compared]).displaced == []
    other = record("other")
    compared = Displaced(loser.id, other.id, duplicate(other), b"n" * 16)
    assert ledger.page(3, other, displaced=[compared]).displaced == [loser.id]


def test_a_refusal_by_the_page_itself_does_not_silence_what_it_gives_later(ledger):
    (lease,) = ledger.lease(1)
    kept = record("kept")
    ledger.commit(Settlement(lease, records=[kept], rejections=[(record("late"), duplicate(kept))]))
    again = record("late", "the text that was meant")
    again_lease = ledger.lease(2)[0]
    again_lease.fingerprint = lease.fingerprint
    ledger.commit(Settlement(again_lease, records=[again]))
    assert {row["key"] for row in ledger.rows("records")} == {"kept", "late"}


def test_a_duplicate_that_was_named_before_its_record_changed_is_misplaced(ledger):
    named = record("w")
    ledger.page(1, named)
    ledger.next_round()
    ledger.page(2, rejections=[(record("x"), duplicate(named))])
    assert misplaced(ledger) == []
    ledger.page(1, record("w", "another text"))
    assert misplaced(ledger) == [(record("x").id, named.id)]
