from __future__ import annotations

import threading

import orjson
import pytest

from crawlers.ledger import crawls
from crawlers.ledger.frontier import Frontier
from crawlers.ledger.settlement import FAILED, Settlement
from tests.ledger_pages import SOURCE, answer, entry, fingerprint, run_id


def test_the_same_command_goes_on_with_an_open_crawl(ledger):
    again = ledger.database.run(crawls.open_crawl, SOURCE, "scope", {})
    assert (ledger.crawl.resumed, again.resumed) == (False, True)
    assert (again.id, again.round) == (ledger.crawl.id, 1)


def test_other_arguments_and_other_kinds_are_crawls_of_their_own(ledger):
    others = [
        ledger.database.run(crawls.open_crawl, SOURCE, "another", {}),
        ledger.database.run(crawls.open_crawl, "books", "scope", {}),
        ledger.database.run(crawls.open_crawl, SOURCE, "scope", {}, "refine"),
    ]
    assert all(not other.resumed and other.round == 1 for other in others)
    assert len({ledger.crawl.id, *(other.id for other in others)}) == 4


def test_after_a_complete_crawl_comes_the_next_round(ledger):
    ledger.page(1)
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id) is True
    second = ledger.database.run(crawls.open_crawl, SOURCE, "scope", {})
    assert (second.round, second.resumed) == (2, False)
    assert ledger.row("crawls", round=1)["completed_at"]


def test_a_crawl_with_something_left_is_not_complete(ledger):
    (lease,) = ledger.lease(1)
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id) is False
    ledger.commit(Settlement(lease, children=[entry(2)]))
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id) is False
    (lease,) = ledger.database.run(ledger.frontier.claim, 1)
    ledger.commit(Settlement(lease, state=FAILED, reason="http-500"))
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id) is True
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id) is True


def test_workers_that_start_at_once_take_part_in_one_crawl(database):
    found: list[crawls.Crawl] = []

    def start() -> None:
        found.append(database.run(crawls.open_crawl, SOURCE, "scope", {}))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({crawl.id for crawl in found}) == 1
    assert sum(not crawl.resumed for crawl in found) == 1


def test_a_crawl_that_is_given_up_skips_what_waits(ledger, tmp_path):
    ledger.lease(1)
    ledger.add(entry(2))
    assert ledger.database.run(crawls.abandon, SOURCE, "scope") == 2
    assert ledger.counts() == {"pending": 0, "leased": 0, "done": 0, "failed": 0, "skipped": 2}
    assert ledger.row("requests", fingerprint=fingerprint(1))["reason"] == "abandoned"
    assert ledger.row("crawls")["state"] == "abandoned"
    assert ledger.problems(tmp_path) == []
    assert ledger.database.run(crawls.abandon, SOURCE, "scope") == 0
    assert ledger.database.run(crawls.open_crawl, SOURCE, "scope", {}).round == 2


@pytest.fixture
def cut(ledger):
    """A complete crawl whose budget of two pages was spent with one request left."""
    ledger.page(1)
    ledger.page(2)
    ledger.add(entry(3))
    ledger.database.run(ledger.frontier.skip_pending, "max-pages")
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    return ledger


@pytest.mark.parametrize("max_pages", [3, 0])
def test_a_larger_page_budget_takes_the_crawl_up_where_it_ended(cut, tmp_path, max_pages):
    again = cut.database.run(crawls.open_crawl, SOURCE, "scope", {"max_pages": "x"}, "crawl", max_pages)
    assert (again.id, again.round, again.resumed) == (cut.crawl.id, 1, True)
    assert cut.counts() == {"pending": 1, "leased": 0, "done": 2, "failed": 0, "skipped": 0}
    row = cut.row("crawls")
    assert (row["state"], row["completed_at"], row["arguments"]) == ("open", None, '{"max_pages":"x"}')
    assert cut.problems(tmp_path) == []


@pytest.mark.parametrize("max_pages", [None, 1, 2])
def test_no_larger_page_budget_begins_a_new_round(cut, max_pages):
    again = cut.database.run(crawls.open_crawl, SOURCE, "scope", {}, "crawl", max_pages)
    assert (again.round, again.resumed) == (2, False)
    assert cut.row("requests", fingerprint=fingerprint(3))["reason"] == "max-pages"


