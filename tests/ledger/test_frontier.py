from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from crawlers.ledger import processes
from crawlers.ledger.frontier import Frontier
from crawlers.ledger.settlement import DONE, PENDING, Settlement
from tests.ledger_pages import Ledger, entry, fingerprint


def claim(ledger: Ledger, limit: int = 10, frontier: Frontier | None = None, **values) -> list[int]:
    leases = ledger.database.run(lambda conn: (frontier or ledger.frontier).claim(conn, limit, **values))
    return [int(lease.fingerprint, 16) for lease in leases]


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_request_is_added_once(ledger):
    assert ledger.add(entry(1), entry(2), entry(1)) == 2
    assert ledger.add(entry(2), entry(3)) == 1
    assert ledger.counts() == {"pending": 3, "leased": 0, "done": 0, "failed": 0, "skipped": 0}


def test_what_is_added_as_skipped_is_recorded_and_never_claimed(ledger):
    ledger.add(entry(1, skipped="offsite", detail="other.example"))
    row = ledger.row("requests")
    assert (row["state"], row["reason"], row["detail"]) == ("skipped", "offsite", "other.example")
    assert row["settled_at"]
    assert claim(ledger) == []
    assert ledger.counts()["skipped"] == 1


def test_the_same_request_may_be_in_two_crawls(ledger):
    ledger.page(1)
    ledger.next_round()
    assert ledger.add(entry(1)) == 1


def test_claims_the_highest_priority_first_then_the_oldest(ledger):
    ledger.add(entry(1), entry(2, priority=-5), entry(3, priority=7), entry(4))
    assert claim(ledger, 3) == [3, 1, 4]
    assert claim(ledger, 3) == [2]
    assert claim(ledger, 3) == []


@pytest.mark.parametrize("limit", [0, -1])
def test_claims_nothing_for_nothing(ledger, limit):
    ledger.add(entry(1))
    assert claim(ledger, limit) == []


def test_a_lease_carries_the_request(ledger):
    request = entry(1, depth=3, priority=2)
    request.payload = '{"callback":"parse"}'
    ledger.add(request)
    (lease,) = ledger.database.run(ledger.frontier.claim, 1)
    assert (lease.fingerprint, lease.url, lease.host) == (fingerprint(1), "http://shop.example/1", "shop.example")
    assert (lease.payload, lease.priority, lease.depth, lease.attempts) == ('{"callback":"parse"}', 2, 3, 0)
    row = ledger.row("requests")
    assert (row["state"], row["worker"]) == ("leased", ledger.frontier.worker)


def test_is_not_claimed_before_its_time(ledger):
    ledger.add(entry(1, available_at=1000.0), entry(2, available_at=2000.0))
    assert claim(ledger, now=999.0) == []
    assert claim(ledger, now=1000.0) == [1]
    assert claim(ledger, now=3000.0) == [2]


def test_next_available_is_in_the_past_where_something_can_be_claimed_now(ledger):
    later = time.time() + 3600
    ledger.add(entry(1, available_at=later), entry(2))
    with ledger.database.read() as conn:
        assert ledger.frontier.next_available(conn) <= time.time()
    assert claim(ledger) == [2]
    with ledger.database.read() as conn:
        assert ledger.frontier.next_available(conn) == pytest.approx(later)


def test_next_available_is_none_where_nothing_waits(ledger):
    with ledger.database.read() as conn:
        assert ledger.frontier.next_available(conn) is None


def test_a_released_lease_was_no_attempt(ledger):
    first, second = ledger.lease(1, 2)
    assert ledger.database.run(ledger.frontier.release, [first.id, second.id, 12345]) == 2
    assert ledger.counts()["pending"] == 2
    assert {lease.attempts for lease in ledger.database.run(ledger.frontier.claim, 5)} == {0}


def test_only_own_leases_are_released(ledger):
    (lease,) = ledger.lease(1)
    other = ledger.worker("two")
    assert ledger.database.run(other.release, [lease.id]) == 0
    assert ledger.counts()["leased"] == 1


