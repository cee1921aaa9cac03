"""Retry: what may pass by itself is tried again later; a request that is given up says why."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import IgnoreRequest, NotConfigured

from crawlers.configuration import listed
from crawlers.ledger.requests import META_LEASE
from crawlers.middlewares.circuit import Circuit
from crawlers.middlewares.holds import Holds, holds_of, host_of, wait
from crawlers.middlewares.outcomes import CUT, TEMPORARY, CutShort, Failed, Postponed, reason_of

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

REASON = "host-down"
_HOST_STATUSES = frozenset({502, 503, 504, 522, 524})
_STATUS_TIMES, _PAGE_TIMES = 5, 2
_PAGE_STATUSES = frozenset({500})
_LIMITS = {"tls": 2, "bad-answer": 2, CUT: 6}


class RetryMiddleware:
    """Gives failed requests back to the frontier with a time to come again. Takes the place of Scrapy's own.

    A leased request is postponed and holds nothing meanwhile; one without a lease (robots.txt, media, Scrapy's own
    schedulers) waits here and is sent again. While a host is down its requests wait together (see ``circuit.py``).

    Args:
        circuit: counts and decides.
        holds: the crawl's registry of windows.
        times: tries after the first for network failures while the host answers others; 5 at most for statuses that
            speak of a busy host, 2 for those that speak of one page, such as 500.
        statuses: HTTP statuses that may pass by themselves.
        stats: collector with ``inc_value``.

    Settings:
        RETRY_ENABLED, RETRY_HTTP_CODES: as in Scrapy.
        RETRY_TIMES: tries after the first (8).
        RETRY_BACKOFF, RETRY_BACKOFF_MAX: seconds before the first retry (0.5, doubling), and at most (30).
        RETRY_OUTAGE: seconds that a host which has answered may be silent before its requests fail (600).
        ``dont_retry`` in a request's meta, as in Scrapy.

    Stats:
        retry/count, retry/reason/<slug>, retry/given_up, retry/outages
    """

    def __init__(
        self,
        circuit: Circuit,
        holds: Holds,
        *,
        times: int = 8,
        statuses: frozenset[int] = frozenset({408, 429, 500, 502, 503, 504, 522, 524}),
        stats: Any = None,
    ) -> None:
        self._circuit = circuit
        self._holds = holds
        self._times = times
        self._statuses = statuses
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryMiddleware:
        """Read the settings."""
        settings = crawler.settings
        if not settings.getbool("RETRY_ENABLED"):
            raise NotConfigured("RETRY_ENABLED is off: set it to True to try failed requests again")
        circuit = Circuit(
            backoff=settings.getfloat("RETRY_BACKOFF", 0.5),
            backoff_max=settings.getfloat("RETRY_BACKOFF_MAX", 30.0),
            outage=settings.getfloat("RETRY_OUTAGE", 600.0),
        )
        return cls(
            circuit,
            holds_of(crawler),
            times=settings.getint("RETRY_TIMES"),
            statuses=frozenset(int(status) for status in listed(settings, "RETRY_HTTP_CODES")),
            stats=crawler.stats,
        )

    def process_request(self, request: Request) -> None:
        """Fail requests to a host that was given up, all but one a minute."""
        if not _concerned(request):
            return
        host, now = host_of(request), time.monotonic()
        reason = self._circuit.given_up(host, now)
        if reason is not None and not self._circuit.may_probe(host, now):
            self._count("retry/given_up")
            raise Failed(reason, f"{host} has not answered for {self._circuit.silent_for(host, now):.0f} s")

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        """Try again after a status that may pass, or an answer that was cut in its compressed form."""
        status = response.status
        if not _web(request):
            return response
        if CUT in response.flags:
            return await self._after_cut(request, response)
        if status not in self._statuses:
            if self._circuit.answered(host_of(request), _name(request)):
                self._holds.release(host_of(request), REASON)
            return response
        if request.meta.get("dont_retry"):
            return response
        limit = _PAGE_TIMES if status in _PAGE_STATUSES else _STATUS_TIMES
        again = await self._again(request, f"http-{status}", limit, host_level=status in _HOST_STATUSES)
        return again or response

    async def _after_cut(self, request: Request, response: Response) -> Request:
        again = None
        if not request.meta.get("dont_retry"):
            again = await self._again(request, CUT, _LIMITS[CUT], host_level=False)
        if again is None:
            raise CutShort(response)
        return again

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Try again after a failure that may pass."""
        if isinstance(exception, IgnoreRequest) or not _concerned(request):
            return None
        reason = reason_of(exception)[0]
        if reason not in TEMPORARY:
            return None
        limit = _LIMITS.get(reason, self._times)
        return await self._again(request, reason, limit, host_level=reason not in _LIMITS)

    async def _again(self, request: Request, reason: str, limit: int, *, host_level: bool) -> Request | None:
        """The request to send again, after the wait; Postponed where it has a lease; None where it is given up."""
        host, now = host_of(request), time.monotonic()
        if host_level:
            self._circuit.failed(host, _name(request), reason, now)
        if host_level and self._circuit.is_down(host):
            seconds = None if self._circuit.given_up(host, now) else self._pause(host, reason)
        else:
            seconds = self._circuit.retry_in(host, _name(request), min(limit, self._times))
        if seconds is None:
            self._count("retry/given_up")
            return None
        held = self._holds.left(host)
        seconds = max(seconds, held[0] if held else 0.0)
        self._count("retry/count")
        self._count(f"retry/reason/{reason}")
        await wait(request, time.time() + seconds, reason, f"tried again in {seconds:.1f} s")
        again: Request = request.copy()
        again.dont_filter = True
        return again

    def _pause(self, host: str, reason: str) -> float:
        """Leave a host alone that is down, unless it already is."""
        held = self._holds.left(host)
        if held is not None:
            return held[0]
        seconds = self._circuit.pause(host)
        self._holds.hold(host, seconds, REASON)
        self._count("retry/outages")
        logger.info("%s does not answer (%s): left alone for %.1f s", host, reason, seconds)
        return seconds

    def _count(self, key: str) -> None:
        if self._stats is not None:
            self._stats.inc_value(key)


def _web(request: Request) -> bool:
    return bool(request.url.startswith(("http:", "https:")))


def _concerned(request: Request) -> bool:
    return _web(request) and not request.meta.get("dont_retry")


def _name(request: Request) -> str:
    """What identifies a request across its tries."""
    lease = request.meta.get(META_LEASE)
    return f"{request.method} {request.url}" if lease is None else str(lease)


__all__ = ["Postponed", "RetryMiddleware"]
