"""When to commit and when to claim: the queue between the scheduler, which never waits, and the writer, which may.

One turn of the writer at a time: it takes the settlements closed so far, commits them, and claims new leases where the
ready ones run low. A turn begins at once where there is hunger or company enough, else after a short wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from crawlers.errors import GristmillError
from crawlers.ledger.settlement import PENDING, Lease, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawlers.ledger.budget import PageBudget
    from crawlers.ledger.writer import LedgerWriter, Turn, Validators

_GROUP_MAX = 500
_POLL = 1.0
_COUNT_INTERVAL = 1.0


class Turns:
    """Feeds the writer.

    Args:
        writer: runs the transactions.
        budget: how many more pages may be claimed.
        held: tells how many leases the engine has in hand.
        ended: called in the event loop after each turn with it and its settlements.
        failed: called in the event loop when the ledger cannot be written.
        concurrency: requests in flight at most.
        settle_pages: finished pages that start a turn without waiting.
        settle_interval: seconds that a finished page waits at most.
    """

    def __init__(
        self,
        writer: LedgerWriter,
        budget: PageBudget,
        *,
        held: Callable[[], int],
        ended: Callable[[Turn, list[Settlement]], None],
        failed: Callable[[BaseException], None],
        concurrency: int = 16,
        settle_pages: int = 8,
        settle_interval: float = 0.05,
    ) -> None:
        self._writer = writer
        self._budget = budget
        self._held = held
        self._ended = ended
        self._failed = failed
        self._settle_pages = max(1, min(settle_pages, concurrency // 2))
        self._settle_interval = settle_interval
        self._low = 2 * concurrency
        self._batch = max(64, 4 * concurrency)
        self._loop = asyncio.get_running_loop()
        self.ready: deque[Lease] = deque()
        self.validators: Validators = {}
        self.counts: dict[str, int] = {}
        self._closed: list[Settlement] = []
        self._committing: list[Settlement] = []
        self._turn: asyncio.Future[Turn] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._counted_at = 0.0
        self._dry = False  # the last claim found nothing, and nothing was settled since
        self._stopped = False

    # --- asked by the scheduler -------------------------------------------------------------------------------------

    @property
    def uncommitted(self) -> int:
        """Settlements that are closed and not yet on disk."""
        return len(self._closed) + len(self._committing)

    def unwritten(self) -> list[Settlement]:
        """The settlements that are closed and not yet on disk."""
        return [*self._committing, *self._closed]

    def settle(self, settlement: Settlement) -> None:
        """Have a closed settlement committed soon."""
        self._closed.append(settlement)
        self._dry = False
        self.consider()

    def has_work(self) -> bool:
        """True while anything is ready, uncommitted, pending, or leased by another worker."""
        if self._stopped:
            return False
        return bool(self.ready or self.uncommitted or not self._dry or self._unfinished())

    def consider(self) -> None:
        """Begin a turn now, or see to it that one begins soon."""
        if self._turn is not None or self._stopped:
            return
        if self._is_hungry() or len(self._closed) >= self._settle_pages:
            self._begin()
        elif self._closed:
            self._in(self._settle_interval)

    def hurry(self) -> None:
        """Commit what is closed now: there is no room for another page before."""
        if self._turn is None and not self._stopped and self._closed:
            self._begin()

    def stop(self) -> None:
        """Begin no more turns."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    async def flush(self) -> None:
        """Wait for the turn under way, then commit what is left.

        Raises:
            GristmillError: the ledger cannot be written.
        """
        if self._turn is not None:
            await asyncio.wait([self._turn])
            await asyncio.sleep(0)  # let its callback run
        while self._closed:
            group = self._take_group()
            turn = await asyncio.wrap_future(self._writer.turn(group, 0, counts=False))
            self._committing = []
            self._ended(turn, group)

    # --- turns ------------------------------------------------------------------------------------------------------

    def _is_hungry(self) -> bool:
        return len(self.ready) < self._low and not self._dry and self._claimable() > 0

    def _claimable(self) -> int:
        return self._budget.left(len(self.ready) + self._held())

    def _in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._fired)

    def _fired(self) -> None:
        self._timer = None
        if self._turn is None and not self._stopped:
            self._begin()

    def _take_group(self) -> list[Settlement]:
        group, self._closed = self._closed[:_GROUP_MAX], self._closed[_GROUP_MAX:]
        self._committing = group
        return group

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = self._take_group()
        want = min(self._batch - len(self.ready), self._claimable()) if len(self.ready) < self._low else 0
        counts = time.monotonic() - self._counted_at > _COUNT_INTERVAL
        self._turn = asyncio.wrap_future(self._writer.turn(group, max(0, want), counts=counts))
        self._turn.add_done_callback(lambda done: self._end(done, group, want))

    def _end(self, done: asyncio.Future[Turn], group: list[Settlement], want: int) -> None:
        self._turn = None
        self._committing = []
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            self._closed[:0] = group
            self.stop()
            self._failed(error or GristmillError("the ledger's writer was stopped"))
            return
        turn = done.result()
        self.ready.extend(turn.leases)
        if turn.pages is not None:
            self._budget.learn(turn.pages)
        self.validators.update(turn.validators)
        if turn.counts is not None:
            self.counts = turn.counts
            self._counted_at = time.monotonic()
        self._dry = not self._closed and (self._claimable() <= 0 or (want > 0 and not self._found_work(turn, group)))
        self._ended(turn, group)
        if self._dry and self._unfinished():
            self._in(self._until_available(turn))
        self.consider()

    @staticmethod
    def _found_work(turn: Turn, group: list[Settlement]) -> bool:
        if turn.leases or (turn.committed is not None and turn.committed.new_children > 0):
            return True
        return any(settlement.state == PENDING for settlement in group)

    @staticmethod
    def _until_available(turn: Turn) -> float:
        """Seconds until a request that waits for its time, or another worker's, is worth a look."""
        if turn.next_available is None or (turn.pages is not None and not turn.leases):
            return _POLL  # nothing waits, or the budget may be spent by what others have in hand
        return min(max(turn.next_available - time.time(), 0.01), _POLL)

    def _unfinished(self) -> int:
        """Requests that are pending (within the page budget) or leased by other workers."""
        mine = len(self.ready) + self._held()
        pending = self.counts.get(PENDING, 0) if self._budget.left(mine) > 0 else 0
        return max(0, self.counts.get("leased", 0) - mine) + pending