def test_what_waits_can_be_skipped_for_good(ledger):
    ledger.lease(9)
    ledger.add(entry(1), entry(2))
    assert ledger.database.run(ledger.frontier.skip_pending, "max-pages", "the budget is spent", ledger.run) == 2
    assert ledger.counts() == {"pending": 0, "leased": 1, "done": 0, "failed": 0, "skipped": 2}
    row = ledger.row("requests", fingerprint=fingerprint(1))
    assert (row["reason"], row["detail"], row["run_id"]) == ("max-pages", "the budget is spent", ledger.run)


def test_what_was_skipped_for_one_reason_can_wait_again(ledger, tmp_path):
    ledger.add(entry(1), entry(2, "other.example"), entry(3, skipped="robots", detail="Disallow"))
    ledger.database.run(ledger.frontier.skip_pending, "max-pages", "the budget is spent", ledger.run)
    ledger.database.run(lambda conn: conn.exec_driver_sql("DELETE FROM hosts"))  # as a worker among others leaves it
    assert ledger.database.run(ledger.frontier.take_up, "max-pages") == 2
    assert ledger.counts() == {"pending": 2, "leased": 0, "done": 0, "failed": 0, "skipped": 1}
    row = ledger.row("requests", fingerprint=fingerprint(1))
    assert {row[name] for name in ("reason", "detail", "settled_at", "run_id")} == {None}
    two = ledger.worker("two")
    assert sorted(claim(ledger) + claim(ledger, 5, two)) == [1, 2]
    assert ledger.problems(tmp_path) == []
    assert ledger.database.run(ledger.frontier.take_up, "max-pages") == 0


# --- workers --------------------------------------------------------------------------------------------------------


def test_a_worker_that_leaves_gives_back_at_once(ledger):
    ledger.lease(1, 2)
    two = ledger.worker("two")
    ledger.database.run(ledger.frontier.leave)
    assert ledger.counts()["pending"] == 2
    assert [w["worker"] for w in ledger.rows("workers")] == [two.worker]
    assert claim(ledger, frontier=two) == [1, 2]


def test_a_live_worker_keeps_its_leases(ledger):
    ledger.lease(1)
    two = ledger.worker("two")
    assert ledger.database.run(two.recover) == 0
    assert ledger.counts()["leased"] == 1


def test_a_killed_process_of_this_machine_is_recovered_at_once(ledger):
    killed = ledger.worker("killed", pid=dead_pid(), lease_seconds=3600)
    ledger.database.run(ledger.frontier.leave)
    ledger.add(entry(1), entry(2))
    assert claim(ledger, frontier=killed) == [1, 2]
    two = ledger.worker("two")
    assert ledger.database.run(two.recover) == 2
    assert [w["worker"] for w in ledger.rows("workers")] == [two.worker]
    leases = ledger.database.run(two.claim, 5)
    assert [lease.attempts for lease in leases] == [1, 1]


def test_a_later_process_with_the_same_id_is_another_one(ledger):
    two = ledger.worker("two", pid=os.getppid())
    ledger.add(entry(1))
    claim(ledger, frontier=two)
    with ledger.database.write() as conn:
        conn.exec_driver_sql(
            "UPDATE workers SET started = '1' WHERE worker LIKE '%two'".replace(
                "%", "%%" if conn.dialect.name == "postgresql" else "%"
            )
        )
    expected = 1 if processes.started(os.getppid()) is not None else 0
    assert ledger.database.run(ledger.frontier.recover) == expected


def test_a_silent_worker_elsewhere_is_recovered_when_its_lease_expires(ledger):
    far = ledger.worker("far", pid=dead_pid(), lease_seconds=0.3)
    with ledger.database.write() as conn:
        conn.exec_driver_sql("UPDATE workers SET machine = 'elsewhere/' || machine")
    ledger.database.run(ledger.frontier.leave)
    ledger.add(entry(1))
    assert claim(ledger, frontier=far) == [1]
    me = ledger.worker("me")
    if ledger.database.dialect == "postgresql":
        assert ledger.database.run(me.recover) == 0
        time.sleep(0.35)
    assert ledger.database.run(me.recover) == 1


