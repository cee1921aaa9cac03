"""Hosts among workers: each has its share, and who came first lets go of what is beyond it."""

from __future__ import annotations

from crawlers.ledger.settlement import DONE, Settlement
from tests.ledger_pages import entry


def hosts_of(ledger) -> dict[str, str | None]:
    return {row["host"]: row["worker"] for row in ledger.rows("hosts")}


def claimed(ledger, limit: int, worker) -> set[str]:
    return {lease.host for lease in ledger.database.run(worker.claim, limit)}


def test_a_newcomer_gets_its_share_when_nothing_of_it_is_in_hand(ledger):
    ledger.add(*(entry(10 * i + j, f"h{i}.example") for i in range(4) for j in range(10)))
    one = ledger.frontier
    leases = ledger.database.run(one.claim, 40)  # alone: whatever comes first, and here all there is
    two = ledger.worker("two")
    assert claimed(ledger, 5, two) == set()  # all are in the hands of the first
    for lease in leases:
        ledger.commit(Settlement(lease, state=DONE, status=200))
    ledger.add(*(entry(100 + 10 * i + j, f"h{i}.example") for i in range(4) for j in range(10)))
    kept = claimed(ledger, 8, one)
    given = claimed(ledger, 8, two)
    assert len(kept) == len(given) == 2
    assert not kept & given


def test_nobody_lets_go_of_a_single_host(ledger):
    ledger.add(*(entry(j, "h.example") for j in range(10)))
    ledger.database.run(ledger.frontier.claim, 2)
    two = ledger.worker("two")
    assert claimed(ledger, 2, two) == set()
    assert claimed(ledger, 2, ledger.frontier) == {"h.example"}
    assert hosts_of(ledger) == {"h.example": ledger.frontier.worker}


def test_an_odd_host_is_somebodys(ledger):
    ledger.add(*(entry(10 * i, f"h{i}.example") for i in range(3)))
    two = ledger.worker("two")
    first, second = claimed(ledger, 10, ledger.frontier), claimed(ledger, 10, two)
    assert first | second == {"h0.example", "h1.example", "h2.example"}


def test_the_share_of_who_leaves_is_free(ledger):
    ledger.add(*(entry(10 * i + j, f"h{i}.example") for i in range(4) for j in range(4)))
    two = ledger.worker("two")
    assert len(claimed(ledger, 4, two)) == 2
    assert len(claimed(ledger, 4, ledger.frontier)) == 2
    ledger.database.run(two.leave)
    assert len(claimed(ledger, 16, ledger.frontier)) == 4
