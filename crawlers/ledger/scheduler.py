"""The scheduler: Scrapy's engine on one side, leases and settlements of the ledger on the other.

A request that the engine asks for is a lease; it stays in the ledger until the engine has let go of it, with everything
that its page gave. Then the settlement is closed and committed together with others, and new leases are claimed in the
same transaction (``turns.py``). Nothing is popped, so nothing is lost when the process dies.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.core.scheduler import BaseScheduler
from scrapy.exceptions import CloseSpider
from scrapy.utils.defer import deferred_from_coro

from crawlers.errors import ConfigurationError, DiskFull, GristmillError, RequestNotSerializable
from crawlers.ledger import crawls, records, tally
from crawlers.ledger.budget import MAX_PAGES
from crawlers.ledger.errback import LeasedErrback
from crawlers.ledger.requests import META_LEASE, entry_of, request_of
from crawlers.ledger.session import CRAWL, Session
from crawlers.ledger.settlement import DONE, LIST, PENDING, Lease, Settlement, current
from crawlers.ledger.turns import Turns
from crawlers.ledger.writer import LedgerWriter
from crawlers.middlewares.outcomes import marked
from crawlers.seen import Seen

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
        settle_pages: finished pages that start a transaction without waiting.
        lease_seconds: life of a lease without a heartbeat.
        concurrency: requests in flight at most; also the most that a kill makes fetch again.

    Settings:
        DATABASE_URL, LEDGER_TIMEOUT, LEASE_SECONDS, SETTLE_INTERVAL, SETTLE_PAGES, CONCURRENT_REQUESTS

    Stats:
        gristmill/run_id, gristmill/crawl_id, gristmill/round, gristmill/resumed, gristmill/mode, gristmill/max_pages,
        gristmill/requests/{pending,leased,done,failed,skipped}, gristmill/records/{new,changed,updated,unchanged,gone,repeated},
        gristmill/rejected/<stage>/<reason>, gristmill/settled, gristmill/void, gristmill/ledger_error
    """

    def __init__(
        self,
        crawler: Crawler,
        *,
        settle_interval: float = 0.05,
        settle_pages: int = 8,
        lease_seconds: float = 60.0,
        concurrency: int = 16,
    ) -> None:
        self.crawler = crawler
        self.session: Session
        self._settle_interval = settle_interval
        self._settle_pages = settle_pages
        self._lease_seconds = lease_seconds
        self._concurrency = concurrency
        # Requests handed out and not yet committed are fetched again after a kill, and robots.txt with them.
        self._exposed_max = max(1, concurrency - 1)
        self._held: dict[int, Settlement] = {}
        self._seen = Seen(_SEEN_MAX)  # spares a row; the ledger's unique index has the last word
        self._heartbeat: asyncio.TimerHandle | None = None
        self.failed: GristmillError | None = None
        self._closing = False

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
        """Open the ledger and begin a run. An error closes the spider, once it is open, before the first request."""
        self.spider = spider
        try:
            self._open(spider)
        except GristmillError as exc:
            self._note(exc)
            self.crawler.signals.connect(self._refuse, signals.spider_opened)

    def _refuse(self, spider: Spider) -> None:
        raise CloseSpider(self._reason())

    def _open(self, spider: Spider) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError(
                "expected TWISTED_REACTOR to be the asyncio reactor, Scrapy's default, got another: remove the setting"
            ) from None
        self.session = session = Session.open(self.crawler)
        self._budget = session.budget
        self._writer = LedgerWriter(session)
        self._turns = Turns(
            self._writer,
            self._budget,
            held=lambda: len(self._held),
            ended=self._ended,
            failed=self._fail,
            concurrency=self._concurrency,
            settle_pages=self._settle_pages,
            settle_interval=self._settle_interval,
        )
        self._fingerprint = self.crawler.request_fingerprinter.fingerprint  # type: ignore[union-attr]
        slot: Any = self.crawler.engine._slot  # type: ignore[union-attr]
        slot.inprogress = _InProgress(self._left)
        self._wake = slot.nextcall.schedule
        self.crawler.signals.connect(self._spider_error, signals.spider_error)
        self._introduce()
        self._beat()

    def _introduce(self) -> None:
        session, stats = self.session, self.crawler.stats
        for name in ("run_id", "crawl_id", "round", "resumed", "mode"):
            stats.set_value(f"gristmill/{name}", getattr(session, name))
        stats.set_value("gristmill/max_pages", self._budget.limit)
        with session.database.read() as conn:
            counts = session.frontier.counts(conn)
            spent = session.frontier.pages(conn) if self._budget.limit else 0
        self._turns.counts = counts
        tally.count(stats, counts)
        self._budget.spend(spent)
        if session.resumed:
            settled = sum(counts.values()) - counts[PENDING] - counts["leased"]
            logger.info(
                "Going on with %s %d of %s: %d pages settled, %d to go",
                session.mode, session.round, session.source, settled, counts[PENDING],
            )  # fmt: skip

    def close(self, reason: str) -> Deferred[None]:
        """Commit what is closed, give back what was not handed out, and leave the ledger in order."""
        return deferred_from_coro(self._close(reason))

    async def _close(self, reason: str) -> None:
        self._closing = True
        if not hasattr(self, "_turns"):
            return  # the ledger was never opened
        self._turns.stop()
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        try:
            if self.failed is None:
                await self._turns.flush()
                job = partial(self._leave, finished=reason == "finished")
                tally.count(self.crawler.stats, await asyncio.wrap_future(self._writer.submit(job)))
        except GristmillError as exc:
            self._fail(exc)
        finally:
            await self._loop.run_in_executor(None, self._writer.close)
            self.crawler.stats.set_value("gristmill/close_reason", reason)

    def _leave(self, conn: Connection, *, finished: bool) -> dict[str, int]:
        """End this worker's part; the last one to finish completes the crawl. Return what is in which state."""
        session, frontier = self.session, self.session.frontier
        frontier.release(conn, [lease.id for lease in self._turns.ready])
        if finished and self._budget.exhausted:
            detail = f"the crawl's budget of {self._budget.limit} pages is spent"
            frontier.skip_pending(conn, MAX_PAGES, detail, session.run_id)
        frontier.leave(conn)
        if finished and crawls.complete_crawl(conn, session.crawl_id) and session.mode == CRAWL:
            records.mark_gone(conn, session.crawl_id)
        return frontier.counts(conn)

    # --- asked by the engine ----------------------------------------------------------------------------------------

    def has_pending_requests(self) -> bool:
        """True while anything is ready, uncommitted, pending, or leased by another worker."""
        return self.failed is None and self._turns.has_work()

    def enqueue_request(self, request: Request) -> bool:
        """Take a request from a spider's page, from its start, or from a middleware that replaces one in progress."""
        if self.failed is not None:
            return False
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
        if self._closing or self.failed is not None:
            return None
        turns = self._turns
        if len(self._held) + turns.uncommitted >= self._exposed_max:
            turns.hurry()
            return None
        turns.consider()
        if not turns.ready:
            return None
        lease = self._pick()
        settlement = Settlement(lease)
        try:
            request = request_of(lease, self.spider)
        except RequestNotSerializable as exc:
            self._unreadable(settlement, exc)
            return None
        request.errback = LeasedErrback(settlement, request.errback)
        validators = turns.validators.pop(lease.fingerprint, None)
        if validators is not None:
            request.meta["gristmill_validators"] = validators
        self._held[lease.id] = settlement
        return request

    def _unreadable(self, settlement: Settlement, error: RequestNotSerializable) -> None:
        """The spider no longer takes a stored request: a crawl must not go on without the page, the others can."""
        if self.session.mode == CRAWL:
            self._fail(error)
        else:
            logger.error("%s", error)
            settlement.fail("no-callback", str(error))
            self.settle(settlement)

    def _pick(self) -> Lease:
        """The first ready lease whose host has room in the downloader, else simply the first."""
        ready = self._turns.ready
        slots = self.crawler.engine.downloader.slots  # type: ignore[union-attr]
        if len(slots) > 1:
            for index, lease in enumerate(ready):
                slot = slots.get(lease.host.partition(":")[0])
                if slot is None or len(slot.active) < slot.concurrency:
                    del ready[index]
                    return lease
        return ready.popleft()

    # --- used by middlewares and pipelines --------------------------------------------------------------------------

    def settlement_of(self, request: Request | None) -> Settlement | None:
        """The open settlement of a request that was handed out, or None."""
        return None if request is None else self._held.get(request.meta.get(META_LEASE, -1))

    def under_way(self) -> set[str]:
        """Ids of the records that were kept here and are not on disk yet."""
        return {r.id for s in (*self._held.values(), *self._turns.unwritten()) for r in s.records}

    def settle(self, settlement: Settlement) -> None:
        """Close *settlement* and have it committed soon."""
        settlement.closed = True
        self._turns.settle(settlement)

    def stop(self, error: GristmillError) -> None:
        """End the run because of *error*, which is not one page's alone; what is in flight is fetched again later."""
        self._fail(error)

    # --- where requests come from -----------------------------------------------------------------------------------

    def _start(self, request: Request) -> bool:
        fingerprint = self._fingerprint(request)
        if self.session.mode != CRAWL or not self._seen.add(fingerprint):
            return False
        self.settle(Settlement(None, children=[entry_of(request, self.spider, fingerprint.hex())]))
        return True

    def _discover(self, page: Settlement, request: Request) -> bool:
        assert page.lease is not None
        fingerprint = self._fingerprint(request)
        if self.session.mode != CRAWL:
            return False
        name = fingerprint.hex()
        if request.dont_filter:
            name = f"{name}:{page.lease.id:x}.{len(page.children):x}"
        elif not self._seen.add(fingerprint):
            return False
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

    # --- where requests go ------------------------------------------------------------------------------------------

    def _left(self, request: Request) -> None:
        """The engine let go of *request*: everything it led to has been stored or rejected."""
        settlement = self._held.pop(request.meta.get(META_LEASE, -1), None)
        if settlement is None:
            return
        if settlement.state == PENDING:
            settlement.records.clear()
            settlement.rejections.clear()
            settlement.displaced.clear()
        elif settlement.status is None and settlement.reason is None:
            settlement.fail("unanswered", "the request left the downloader without an answer or an error")
        if settlement.state == DONE and settlement.reason in {None, LIST}:
            self._budget.spend(1)
        self.settle(settlement)

    def _spider_error(self, failure: Failure, response: Any) -> None:
        settlement = self.settlement_of(getattr(response, "request", None))
        if settlement is not None:
            error = failure.value
            settlement.fail("callback-error", f"{type(error).__name__}: {error}")

    # --- turns end, leases are renewed, ledgers fail ----------------------------------------------------------------

    def _ended(self, turn: Turn, group: list[Settlement]) -> None:
        current.set(None)
        if turn.committed is not None:
            tally.account(self.crawler.stats, turn.committed, group)
        if turn.counts is not None:
            tally.count(self.crawler.stats, turn.counts)
        if not self._closing:
            self._wake()

    def _beat(self) -> None:
        """Renew the leases at a third of their life."""
        self._heartbeat = self._loop.call_later(self._lease_seconds / 3, self._beat)
        if self.failed is None:
            self._writer.heartbeat()

    def _fail(self, error: BaseException) -> None:
        """The run cannot go on: stop at once. Leases come back by themselves at the next start."""
        if self.failed is not None:
            return
        self._note(error)
        if not self._closing:
            closing = self.crawler.engine.close_spider_async(reason=self._reason())  # type: ignore[union-attr]
            self._closing_task = self._loop.create_task(closing)

    def _note(self, error: BaseException) -> None:
        known = isinstance(error, GristmillError)
        self.failed = error if isinstance(error, GristmillError) else GristmillError(str(error))
        self.crawler.stats.set_value("gristmill/ledger_error", str(error))
        self.crawler.stats.set_value("gristmill/error_code", self.failed.exit_code)
        logger.error("%s", error, exc_info=None if known else error)

    def _reason(self) -> str:
        return "disk-full" if isinstance(self.failed, DiskFull) else "ledger-error"
