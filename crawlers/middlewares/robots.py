"""Robots: robots.txt is asked for first, obeyed, and its word about AI is passed on to the records (RFC 9309)."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from scrapy import Request, signals
from scrapy.exceptions import NotConfigured, StopDownload
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from crawlers.ledger.requests import META_LEASE
from crawlers.middlewares.compression import META_CUT
from crawlers.middlewares.holds import wait
from crawlers.middlewares.outcomes import Failed, Postponed, Skipped, reason_of
from crawlers.middlewares.robotsfile import MAX_BYTES, RobotsFile, token_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawlers.items import Signal

logger = logging.getLogger(__name__)

META_RIGHTS = "gristmill_rights"
"""Key in ``request.meta``: ``{"robots": "allowed by …", "signals": [[place, value, optout], …]}``."""

META_FILE = "gristmill_robots_txt"
"""Key in ``request.meta``: it asks for a robots.txt, wherever it was redirected to."""

_ORIGINS_MAX = 5_000
_SMALL = 16 * 1024
_NEVER = "never asked"
_SHORT_PATIENCE = 6.0
_LIKELY_WRONG = frozenset({"dns", "tls", "bad-answer"})
_PATIENCE = 2.0
_FIRST_WAIT, _LONGEST_WAIT, _GIVEN_UP = 1.0, 30.0, 600.0


class RobotsUnreachable(Exception):
    """robots.txt could not be had this time."""

    def __init__(self, detail: str, reason: str = "robots-unreachable", until: float | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.until = until


@dataclass
class Known:
    """What is known of one origin's robots.txt."""

    file: RobotsFile | None = None
    """None: the whole site may be fetched."""
    how: str = _NEVER
    expires: float = 0.0
    """By the monotonic clock."""
    retry_at: float = 0.0
    """Unix seconds before which an unreachable file is not asked for again; 0: it was reached."""
    failing_since: float = 0.0
    failures: int = 0
    reason: str = ""
    detail: str = ""
    fetch: asyncio.Task[None] | None = field(default=None, repr=False)


