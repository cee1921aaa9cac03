"""Laws that hold for any order of events: states add up, nothing is lost, nothing is doubled."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from crawlers.hashing import record_id
from crawlers.ledger import crawls
from crawlers.ledger.commit import commit
from crawlers.ledger.database import open_database
from crawlers.ledger.settlement import DONE, FAILED, PENDING, SKIPPED, Settlement
from tests.ledger_pages import Ledger, entry, record, rejected, signature

PAGES = 12
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: each try takes a tenth of a second
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "settle", "settle", "kill", "crash", "expire", "release", "leave"]),
        st.integers(0, 2),  # which worker
        st.integers(0, 5),  # how many, or which
        st.sampled_from([DONE, DONE, DONE, FAILED, SKIPPED, PENDING]),
    ),
    max_size=40,
)


class Site:
    """A site as a graph: page n leads to 2n+1 and 2n+2, and gives a record of its own and one it shares."""

    def settlement(self, lease, state: str) -> Settlement:
        number = int(lease.fingerprint, 16)
        if state != DONE:
            return Settlement(lease, state=state, reason="a-reason")
        page = Settlement(lease, status=200)
        page.children = [
            entry(n, f"h{n % 3}.example") for n in (2 * number + 1, 2 * number + 2, number // 2) if n < PAGES
        ]
        kept = record(f"page {number}", f"text of {number}")
        shared = record(f"shared {number % 3}", f"as {number} has it")
        page.records = [kept, shared]
        page.signatures = [signature(kept), signature(shared)]
        page.rejections = [rejected(f"rejected {number}")]
        return page


class Crash(Exception):
    pass


class Workers:
    """Three workers on one crawl; any of them may die at any moment."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.site = ledger, Site()
        self.names = itertools.count()
        self.frontiers = [ledger.frontier, *(self._new() for _ in range(2))]
        self.leases: list[list] = [[], [], []]

    def _new(self):
        return self.ledger.worker(f"w{next(self.names)}")

    def claim(self, who: int, number: int, _: str) -> None:
        self.leases[who] += self.ledger.database.run(self.frontiers[who].claim, number)

    def settle(self, who: int, number: int, state: str) -> None:
        chosen, self.leases[who] = self.leases[who][:number], self.leases[who][number:]
        self.ledger.commit(*(self.site.settlement(lease, state) for lease in chosen), frontier=self.frontiers[who])

    def crash(self, who: int, number: int, state: str) -> None:
        """Die in the middle of the transaction."""

        def broken(conn):
            pages = [self.site.settlement(lease, state) for lease in self.leases[who][: number + 1]]
            commit(conn, self.frontiers[who], pages, self.ledger.run)
            raise Crash

        with contextlib.suppress(Crash):
            self.ledger.database.run(broken)
        self.kill(who, number, state)

    def kill(self, who: int, *_: object) -> None:
        """Die; another process takes the place, and takes back what this one held."""
        with self.ledger.database.write() as conn:
            conn.execute(self._silence(self.frontiers[who].worker))
        self.frontiers[who], self.leases[who] = self._new(), []
        self.ledger.database.run(self.frontiers[who].recover)

    def expire(self, who: int, *_: object) -> None:
        """Be silent for too long and go on all the same, with leases that others have."""
        with self.ledger.database.write() as conn:
            conn.execute(self._silence(self.frontiers[who].worker))
        self.ledger.database.run(self.frontiers[(who + 1) % 3].recover)
        self.ledger.database.run(self.frontiers[who].heartbeat)

    def release(self, who: int, number: int, _: str) -> None:
        chosen, self.leases[who] = self.leases[who][:number], self.leases[who][number:]
        self.ledger.database.run(self.frontiers[who].release, [lease.id for lease in chosen])

    def leave(self, who: int, *_: object) -> None:
        self.ledger.database.run(self.frontiers[who].leave)
        self.frontiers[who], self.leases[who] = self._new(), []

    def finish(self) -> None:
        """Work until nothing is left."""
        for who in range(3):
            self.settle(who, 1000, DONE)
        for _ in range(200):
            for who in range(3):
                self.claim(who, 4, "")
                self.settle(who, 4, DONE)
            if self.ledger.database.run(crawls.complete_crawl, self.ledger.crawl.id):
                return
        raise AssertionError(f"does not end: {self.ledger.counts()}")

    @staticmethod
    def _silence(worker: str):
        from crawlers.ledger.tables import workers

        return workers.update().where(workers.c.worker == worker).values(expires_at=0.0)


