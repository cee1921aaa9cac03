"""The scheduler: Scrapy's engine on one side, leases and settlements of the ledger on the other.

A request that the engine asks for is a lease; it stays in the ledger until the engine has let go of it, with everything
that its page gave. Then the settlement is closed and goes to the writer, which commits it together with others and
claims new leases in the same transaction. Nothing is popped, so nothing is lost when the process dies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.utils.defer import deferred_from_coro

from crawlers.errors import ConfigurationError, DiskFull, GristmillError, RequestNotSerializable
from crawlers.ledger import crawls, records
from crawlers.ledger.budget import PageBudget
from crawlers.ledger.requests import META_LEASE, entry_of, request_of
from crawlers.ledger.session import CRAWL, Session
from crawlers.ledger.settlement import PENDING, Entry, Lease, Settlement, current
from crawlers.ledger.writer import LedgerWriter
from crawlers.middlewares.outcomes import Postponed, Skipped, marked, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from sqlalchemy import Connection
    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    from crawlers.ledger.writer import Turn

logger = logging.getLogger(__name__)

_SEEN_MAX = 250_000
_GROUP_MAX = 500
_POLL = 1.0


class LeasedErrback:
    """Notes the failure of a leased request in its settlement, then does what the spider's own errback does."""

    __slots__ = ("_settlement", "original")

    def __init__(self, settlement: Settlement, original: Callable[[Failure], Any] | None) -> None:
        self._settlement = settlement
        self.original = original

    def __call__(self, failure: Failure) -> Any:
        """Called by Scrapy with whatever kept the callback from running."""
        current.set(self._settlement)
        note_failure(self._settlement, failure.value)
        return failure if self.original is None else self.original(failure)


def note_failure(settlement: Settlement, error: BaseException | None) -> None:
    """Write down in *settlement* why its request did not reach the callback."""
    if isinstance(error, Postponed):
        settlement.state, settlement.reason = PENDING, error.reason
        settlement.available_at = error.until
    elif isinstance(error, Skipped):
        settlement.skip(error.reason, error.detail)
    else:
        reason, detail = reason_of(error)
        settlement.fail(reason, detail)
    response = getattr(error, "response", None)
    if response is not None:
        settlement.status = response.status
        settlement.gone = response.status in {404, 410}


class _InProgress(set["Request"]):
    """The engine's set of requests in progress; tells the scheduler when one leaves, however that came about."""

    def __init__(self, left: Callable[[Request], None]) -> None:
        super().__init__()
        self._left = left

    def remove(self, request: Request) -> None:
        super().remove(request)
        self._left(request)