class RobotsMiddleware:
    """Asks for robots.txt once per origin, and lets through what it allows.

    A 4xx answer allows everything; 5xx, 429 and no answer at all forbid everything for the time being: requests wait
    for it, together. Once it has been away for *patience* seconds they are skipped as ``robots-unreachable``, or,
    where the host does not answer at all, fail with the reason of that (``dns``, ``refused`` …).

    Args:
        download: fetches a request outside the scheduler.
        pace: sets the delay between two requests to a downloader slot.
        user_agent: the crawler's User-Agent header; its product token is looked up in the file.
        lifetime: seconds for which a file is believed.
        patience: seconds for which an unreachable file is waited for.
        delay_max: seconds; a longer Crawl-delay is cut to it.
        timeout: seconds for one fetch.
        stats: collector with ``inc_value``.

    Settings:
        ROBOTSTXT_OBEY: off means off.
        ROBOTSTXT_USER_AGENT: name to look up in the file; USER_AGENT's product token where it is not set.
        ROBOTS_LIFETIME, ROBOTS_PATIENCE, ROBOTS_DELAY_MAX: as above.

    Stats:
        robots/fetched, robots/unreachable, robots/forbidden, robots/truncated
    """

    def __init__(
        self,
        download: Callable[[Request], Awaitable[Response]],
        *,
        pace: Callable[[str, float], None] = lambda slot, delay: None,
        user_agent: str = "Gristmill",
        lifetime: float = 86_400.0,
        patience: float = 40.0,
        delay_max: float = 60.0,
        timeout: float = 30.0,
        stats: Any = None,
    ) -> None:
        self._download = download
        self._pace = pace
        self._user_agent = user_agent
        self._lifetime = lifetime
        self._patience = patience
        self._delay_max = delay_max
        self._timeout = timeout
        self._stats = stats
        self._known: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._limited = 0
        self._received: WeakKeyDictionary[Request, int] = WeakKeyDictionary()
        self._signals: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Read the settings."""
        settings = crawler.settings
        if not settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured("ROBOTSTXT_OBEY is off: set it to True to ask robots.txt")

        async def download(request: Request) -> Response:
            assert crawler.engine is not None
            return await crawler.engine.download_async(request)

        def pace(slot: str, delay: float) -> None:
            assert crawler.engine is not None
            set_pace(crawler.engine.downloader, slot, delay)

        self = cls(
            download,
            pace=pace,
            user_agent=settings["ROBOTSTXT_USER_AGENT"] or settings["USER_AGENT"],
            lifetime=settings.getfloat("ROBOTS_LIFETIME", 86_400.0),
            patience=settings.getfloat("ROBOTS_PATIENCE", 40.0),
            delay_max=settings.getfloat("ROBOTS_DELAY_MAX", 60.0),
            timeout=min(30.0, settings.getfloat("DOWNLOAD_TIMEOUT")),
            stats=crawler.stats,
        )
        self._signals = crawler.signals
        return self

    async def process_request(self, request: Request) -> None:
        """Skip what is disallowed, postpone while the file cannot be had."""
        if request.meta.get("dont_obey_robotstxt") or not request.url.startswith(("http:", "https:")):
            return
        known = await self._consult(request)
        if known.file is None:
            request.meta[META_RIGHTS] = {"robots": f"allowed: {known.how}", "signals": []}
            return
        if not known.file.allows(request.url):
            self._count("robots/forbidden")
            raise Skipped(
                "robots", f"robots.txt disallows it (User-agent: {known.file.group}); ROBOTSTXT_OBEY=False ignores that"
            )
        group = f"User-agent: {known.file.group}" if known.file.group else "no group speaks of this crawler"
        found = known.file.signals(request.url)
        request.meta[META_RIGHTS] = {"robots": f"allowed by robots.txt ({group})", "signals": as_json(found)}

    # --- the file of an origin ---

    async def _consult(self, request: Request) -> Known:
        """What is known of the origin's file, fetched where it is not fresh."""
        token = token_of(self._user_agent)
        parts = urlparse_cached(request)
        key = (f"{parts.scheme}://{parts.netloc}", token)
        while True:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = Known()
                self._forget_oldest()
            if known.expires > time.monotonic():
                return known
            if known.retry_at > time.time():
                await self._wait_or_give_up(request, known)
                continue
            if known.fetch is None:
                known.fetch = asyncio.ensure_future(self._fetch(key[0], token, known))
            await self._join(request, known.fetch)

    async def _join(self, request: Request, fetch: asyncio.Task[None]) -> None:
        """Wait for a fetch under way; not for long, because each request that waits here keeps another host's out."""
        patience = _PATIENCE if META_LEASE in request.meta else None
        done, _ = await asyncio.wait([fetch], timeout=patience)
        if not done:
            await wait(request, time.time() + _PATIENCE, "robots-unreachable", "robots.txt is still being fetched")

    async def _wait_or_give_up(self, request: Request, known: Known) -> None:
        if time.monotonic() - known.failing_since >= self._patience_with(known):
            self._count("robots/unreachable")
            if known.reason != "robots-unreachable":
                raise Failed(known.reason, f"the host does not answer, first of all not for {known.detail}")
            raise Skipped(
                "robots-unreachable",
                f"robots.txt could not be had for {self._patience:.0f} s, which forbids the whole site for now "
                f"(RFC 9309): {known.detail}",
            )
        await wait(request, known.retry_at, "robots-unreachable", known.detail)

    def _patience_with(self, known: Known) -> float:
        """A host that never answered and has no address, or no certificate, is most often misspelt."""
        never = known.file is None and known.how == _NEVER
        return min(_SHORT_PATIENCE, self._patience) if never and known.reason in _LIKELY_WRONG else self._patience

    async def _fetch(self, origin: str, token: str, known: Known) -> None:
        try:
            await self._read(origin, token, known)
            known.expires = time.monotonic() + self._lifetime
            known.failures, known.retry_at, known.failing_since = 0, 0.0, 0.0
        except RobotsUnreachable as exc:
            self._note_unreachable(origin, known, exc)
        except Exception as exc:  # whatever it was, the file was not read, and asking again at once would not help
            logger.exception("robots.txt of %s", origin)
            self._note_unreachable(origin, known, RobotsUnreachable(f"{type(exc).__name__}: {exc}"))
        finally:
            known.fetch = None

    def _note_unreachable(self, origin: str, known: Known, exc: RobotsUnreachable) -> None:
        now = time.monotonic()
        known.failing_since = known.failing_since or now
        known.failures += exc.until is None
        pause = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(known.failures - 1, 10)) * random.uniform(1.0, 1.2)
        known.reason = exc.reason
        if now - known.failing_since >= self._patience_with(known):
            pause = _GIVEN_UP
        known.retry_at = exc.until or time.time() + pause
        known.detail = str(exc)
        logger.info("robots.txt of %s cannot be had: %s", origin, exc)

    async def _read(self, origin: str, token: str, known: Known) -> None:
        response = await self._get(f"{origin}/robots.txt")
        self._count("robots/fetched")
        if response is None or 300 <= response.status < 500:
            known.file = None
            known.how = "no robots.txt" + (f" ({response.status})" if response else "")
            return
        if len(response.body) <= _SMALL:
            known.file = RobotsFile.parse(response.body, token)
        else:
            known.file = await asyncio.to_thread(RobotsFile.parse, response.body, token)
        delay = known.file.delay
        if delay:
            self._pace(urlparse_cached(Request(origin)).hostname or "", min(delay, self._delay_max))

    async def _get(self, url: str) -> Response | None:
        """The answer; None where the file is simply not there for us (its redirect leads where we do not go).

        Raises:
            RobotsUnreachable: for server errors and no answer.
        """
        meta = {
            "dont_obey_robotstxt": True,
            "allow_offsite": True,
            "dont_retry": True,
            "download_timeout": self._timeout,
            "redirect_ttl": 5,
            # A file that is too large is no failure: what comes after MAX_BYTES is not read, however much was announced.
            "download_maxsize": 0,
            "download_warnsize": 0,
            META_CUT: MAX_BYTES + 1,
            META_FILE: True,
        }
        headers = {"Accept-Encoding": "identity"}
        request = Request(url, headers=headers, meta=meta, callback=NO_CALLBACK, dont_filter=True)
        try:
            response = await self._bounded(request)
        except Postponed as exc:
            raise RobotsUnreachable(exc.detail, until=exc.until) from exc
        except Skipped as exc:
            if exc.reason == "too-large":  # its header; nobody knows what the file says
                raise RobotsUnreachable(f"{url}: {exc.detail}") from exc
            return None
        except Exception as exc:
            reason, detail = reason_of(exc)
            if reason == "redirect-loop":
                return None
            raise RobotsUnreachable(f"{url}: {detail or reason}", reason) from exc
        if response.status >= 500 or response.status == 429:
            raise RobotsUnreachable(f"{url} answered {response.status}")
        return response

    async def _bounded(self, request: Request) -> Response:
        """Download *request*, and hang up when more has come than will be read."""
        if self._signals is None:
            return await self._download(request)
        # Connected only meanwhile: a receiver of this signal costs every packet of every page.
        if not self._limited:
            self._signals.connect(self._bytes_received, signal=signals.bytes_received)
        self._limited += 1
        try:
            return await self._download(request)
        finally:
            self._limited -= 1
            if not self._limited:
                self._signals.disconnect(self._bytes_received, signal=signals.bytes_received)

    def _bytes_received(self, data: bytes, request: Request) -> None:
        if META_FILE not in request.meta:
            return
        size = self._received[request] = self._received.get(request, 0) + len(data)
        if size > MAX_BYTES:
            self._count("robots/truncated")
            raise StopDownload(fail=False)

    def _forget_oldest(self) -> None:
        while len(self._known) > _ORIGINS_MAX:
            self._known.popitem(last=False)

    def _count(self, key: str) -> None:
        if self._stats is not None:
            self._stats.inc_value(key)


def as_json(found: list[Signal]) -> list[list[Any]]:
    """Signals as plain JSON values, the way they travel in ``request.meta``."""
    return [[signal.place, signal.value, signal.optout] for signal in found]


def set_pace(downloader: Any, slot: str, delay: float) -> None:
    """Have the downloader send one request at a time to *slot*, *delay* seconds apart at least, now and later."""
    setting = downloader.per_slot_settings.setdefault(slot, {})
    delay = max(delay, float(setting.get("delay", 0.0)), downloader.settings.getfloat("DOWNLOAD_DELAY"))
    setting.update(delay=delay, concurrency=1, jitter=0.0)
    open_slot = downloader.slots.get(slot)
    if open_slot is not None:
        open_slot.delay, open_slot.concurrency, open_slot.jitter = delay, 1, 0.0