def assert_sums(ledger: Ledger) -> None:
    rows = ledger.rows("requests")
    counts = ledger.counts()
    assert sum(counts.values()) == len(rows)
    for state, number in counts.items():
        assert number == sum(row["state"] == state for row in rows), state
    assert len({row["fingerprint"] for row in rows}) == len(rows)


def outcome(ledger: Ledger) -> dict:
    return {
        "records": {row["key"]: (row["version"], row["content_hash"]) for row in ledger.rows("records")},
        "rejections": sorted(row["key"] for row in ledger.rows("rejections")),
        "requests": sorted(row["fingerprint"] for row in ledger.rows("requests")),
        "versions": len(ledger.rows("record_versions")),
        "signatures": sorted(row["record_id"] for row in ledger.rows("signatures")),
    }


def undisturbed() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(open_database(f"sqlite:///{folder}/l.db"))
        ledger.add(entry(0, "h0.example"))
        Workers(ledger).finish()
        ledger.database.close()
        found = outcome(ledger)
        ledger.database.close()
        return found


def play(url: str, events: list, folder: Path) -> None:
    ledger = Ledger(open_database(url))
    try:
        ledger.add(entry(0, "h0.example"))
        workers = Workers(ledger)
        for event, who, number, state in events:
            # Only what is not final: a page that fails for good is not the ledger's to bring back.
            getattr(workers, event)(who, number, state if state in {DONE, PENDING} else DONE)
            assert_sums(ledger)
            assert [p for p in ledger.problems(folder) if p.kind != "lease-without-worker"] == []
        workers.finish()
        assert_sums(ledger)
        assert ledger.problems(folder, full=True) == []
        assert outcome(ledger) == undisturbed_outcome()
    finally:
        ledger.database.close()


_cached: list[dict] = []


def undisturbed_outcome() -> dict:
    if not _cached:
        _cached.append(undisturbed())
    return _cached[0]


@settings(max_examples=40, deadline=None, phases=PHASES)
@given(events=EVENTS)
@example(events=[("claim", 0, 1, DONE), ("expire", 0, 0, DONE), ("claim", 0, 1, DONE)])
def test_any_order_of_kills_gives_what_one_undisturbed_worker_gives(events):
    with tempfile.TemporaryDirectory() as folder:
        play(f"sqlite:///{folder}/l.db", events, Path(folder))


@settings(max_examples=8, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_the_same_on_a_server(events, postgresql_server, tmp_path):
    with postgresql_server.database() as url:
        play(url, events, tmp_path)


@settings(max_examples=25, deadline=None, phases=PHASES)
@given(events=EVENTS)
def test_states_add_up_whatever_pages_end_in(events):
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(open_database(f"sqlite:///{folder}/l.db"))
        ledger.add(entry(0, "h0.example"))
        workers = Workers(ledger)
        for event, who, number, state in events:
            getattr(workers, event)(who, number, state)
            assert_sums(ledger)
        ledger.database.close()


def test_the_undisturbed_outcome_is_the_whole_site():
    found = undisturbed_outcome()
    assert len(found["requests"]) == PAGES
    assert len(found["records"]) == PAGES + 3
    assert len(found["rejections"]) == PAGES
    assert found["versions"] == 0


@pytest.mark.parametrize("key", ["a", "b", ""])
def test_ids_are_a_function_of_source_and_key(key):
    assert record(key).id == record_id("shop", key)
