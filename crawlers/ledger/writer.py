"""The one thread that writes: commits closed settlements and claims the next leases, in one transaction a turn.

The event loop never waits for the database. While it is locked or restarting, a turn simply takes longer: the
requests in flight finish, their settlements wait here in memory, and no new request is handed out.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from crawlers.ledger import commit as commits

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from sqlalchemy import Connection

    from crawlers.ledger.commit import Committed
    from crawlers.ledger.session import Session
    from crawlers.ledger.settlement import Lease, Settlement

logger = logging.getLogger(__name__)

T = TypeVar("T")

Validators = dict[str, tuple[str | None, str | None, str | None]]
"""Fingerprint of a request to the ETag, the Last-Modified and the capture's hash of its last answer."""


@dataclass(slots=True)
class Turn:
    """What one transaction did."""

    committed: Committed | None = None
    leases: list[Lease] = field(default_factory=list)
    validators: Validators = field(default_factory=dict)
    """Of the leases that were answered before."""
    counts: dict[str, int] | None = None
    """State to number of requests, where they were asked for."""
    pages: int | None = None
    """Answered pages of all workers, where others take part and there is a budget of pages."""
    next_available: float | None = None
    """Unix seconds at which the next pending request may be claimed; None where none is pending."""


class LedgerWriter:
    """Runs turns one after the other on a thread of its own.

    Args:
        session: whose frontier is claimed from, and whose run the settlements belong to.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    def turn(self, settlements: list[Settlement], want: int, *, counts: bool) -> Future[Turn]:
        """Commit *settlements*, then claim up to *want* leases."""
        return self._pool.submit(self._session.database.run, self._turn, settlements, want, counts)

    def submit(self, job: Callable[[Connection], T]) -> Future[T]:
        """Run *job* in a write transaction of its own; the result is what it returns."""
        return self._pool.submit(self._session.database.run, job)

    def heartbeat(self) -> None:
        """Renew the leases. Where that fails, the next heartbeat may succeed, or the next turn ends the run."""
        self.submit(self._session.frontier.heartbeat).add_done_callback(_log_failure)

    def close(self) -> None:
        """Wait for what was submitted, end the thread, and let go of the database: exports and reports need the memory."""
        self._pool.shutdown(wait=True)
        self._session.database.close()

    def _turn(self, conn: Connection, settlements: list[Settlement], want: int, counts: bool) -> Turn:
        session, turn = self._session, Turn()
        if settlements:
            turn.committed = commits.commit(conn, session.frontier, settlements, session.run_id)
        if want > 0:
            turn.leases = session.frontier.claim(conn, self._allowed(conn, want, turn), time.time())
            if turn.leases and session.revisiting:
                turn.validators = session.validators(conn, turn.leases)
        if counts or (want > 0 and not turn.leases):
            turn.counts = session.frontier.counts(conn)
            turn.next_available = session.frontier.next_available(conn)
        return turn

    def _allowed(self, conn: Connection, want: int, turn: Turn) -> int:
        """*want*, or as many requests as the page budget leaves to all workers together."""
        session = self._session
        of_all = session.frontier.pages_of_all(conn) if session.budget.limit else None
        if of_all is None:
            return want
        turn.pages, leased = of_all
        return max(0, min(want, session.budget.limit - turn.pages - leased))


def _log_failure(heartbeat: Future[None]) -> None:
    if not heartbeat.cancelled() and heartbeat.exception() is not None:
        logger.warning("The leases could not be renewed: %s", heartbeat.exception())
