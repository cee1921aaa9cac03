from __future__ import annotations

import pytest

from crawlers.hashing import sha256
from crawlers.items import Media
from crawlers.ledger import checks, crawls, media
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import answer, entry, record, rejected, signature

PICTURE = b"\x89PNG picture"


@pytest.fixture
def sound(ledger, tmp_path):
    """A ledger with something in every table."""
    path = tmp_path / "media/a.png"
    path.parent.mkdir()
    path.write_bytes(PICTURE)
    name = sha256(PICTURE)
    ledger.database.run(
        lambda conn: media.put(
            conn,
            sha256=name,
            path="media/a.png",
            media_type="image/png",
            size=len(PICTURE),
            facts={},
            url="http://x/a.png",
        )
    )
    (lease,) = ledger.lease(1)
    kept = record("a", media=[Media(url="http://x/a.png", sha256=name)])
    kept.seal()
    page = Settlement(
        lease, records=[kept, record("c", "one")], rejections=[rejected("b", duplicate_of=kept.id)],
        signatures=[signature(kept)], children=[entry(2), entry(3, skipped="offsite")], answer=answer(lease),
    )  # fmt: skip
    ledger.commit(page)
    (lease,) = ledger.database.run(ledger.frontier.claim, 1)
    ledger.commit(Settlement(lease, state="failed", reason="timeout"))
    ledger.next_round()
    ledger.page(9, record("c", "two"))
    ledger.lease(8)
    return ledger


def kinds(ledger, tmp_path, **options) -> list[str]:
    return [problem.kind for problem in ledger.problems(tmp_path, **options)]


def test_a_sound_ledger_has_no_problems(sound, tmp_path):
    assert sound.problems(tmp_path) == []
    assert sound.problems(tmp_path, full=True) == []


def break_(ledger, statement: str) -> None:
    with ledger.database.write() as conn:
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        conn.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("kind", "statement", "words"),
    [
        ("unknown-state", "UPDATE requests SET state = 'lost' WHERE state = 'failed'", "expected a known state, got lost"),
        ("state-without-reason", "UPDATE requests SET reason = NULL WHERE state = 'failed'", "expected a reason"),
        ("counts", "UPDATE request_counts SET number = 7 WHERE state = 'failed'", "expected 1 failed requests, got a count of 7"),
        ("counts", "DELETE FROM request_counts WHERE state = 'failed'", "expected 1 failed requests, got a count of 0"),
        ("lease-without-worker", "DELETE FROM workers", "expected a worker that takes part"),
        ("worker-without-lease", "UPDATE requests SET worker = 'w' WHERE state = 'done'", "got w"),
        ("complete-crawl", "UPDATE crawls SET state = 'complete'", "expected nothing left of a complete crawl, got 1 leased"),
        ("parent", "UPDATE requests SET parent_id = 999 WHERE state = 'failed'", "got no row 999"),
        ("record-state", "UPDATE records SET state = 'lost' WHERE key = 'c'", "expected kept or gone, got lost"),
        ("version", "UPDATE record_versions SET version = 2", "expected earlier versions below 2, got 2"),
        ("signature-without-record", "UPDATE signatures SET record_id = '0'", "expected a kept record"),
        ("signature-without-record", "UPDATE records SET state = 'gone'", "expected a kept record"),
        ("capture-of-page", "DELETE FROM captures", "expected the capture sha256:"),
        ("duplicate-of", "UPDATE rejections SET duplicate_of = '0'", "got no record 0"),
        ("media-of-url", "UPDATE media_urls SET sha256 = 'sha256:0'", "expected the stored file sha256:0"),
        ("record-body", "UPDATE records SET version = 5 WHERE key = 'c'", "expected version 5 in the stored body, got 2"),
        ("record-body", "UPDATE records SET content_hash = 'sha256:0' WHERE key = 'c'", "expected content_hash 'sha256:0'"),
        ("record-body", "UPDATE records SET body = replace(body, 'two', 'too')", "expected content_hash sha256:"),
        ("record-body", "UPDATE records SET body = replace(body, 'Page', 'Site')", "expected the envelope_hash"),
        ("record-body", "UPDATE records SET id = '0' WHERE key = 'c'", "expected the id of source 'shop' and key 'c', got 0"),
        ("record-body", "DELETE FROM media", "expected the stored file sha256:"),
        ("rejection-body", "UPDATE rejections SET record_id = '0'", "expected the id of source 'shop' and key 'b'"),
        ("capture", "UPDATE captures SET size = 1", "stored, got 1"),
    ],
)  # fmt: skip
def test_an_invariant_that_does_not_hold_is_found(sound, tmp_path, kind, statement, words):
    break_(sound, statement)
    found = [problem for problem in sound.problems(tmp_path) if problem.kind == kind]
    assert found, sound.problems(tmp_path)
    assert words in " ".join(problem.what for problem in found)
    assert all(problem.where and problem.remedy for problem in found)


def test_an_id_that_is_kept_and_rejected(sound, tmp_path):
    break_(sound, f"UPDATE rejections SET record_id = '{record('c').id}'")
    assert "kept-and-rejected" in kinds(sound, tmp_path)


def test_a_lease_of_a_run_that_ended(sound, tmp_path):
    break_(sound, f"UPDATE runs SET worker = '{sound.frontier.worker}'")
    assert kinds(sound, tmp_path) == []
    sound.database.run(lambda conn: crawls.finish_run(conn, sound.run, reason="finished", exit_code=0))
    assert kinds(sound, tmp_path) == ["lease-without-worker"]


def test_a_duplicate_whose_original_is_still_to_come_is_no_problem(ledger, tmp_path):
    """A kill may take the page of the kept record; the crawl is open and brings it."""
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, rejections=[rejected("b", duplicate_of="0" * 32)]))
    assert kinds(ledger, tmp_path) == []
    ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    assert kinds(ledger, tmp_path) == ["duplicate-of"]


@pytest.mark.parametrize("data", [b"not compressed", None])
def test_a_capture_that_is_not_what_its_name_says(sound, tmp_path, data):
    from sqlalchemy import update

    from crawlers.ledger import captures
    from crawlers.ledger.tables import captures as table

    wrong = data or captures.compress(b"another body")
    with sound.database.write() as conn:
        conn.execute(update(table).values(body=wrong, stored=len(wrong), size=len(b"another body")))
    assert kinds(sound, tmp_path, full=True) == ["capture"]


def test_media_files_are_there_and_are_what_their_name_says(sound, tmp_path):
    path = tmp_path / "media/a.png"
    path.write_bytes(PICTURE[::-1])
    assert kinds(sound, tmp_path) == ["media-file"]
    path.write_bytes(b"short")
    (problem,) = sound.problems(tmp_path)
    assert (problem.what, problem.where) == (f"expected {len(PICTURE)} bytes, got 5", str(path))
    path.unlink()
    (problem,) = sound.problems(tmp_path)
    assert problem.what == "expected a file, got none"


def test_many_problems_of_a_kind_are_counted_not_listed(ledger, tmp_path):
    ledger.add(*(entry(n, skipped="offsite") for n in range(50)))
    break_(ledger, "UPDATE requests SET reason = NULL")
    found = ledger.problems(tmp_path)
    assert len(found) == 21
    assert found[-1].what == "the same 30 more times"


def test_every_rule_has_a_kind_of_its_own_and_says_what_to_do():
    assert len({rule.kind for rule in checks.RULES}) == len(checks.RULES)
    assert all(rule.remedy for rule in checks.RULES)
