from __future__ import annotations

from crawlers.ledger import crawls, media, status
from crawlers.ledger.settlement import Settlement
from tests.ledger_pages import SOURCE, answer, entry, record, rejected, run_id, signature


def overview(ledger, source: str | None = None, **options):
    with ledger.database.read() as conn:
        return status.overview(conn, source, **options)


def test_an_empty_ledger(database):
    with database.read() as conn:
        found = status.overview(conn)
    assert found["sources"] == found["runs"] == []
    assert set(found["rows"].values()) == {0}
    assert found["captures"] == {"number": 0, "bytes": 0, "bytes_uncompressed": 0}
    assert found["media"] == {"number": 0, "bytes": 0}


def test_states_rows_and_sizes(ledger):
    kept = record("a")
    (lease,) = ledger.lease(1)
    body = b"x" * 5000
    page = Settlement(
        lease, records=[kept], rejections=[rejected("b")], signatures=[signature(kept)], children=[entry(2)],
        answer=answer(lease, body),
    )  # fmt: skip
    ledger.commit(page)
    ledger.database.run(lambda conn: media.put(conn, sha256="m", path="p", media_type="t", size=77, facts={}, url="u"))
    found = overview(ledger)
    (source,) = found["sources"]
    assert (source["source"], source["records"], source["rejected"]) == (SOURCE, {"kept": 1, "gone": 0}, 1)
    (crawl,) = source["crawls"]
    assert crawl["requests"] == {"pending": 1, "leased": 0, "done": 1, "failed": 0, "skipped": 0}
    assert (crawl["state"], crawl["round"], crawl["kind"], crawl["arguments"]) == ("open", 1, "crawl", {})
    assert found["rows"] == {
        "requests": 2, "records": 1, "rejections": 1, "pages": 1, "record_versions": 0, "signatures": 1,
        "media_urls": 1, "runs": 1, "workers": 1,
    }  # fmt: skip
    assert found["captures"]["number"] == 1
    assert 0 < found["captures"]["bytes"] < found["captures"]["bytes_uncompressed"] == 5000
    assert found["media"] == {"number": 1, "bytes": 77}
    for table, number in found["rows"].items():
        assert number == len(ledger.rows(table)), table


def test_the_newest_round_of_each_command(ledger):
    ledger.page(1)
    ledger.next_round()
    other = ledger.database.run(crawls.open_crawl, SOURCE, "other", {"url": "http://x"})
    (source,) = overview(ledger)["sources"]
    assert [(c["id"], c["round"]) for c in source["crawls"]] == [(ledger.crawl.id, 2), (other.id, 1)]
    assert source["crawls"][1]["arguments"] == {"url": "http://x"}


def test_one_source_alone(ledger):
    ledger.database.run(crawls.open_crawl, "books", "scope", {})
    assert [s["source"] for s in overview(ledger)["sources"]] == ["books", SOURCE]
    found = overview(ledger, SOURCE)
    assert [s["source"] for s in found["sources"]] == [SOURCE]
    assert {run["source"] for run in found["runs"]} == {SOURCE}


def test_the_last_runs_and_how_they_ended(ledger):
    ledger.database.run(lambda conn: crawls.finish_run(conn, run_id(1), reason="finished", exit_code=3))
    ledger.open()
    newest, first = overview(ledger)["runs"]
    assert (newest["id"], newest["finished_at"], newest["exit_code"]) == (run_id(2), None, None)
    assert (first["id"], first["reason"], first["exit_code"]) == (run_id(1), "finished", 3)
    assert len(overview(ledger, runs=1)["runs"]) == 1


def test_the_size_is_that_of_the_files_or_of_the_server(ledger):
    before = status.size(ledger.database)
    assert before > 10_000
    ledger.page(1, *(record(f"k{n}", "text " * 2000) for n in range(100)))
    assert status.size(ledger.database) > before + (500_000 if ledger.database.dialect == "sqlite" else 0)
