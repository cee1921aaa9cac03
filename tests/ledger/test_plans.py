"""The statements of the hot path find their rows by an index, so that a million rows cost them nothing."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import event

from crawlers.ledger import captures, records, rejections, signatures
from crawlers.ledger.commit import commit
from crawlers.ledger.database import open_database
from crawlers.ledger.settlement import PENDING, Settlement
from crawlers.report import summary
from tests.ledger_pages import SOURCE, Ledger, answer, entry, fingerprint, record, rejected, signature


class Plans:
    """Collects how SQLite would run each statement that is sent while it watches."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.statements: dict[str, object] = {}
        event.listen(ledger.database._engine, "before_cursor_execute", self._note)

    def _note(self, conn, cursor, statement, parameters, context, executemany):
        if statement.split()[0] in {"SELECT", "UPDATE", "DELETE"}:
            self.statements[statement] = parameters[0] if executemany else parameters

    def steps(self) -> list[str]:
        """What SQLite would do, one step after the other."""
        with self.ledger.database.read() as conn:
            statements, self.statements = self.statements, {}
            return [
                row[3]
                for statement, parameters in statements.items()
                for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]

    def scans(self) -> list[str]:
        """Steps that read a whole table, or sort."""
        found = []
        statements, self.statements = self.statements, {}
        with self.ledger.database.read() as conn:
            for statement, parameters in statements.items():
                for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                    step = row[3]
                    whole = step.startswith("SCAN ") and not step.startswith(("SCAN json_each", "SCAN CONSTANT"))
                    if (whole and not step.startswith("SCAN workers")) or "TEMP B-TREE" in step:
                        found.append(f"{step}: {statement}")
        self.statements.clear()
        return found


@pytest.fixture
def watched(sqlite_url):
    ledger = Ledger(open_database(sqlite_url))
    yield ledger, Plans(ledger)
    ledger.database.close()


def settle(ledger: Ledger, number: int, text: str = "some text", **values) -> None:
    (lease,) = ledger.lease(number)
    kept = record(f"k{number}", text)
    page = Settlement(
        lease, records=[kept], rejections=[rejected(f"r{number}")], signatures=[signature(kept, text.encode()[:16])],
        children=[entry(number + 1000)], answer=answer(lease), **values,
    )  # fmt: skip
    ledger.commit(page)


def test_committing_reads_no_table_whole(watched):
    ledger, plans = watched
    settle(ledger, 1)
    settle(ledger, 1001 + 1, "other")
    settle(ledger, 3, state=PENDING, reason="retry")
    ledger.database.run(ledger.frontier.skip_pending, "max-pages")
    ledger.database.run(ledger.frontier.take_up, "max-pages")
    ledger.database.run(ledger.frontier.skip_pending, "max-pages")
    ledger.next_round()
    settle(ledger, 1, "changed")
    (lease,) = ledger.lease(2)
    gone = Settlement(lease, rejections=[rejected("k1")], gone=True, state="failed", reason="http-404")
    ledger.database.run(commit, ledger.frontier, [gone], ledger.run)
    assert plans.statements
    assert plans.scans() == []


@pytest.mark.parametrize("alone", [True, False])
def test_claiming_reads_no_more_than_it_takes(watched, alone):
    ledger, plans = watched
    ledger.add(*(entry(n, f"h{n % 3}.example", priority=n % 2) for n in range(50)))
    if not alone:
        ledger.worker("two")
    plans.statements.clear()
    leases = ledger.database.run(ledger.frontier.claim, 20)
    ledger.database.run(ledger.frontier.release, [lease.id for lease in leases[:5]])
    with ledger.database.read() as conn:
        ledger.frontier.counts(conn)
        ledger.frontier.next_available(conn)
    ledger.database.run(ledger.frontier.heartbeat)
    ledger.database.run(ledger.frontier.leave)
    assert [scan for scan in plans.scans() if "hosts" not in scan] == []


def test_reading_goes_by_ranges(watched):
    ledger, plans = watched
    settle(ledger, 1)
    plans.statements.clear()
    with ledger.database.read() as conn:
        list(records.iterate(conn, SOURCE))
        list(signatures.since(conn))
        list(captures.pages(conn, SOURCE))
        list(rejections.iterate(conn, SOURCE))
        list(rejections.iterate(conn, SOURCE, reason="no-keyword", stage="keywords"))
        captures.validators(conn, SOURCE, [fingerprint(1)])
        records.texts(conn, [record("k1").id])
        records.counts(conn, SOURCE)
        rejections.get(conn, record("r1").id)
    assert [scan for scan in plans.scans() if "count(*)" not in scan] == []


def test_the_figures_of_a_crawl_read_its_requests_in_their_order(watched):
    """Not by the index of fingerprints, a read for each row; it may only tell where the crawl begins and ends."""
    ledger, plans = watched
    settle(ledger, 1)
    settle(ledger, 2, "other", state="failed", reason="http-404")
    plans.statements.clear()
    with ledger.database.read() as conn:
        summary(conn, SOURCE, ledger.crawl.id, ledger.run)
    steps = [step for step in plans.steps() if step.startswith(("SEARCH requests", "SCAN requests"))]
    assert len(steps) >= 5
    assert [step for step in steps if "INTEGER PRIMARY KEY" not in step and "COVERING INDEX" not in step] == []


def test_after_a_first_crawl_no_record_is_read_to_mark_it_gone(watched):
    ledger, plans = watched
    ledger.page(1, record("k1"))
    plans.statements.clear()
    ledger.database.run(records.mark_gone, ledger.crawl.id)
    assert [step for step in plans.steps() if "records" in step] == []
    ledger.next_round()
    plans.statements.clear()
    ledger.database.run(records.mark_gone, ledger.crawl.id)
    assert [step for step in plans.steps() if "records" in step]


def test_waiting_requests_that_are_not_due_are_few_and_do_not_hide_others(watched):
    ledger, _ = watched
    later = time.time() + 100
    ledger.add(*(entry(n, available_at=later, priority=5) for n in range(100)), entry(500))
    (lease,) = ledger.database.run(ledger.frontier.claim, 10)
    assert lease.fingerprint == fingerprint(500)