def test_a_heartbeat_renews_and_takes_back_what_the_dead_hold(ledger):
    short = ledger.worker("short", lease_seconds=0.2)
    killed = ledger.worker("killed", pid=dead_pid())
    ledger.add(entry(1))
    assert claim(ledger, frontier=killed) == [1]
    time.sleep(0.25)
    ledger.database.run(short.heartbeat)
    expires = {row["worker"]: row["expires_at"] for row in ledger.rows("workers")}
    assert expires[short.worker] > time.time()
    assert killed.worker not in expires
    assert ledger.counts()["pending"] == 1


def test_a_worker_that_was_given_up_can_come_back(ledger):
    slow = ledger.worker("slow", lease_seconds=0.0)
    ledger.add(entry(1))
    assert claim(ledger, frontier=slow) == [1]
    time.sleep(0.01)
    assert ledger.database.run(ledger.frontier.recover) == 1
    slow.lease_seconds = 60
    ledger.database.run(slow.heartbeat)
    assert len(ledger.rows("workers")) == 2


# --- several workers ------------------------------------------------------------------------------------------------


def test_workers_claim_disjoint_hosts(ledger):
    hosts = [f"h{i}.example" for i in range(8)]
    ledger.add(*(entry(100 * i + j, host) for i, host in enumerate(hosts) for j in range(10)))
    two = ledger.worker("two")
    taken: dict[str, set[str]] = {"one": set(), "two": set()}
    seen: list[int] = []
    for _ in range(20):
        for name, frontier in (("one", ledger.frontier), ("two", two)):
            leases = ledger.database.run(frontier.claim, 6)
            taken[name] |= {lease.host for lease in leases}
            seen += [lease.id for lease in leases]
            ledger.commit(*(Settlement(lease) for lease in leases), frontier=frontier)
    assert taken["one"] | taken["two"] == set(hosts)
    assert not taken["one"] & taken["two"]
    assert len(seen) == len(set(seen)) == 80
    assert ledger.counts()["done"] == 80


def test_a_host_claimed_while_alone_stays_with_its_worker(ledger):
    ledger.add(*(entry(i, "a.example", priority=1) for i in range(10)), *(entry(i, "b.example") for i in range(20, 25)))
    assert claim(ledger, 4) == [0, 1, 2, 3]
    two = ledger.worker("two")
    assert claim(ledger, 10, two) == [20, 21, 22, 23, 24]
    assert claim(ledger, 10, two) == []
    assert claim(ledger, 10) == [4, 5, 6, 7, 8, 9]


def test_a_host_is_free_when_its_worker_is_gone(ledger):
    ledger.add(*(entry(i) for i in range(4)))
    two = ledger.worker("two")
    assert claim(ledger, 2) == [0, 1]
    assert claim(ledger, 2, two) == []
    with ledger.database.read() as conn:
        assert two.next_available(conn) is None
    ledger.database.run(ledger.frontier.leave)
    assert claim(ledger, 4, two) == [0, 1, 2, 3]


def test_a_drained_host_leaves_the_table_and_comes_back_with_new_requests(ledger):
    two = ledger.worker("two")
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease))
    assert claim(ledger) == []
    assert ledger.rows("hosts") == []
    ledger.add(entry(2))
    assert claim(ledger, 5, two) == [2]
    assert ledger.row("hosts")["worker"] == two.worker


def test_a_claim_is_spread_over_hosts(ledger):
    ledger.add(*(entry(100 * i + j, f"h{i}.example") for i in range(4) for j in range(50)))
    ledger.worker("two")
    leases = ledger.database.run(ledger.frontier.claim, 20)
    assert len({lease.host for lease in leases}) == 2  # its share of four


def test_a_host_that_has_to_wait_is_not_forgotten(ledger):
    two = ledger.worker("two")
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=PENDING, reason="retry-after", available_at=time.time() + 100))
    assert claim(ledger) == []
    assert ledger.row("hosts")["worker"] == ledger.frontier.worker
    assert claim(ledger, 5, two, now=time.time() + 200) == []
    assert claim(ledger, now=time.time() + 200) == [1]


def test_a_settled_request_is_not_claimed_again(ledger):
    (lease,) = ledger.lease(1)
    ledger.commit(Settlement(lease, state=DONE, status=200))
    ledger.add(entry(1))
    assert claim(ledger) == []