def test_a_crawl_that_nothing_cut_is_not_taken_up(ledger):
    ledger.page(1)
    ledger.add(entry(2, skipped="robots"))
    assert ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    assert ledger.database.run(crawls.open_crawl, SOURCE, "scope", {}, "crawl", 0).round == 2


def test_a_cut_crawl_that_was_given_up_is_not_taken_up(cut):
    cut.database.run(crawls.open_crawl, SOURCE, "scope", {}, "crawl", 0)
    assert cut.database.run(crawls.abandon, SOURCE, "scope") == 1
    assert cut.database.run(crawls.open_crawl, SOURCE, "scope", {}, "crawl", 0).round == 2


def test_the_last_crawl_knows_its_arguments(ledger):
    ledger.database.run(crawls.complete_crawl, ledger.crawl.id)
    ledger.database.run(crawls.open_crawl, SOURCE, "other", {"url": "http://x"})
    ledger.database.run(crawls.open_crawl, SOURCE, "refining", {"url": "http://y"}, "refine")
    with ledger.database.read() as conn:
        assert orjson.loads(crawls.last_crawl(conn, SOURCE).arguments) == {"url": "http://x"}
        assert orjson.loads(crawls.last_crawl(conn, SOURCE, "refine").arguments) == {"url": "http://y"}
        assert crawls.last_crawl(conn, "nobody") is None
        assert crawls.crawl(conn, ledger.crawl.id).scope == "scope"
        assert crawls.crawl(conn, 999) is None
        assert crawls.sources(conn) == [SOURCE]


def test_refine_begins_with_every_page_that_has_a_capture(ledger, tmp_path):
    for number in (1, 2, 3):
        (lease,) = ledger.lease(number)
        values = {"body": None} if number == 3 else {}
        ledger.commit(Settlement(lease, answer=answer(lease, **values)))
    crawl = ledger.database.run(crawls.open_crawl, SOURCE, "scope", {}, "refine")
    frontier = Frontier(crawl.id, ledger.frontier.worker)
    with ledger.database.read() as conn:
        assert frontier.counts(conn)["pending"] == 2
    leases = ledger.database.run(frontier.claim, 10)
    assert [(lease.fingerprint, lease.url, lease.payload) for lease in leases] == [
        (fingerprint(n), f"http://shop.example/{n}", "{}") for n in (1, 2)
    ]
    assert [row["host"] for row in ledger.rows("hosts", crawl_id=crawl.id)] == ["shop.example"]
    assert ledger.problems(tmp_path) == []


def test_refine_of_nothing(ledger):
    crawl = ledger.database.run(crawls.open_crawl, "empty", "scope", {}, "refine")
    assert ledger.database.run(crawls.complete_crawl, crawl.id) is True


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_has_no_end(ledger):
    with ledger.database.read() as conn:
        run = crawls.last_run(conn, SOURCE)
    assert (run.id, run.finished_at, run.exit_code) == (run_id(1), None, None)
    assert (run.command, run.settings_digest) == ("scrapy crawl shop", "sha256:settings")


def test_a_run_ends_with_reason_code_and_summary(ledger):
    ledger.database.run(
        lambda conn: crawls.finish_run(conn, ledger.run, reason="finished", exit_code=0, summary={"records": 3})
    )
    with ledger.database.read() as conn:
        run = crawls.run(conn, ledger.run)
        assert crawls.run(conn, "nothing") is None
    assert (run.reason, run.exit_code, orjson.loads(run.summary)) == ("finished", 0, {"records": 3})
    assert run.finished_at >= run.started_at


def test_the_newest_runs_come_first(ledger):
    for _ in range(3):
        ledger.open()
    ledger.database.run(
        lambda conn: crawls.start_run(
            conn, run_id="29990101T000000Z-ffffff", crawl_id=None, source="books", command="c", worker="w"
        )
    )
    with ledger.database.read() as conn:
        assert [run.id for run in crawls.runs(conn, SOURCE, 2)] == [run_id(4), run_id(3)]
        assert crawls.last_run(conn).source == "books"
        assert crawls.last_run(conn, "nobody") is None


def test_a_run_that_is_started_twice_is_one(ledger):
    ledger.rounds -= 1
    ledger.open()
    assert len(ledger.rows("runs")) == 1