class LedgerScheduler(BaseScheduler):
    """Hands out leases of the ledger's frontier and settles them.

    Args:
        crawler: whose engine is served.
        settle_interval: seconds that a finished page waits at most for company.
        settle_pages: finished pages that start a transaction at once; never more than a quarter of the concurrency.
        lease_seconds: life of a lease without a heartbeat.
        concurrency: requests in flight at most; what is kept ready beside them follows from it.

    Settings:
        DATABASE_URL, LEDGER_TIMEOUT, LEASE_SECONDS, SETTLE_INTERVAL, SETTLE_PAGES

    Stats:
        gristmill/run_id, gristmill/crawl_id, gristmill/round, gristmill/resumed,
        gristmill/requests/{pending,leased,done,failed,skipped}, gristmill/records/{new,changed,unchanged},
        gristmill/settled, gristmill/void, gristmill/ledger_error
    """

    def __init__(
        self,
        crawler: Crawler,
        *,
        settle_interval: float = 0.05,
        settle_pages: int = 64,
        lease_seconds: float = 60.0,
        concurrency: int = 16,
    ) -> None:
        self.crawler = crawler
        self.session: Session
        self._settle_interval = settle_interval
        self._lease_seconds = lease_seconds
        # What a kill may cost: requests handed out and not yet committed are fetched again, robots.txt with them.
        self._exposed_max = max(1, concurrency - 1)
        self._settle_pages = min(settle_pages, max(1, concurrency // 4))
        self._low = 2 * concurrency
        self._batch = max(64, 4 * concurrency)
        self._ready: deque[Lease] = deque()
        self._held: dict[int, Settlement] = {}
        self._closed: list[Settlement] = []
        self._committing = 0
        self._seen: set[bytes] = set()
        self._turn: asyncio.Future[Turn] | None = None
        self._dry = False  # the last claim found nothing, and nothing was committed since
        self._counts: dict[str, int] = {}
        self._counted_at = 0.0
        self._next_turn: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._failed: GristmillError | None = None
        self._closing = False
        self._left_behind: dict[str, int] = {}
        self._validators: dict[str, tuple[str | None, str | None, str | None]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> LedgerScheduler:
        """Read the settings."""
        settings = crawler.settings
        return cls(
            crawler,
            settle_interval=settings.getfloat("SETTLE_INTERVAL"),
            settle_pages=settings.getint("SETTLE_PAGES"),
            lease_seconds=settings.getfloat("LEASE_SECONDS"),
            concurrency=settings.getint("CONCURRENT_REQUESTS"),
        )

    # --- opened and closed by the engine ----------------------------------------------------------------------------

    def open(self, spider: Spider) -> None:
        """Open the ledger and begin a run. Errors stop the crawl before the first request."""
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "expected TWISTED_REACTOR to be the asyncio reactor, Scrapy's default, got another: remove the setting"
            ) from None
        self.spider = spider
        self.session = session = Session.open(self.crawler)
        self._writer = LedgerWriter(session)
        self._fingerprint = self.crawler.request_fingerprinter.fingerprint
        self._budget = PageBudget.of(spider)
        slot = self.crawler.engine._slot
        slot.inprogress = _InProgress(self._left)
        self._wake = slot.nextcall.schedule
        self.crawler.signals.connect(self._spider_error, signals.spider_error)
        stats = self.crawler.stats
        stats.set_value("gristmill/run_id", session.run_id)
        stats.set_value("gristmill/crawl_id", session.crawl_id)
        stats.set_value("gristmill/round", session.round)
        stats.set_value("gristmill/resumed", session.resumed)
        stats.set_value("gristmill/mode", session.mode)
        with session.database.read() as conn:
            self._count(session.frontier.counts(conn))
        self._budget.spend(self._counts.get("done", 0))
        if session.resumed:
            logger.info(
                "Going on with crawl %d of %s: %d pages settled, %d to go",
                session.round, spider.name, self._settled_pages(), self._counts.get(PENDING, 0),
            )  # fmt: skip
        self._beat()

    def close(self, reason: str) -> Deferred[None]:
        """Commit what is closed, give back what was not handed out, and leave the ledger in order."""
        return deferred_from_coro(self._close(reason))

    async def _close(self, reason: str) -> None:
        self._closing = True
        for timer in (self._next_turn, self._heartbeat):
            if timer is not None:
                timer.cancel()
        try:
            await self._flush()
            if self._failed is None:
                await asyncio.wrap_future(self._writer.submit(partial(self._leave, finished=reason == "finished")))
                self._count(self._left_behind)
        except GristmillError as exc:
            self._fail(exc)
        finally:
            await self._loop.run_in_executor(None, self._writer.close)
            self.crawler.stats.set_value("gristmill/close_reason", reason)

    # --- asked by the engine ----------------------------------------------------------------------------------------

    def has_pending_requests(self) -> bool:
        """True while anything is ready, uncommitted, pending, or leased by another worker."""
        if self._failed is not None:
            return False
        return bool(self._ready or self._closed or self._committing or not self._dry or self._unfinished())

    def enqueue_request(self, request: Request) -> bool:
        """Take a request from a spider's page, from its start, or from a middleware that replaces one in progress."""
        page = current.get()
        held = self._held.get(request.meta.get(META_LEASE, -1))
        if held is not None and held is not page:
            return self._replace(held, request)
        if page is None or page.lease is None or page.closed:
            page = None
        try:
            return self._start(request) if page is None else self._discover(page, request)
        except RequestNotSerializable as exc:
            # Raised further, it would end one of the tasks that Scrapy takes a page's output with.
            if page is None:
                self._fail(exc)
            else:
                logger.error("%s", exc)
                page.fail("not-serializable", str(exc))
            return False

    def next_request(self) -> Request | None:
        """The next leased request, or None while the ledger has none ready."""
        current.set(None)  # what the engine does from here on is nobody's page
        if self._closing or self._failed or len(self._held) + len(self._closed) + self._committing >= self._exposed_max:
            return None
        if len(self._ready) < self._low:
            self._consider_turn()
        if not self._ready:
            return None
        lease = self._pick()
        request = request_of(lease, self.spider)
        settlement = Settlement(lease)
        request.errback = LeasedErrback(settlement, request.errback)
        self._held[lease.id] = settlement
        validators = self._validators.pop(lease.fingerprint, None)
        if validators is not None:
            request.meta["gristmill_validators"] = validators
        return request

    # --- used by middlewares and pipelines --------------------------------------------------------------------------

    def settlement_of(self, request: Request | None) -> Settlement | None:
        """The open settlement of a request that was handed out, or None."""
        return None if request is None else self._held.get(request.meta.get(META_LEASE, -1))

    def settle(self, settlement: Settlement) -> None:
        """Close *settlement* and have it committed soon."""
        settlement.closed = True
        self._closed.append(settlement)
        self._dry = False
        self._consider_turn()

    # --- where requests come from -----------------------------------------------------------------------------------

    def _start(self, request: Request) -> bool:
        if self.session.mode != CRAWL:
            return False
        fingerprint = self._fingerprint(request)
        if fingerprint in self._seen:
            return False
        self._remember(fingerprint)
        entry = entry_of(request, self.spider, fingerprint.hex())
        self.settle(Settlement(None, children=[entry]))
        return True

    def _discover(self, page: Settlement, request: Request) -> bool:
        if self.session.mode != CRAWL or page.lease is None:
            return False
        fingerprint = self._fingerprint(request)
        name = fingerprint.hex()
        if request.dont_filter:
            name = f"{name}:{page.lease.id:x}.{len(page.children):x}"
        elif fingerprint in self._seen:
            return False
        else:
            self._remember(fingerprint)
        entry = entry_of(request, self.spider, name)
        entry.skipped, entry.detail = marked(request) or (None, None)
        page.children.append(entry)
        return True

    def _replace(self, held: Settlement, request: Request) -> bool:
        """A middleware replaces a request in progress: the same again (retry), or another (redirect)."""
        assert held.lease is not None
        name = self._fingerprint(request).hex()
        if name == held.lease.fingerprint.partition(":")[0]:
            held.state, held.reason = PENDING, "retry"
            return True
        held.reason, held.detail = "redirected", request.url
        held.children.append(entry_of(request, self.spider, name))
        return True

    def _remember(self, fingerprint: bytes) -> None:
        if len(self._seen) >= _SEEN_MAX:
            self._seen.clear()  # the ledger's unique index is the authority; this only saves it work
        self._seen.add(fingerprint)

    def _pick(self) -> Lease:
        """The first ready lease whose host has room in the downloader, else simply the first."""
        slots = self.crawler.engine.downloader.slots
        if len(slots) > 1:
            for index, lease in enumerate(self._ready):
                slot = slots.get(lease.host.partition(":")[0])
                if slot is None or len(slot.active) < slot.concurrency:
                    del self._ready[index]
                    return lease
        return self._ready.popleft()

    # --- where requests go ------------------------------------------------------------------------------------------

    def _left(self, request: Request) -> None:
        """The engine let go of *request*: everything it led to has been stored or rejected."""
        settlement = self._held.pop(request.meta.get(META_LEASE, -1), None)
        if settlement is None:
            return
        if settlement.state == PENDING:
            settlement.records.clear()
            settlement.rejections.clear()
        elif settlement.status is None and settlement.reason is None:
            settlement.fail("unanswered", "the request left the downloader without an answer or an error")
        if settlement.state == "done" and settlement.reason is None:
            self._budget.spend(1)
        self.settle(settlement)

    def _spider_error(self, failure: Failure, response: Any) -> None:
        settlement = self.settlement_of(getattr(response, "request", None))
        if settlement is not None:
            error = failure.value
            settlement.fail("callback-error", f"{type(error).__name__}: {error}")

    # --- turns of the writer ----------------------------------------------------------------------------------------

    def _consider_turn(self) -> None:
        """Begin a turn now, or see to it that one begins soon."""
        if self._turn is not None or self._closing or self._failed:
            return
        hungry = len(self._ready) < self._low and not self._dry and self._budget.left(self._in_hand()) > 0
        if hungry or len(self._closed) >= self._settle_pages:
            self._begin_turn()
        elif self._closed:
            self._turn_in(self._settle_interval)

    def _turn_in(self, seconds: float) -> None:
        if self._next_turn is None:
            self._next_turn = self._loop.call_later(seconds, self._timer_fired)

    def _timer_fired(self) -> None:
        self._next_turn = None
        if self._turn is None and not self._closing and not self._failed:
            self._begin_turn()

    def _in_hand(self) -> int:
        return len(self._ready) + len(self._held)

    def _begin_turn(self) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        group, self._closed = self._closed[:_GROUP_MAX], self._closed[_GROUP_MAX:]
        self._committing = len(group)
        want = max(0, self._batch - len(self._ready)) if len(self._ready) < self._low else 0
        want = min(want, self._budget.left(self._in_hand()))
        counts = time.monotonic() - self._counted_at > 1.0
        future = asyncio.wrap_future(self._writer.turn(group, want, counts=counts))
        self._turn = future
        future.add_done_callback(lambda done: self._end_turn(done, group, want))

    def _end_turn(self, done: asyncio.Future[Turn], group: list[Settlement], want: int) -> None:
        self._turn = None
        self._committing = 0
        current.set(None)
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            self._closed[:0] = group
            self._fail(error or GristmillError("the ledger's writer was stopped"))
            return
        turn = done.result()
        self._ready.extend(turn.leases)
        self._validators.update(turn.validators)
        if turn.committed is not None:
            self._account(turn, group)
        if turn.counts is not None:
            self._count(turn.counts)
        found_work = bool(turn.leases) or (turn.committed is not None and turn.committed.new_children > 0)
        gave_back = any(settlement.state == PENDING for settlement in group)
        self._dry = not found_work and not gave_back and want > 0 and not self._closed
        if self._budget.left(self._in_hand()) <= 0 and not self._closed:
            self._dry = True
        if self._dry and self._unfinished():
            self._turn_in(self._until_available(turn))
        self._wake()
        self._consider_turn()

    def _until_available(self, turn: Turn) -> float:
        if turn.next_available is None:
            return _POLL
        return min(max(turn.next_available - time.time(), 0.01), _POLL)

    def _unfinished(self) -> int:
        """Requests that are pending (within the page budget) or leased by other workers."""
        others = self._counts.get("leased", 0) - self._in_hand()
        pending = self._counts.get(PENDING, 0) if self._budget.left(self._in_hand()) > 0 else 0
        return max(0, others) + pending

    async def _flush(self) -> None:
        if self._turn is not None:
            await asyncio.wait([self._turn])
            await asyncio.sleep(0)
        while self._closed and self._failed is None:
            group, self._closed = self._closed[:_GROUP_MAX], self._closed[_GROUP_MAX:]
            turn = await asyncio.wrap_future(self._writer.turn(group, 0, counts=not self._closed))
            self._account(turn, group)
            if turn.counts is not None:
                self._count(turn.counts)

    def _leave(self, conn: Connection, *, finished: bool) -> None:
        """End this worker's part; the last one to finish completes the crawl."""
        session, frontier = self.session, self.session.frontier
        frontier.release(conn, [lease.id for lease in self._ready])
        if finished and self._budget.exhausted and session.mode == CRAWL:
            detail = f"the crawl's budget of {self._budget.limit} pages is spent"
            frontier.skip_pending(conn, "max-pages", detail, session.run_id)
        frontier.leave(conn)
        if finished and crawls.complete_crawl(conn, session.crawl_id) and session.mode == CRAWL:
            records.mark_gone(conn, session.crawl_id)
        self._left_behind = frontier.counts(conn)

    def _fail(self, error: BaseException) -> None:
        """The ledger cannot be written: stop at once. Leases come back by themselves at the next start."""
        if self._failed is not None:
            return
        self._failed = error if isinstance(error, GristmillError) else GristmillError(str(error))
        self.crawler.stats.set_value("gristmill/ledger_error", str(error))
        logger.error("%s", error, exc_info=error if not isinstance(error, GristmillError) else None)
        if not self._closing:
            reason = "disk-full" if isinstance(error, DiskFull) else "ledger-error"
            self._loop.create_task(self.crawler.engine.close_spider_async(reason=reason))  # noqa: RUF006

    def _beat(self) -> None:
        """Renew the leases at a third of their life."""
        self._heartbeat = self._loop.call_later(self._lease_seconds / 3, self._beat)
        if self._failed is None:
            self._writer.submit(self.session.frontier.heartbeat)

    # --- figures ----------------------------------------------------------------------------------------------------

    def _settled_pages(self) -> int:
        return sum(n for state, n in self._counts.items() if state in {"done", "failed", "skipped"})

    def _account(self, turn: Turn, group: list[Settlement]) -> None:
        committed = turn.committed
        if committed is None:
            return
        stats = self.crawler.stats
        stats.inc_value("gristmill/settled", sum(s.lease is not None for s in group) - committed.void)
        stats.inc_value("gristmill/void", committed.void)
        for kind in ("new", "changed", "unchanged"):
            stats.inc_value(f"gristmill/records/{kind}", getattr(committed, kind))
        for settlement in group:
            for _, rejected in settlement.rejections:
                stats.inc_value(f"gristmill/rejected/{rejected.stage}/{rejected.reason}")

    def _count(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._counted_at = time.monotonic()
        for state, number in counts.items():
            self.crawler.stats.set_value(f"gristmill/requests/{state}", number)


__all__ = ["Entry", "LedgerScheduler", "LeasedErrback", "note_failure"]
