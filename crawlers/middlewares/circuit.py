"""When to try again, and when to stop: the health of hosts and the count of tries. Knows neither Scrapy nor clocks."""

from __future__ import annotations

import random
from collections import OrderedDict
from dataclasses import dataclass, field

THRESHOLD = 5
"""Failures of a host in a row after which its requests wait together, if they were of several requests."""

_REQUESTS_MIN = 3
_FIRST_TIMES, _NAME_TIMES, _NAME_OUTAGE = 6, 4, 10.0
_HEALTHY_MAX = 4.0
_PROBE_EVERY = 60.0
_HOSTS_MAX, _TRIES_MAX = 10_000, 100_000


@dataclass
class Health:
    """What was seen of one host lately."""

    answers: int = 0
    """Good answers in this crawl."""
    failures: int = 0
    """In a row, since the last good answer."""
    failed: set[str] = field(default_factory=set)
    """Some of the requests that failed in that row."""
    down_since: float = 0.0
    """Time of the first failure in a row."""
    pauses: int = 0
    """Times in a row that it was left alone."""
    reason: str = ""
    """Slug of the last failure."""
    probe_at: float = 0.0
    """Once given up: when one request may try again."""


class Circuit:
    """Counts failures per host and per request, and says how long to wait.

    Two things can be wrong, and they are told apart by whether the host answers others. One request fails: it is
    tried again on its own, a limited number of times. The host is down: several requests failed and none was answered
    in between; all wait together, each wait longer, none of them counted, until it has been silent for too long.

    Times are seconds of a clock that does not jump; the caller passes them in.

    Args:
        backoff: seconds before the first retry; doubles with each.
        backoff_max: seconds between two retries at most.
        outage: seconds that a host which has answered before may be silent before its requests are given up.
        first_outage: the same for a host that has never answered.
    """

    def __init__(
        self, backoff: float = 0.5, backoff_max: float = 30.0, outage: float = 600.0, first_outage: float = 40.0
    ) -> None:
        self._backoff = backoff
        self._backoff_max = backoff_max
        self._outage = outage
        self._first_outage = min(first_outage, outage)
        self._hosts: OrderedDict[str, Health] = OrderedDict()
        self._tries: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def answered(self, host: str, request: str) -> bool:
        """Note a good answer of *host* to *request*; True where the host had been down."""
        self._tries.pop(request, None)
        health = self._health(host)
        health.answers += 1
        if not health.failures:
            return False
        was_down = self.is_down(host)
        health.failures, health.pauses = 0, 0
        health.failed.clear()
        return was_down

    def failed(self, host: str, request: str, reason: str, now: float) -> None:
        """Note a failure that speaks of the whole host, such as a refused connection."""
        health = self._health(host)
        if not health.failures:
            health.down_since = now
        health.failures += 1
        health.reason = reason
        if len(health.failed) < _REQUESTS_MIN:
            health.failed.add(request)

    def retry_in(self, host: str, request: str, limit: int) -> float | None:
        """Count a try of *request*; seconds to wait before the next, or None after *limit* of them.

        The waits stay short while the host answers others: then it is chance, and chance is met by trying often.
        """
        health = self._health(host)
        tries, answers = self._tries.pop(request, (0, health.answers))
        if tries >= self._limit(health, limit):
            return None
        self._tries[request] = tries + 1, health.answers
        if len(self._tries) > _TRIES_MAX:
            self._tries.popitem(last=False)
        wait = self._wait(tries)
        return min(wait, _HEALTHY_MAX) if health.answers > answers else wait

    @staticmethod
    def _limit(health: Health, limit: int) -> int:
        """A host that has never answered is tried less often; a name that was never found is likely misspelt."""
        if health.answers:
            return limit
        return min(limit, _NAME_TIMES if health.reason == "dns" else _FIRST_TIMES)

    def pause(self, host: str) -> float:
        """Seconds for which *host* is left alone now; longer each time in a row."""
        health = self._health(host)
        health.pauses += 1
        return self._wait(health.pauses - 1)

    def is_down(self, host: str) -> bool:
        """Whether *host* failed so often in a row that its requests wait together."""
        health = self._health(host)
        return health.failures >= THRESHOLD and len(health.failed) >= _REQUESTS_MIN

    def given_up(self, host: str, now: float) -> str | None:
        """Slug of the last failure of a host that was silent for too long; None for all others."""
        health = self._health(host)
        if not self.is_down(host):
            return None
        return health.reason if now - health.down_since >= self._patience(health) else None

    def may_probe(self, host: str, now: float) -> bool:
        """Whether a host that was given up may be tried once more; True once a minute."""
        health = self._health(host)
        if now < health.probe_at:
            return False
        health.probe_at = now + _PROBE_EVERY
        return True

    def silent_for(self, host: str, now: float) -> float:
        """Seconds since the first of the host's failures in a row."""
        return now - self._health(host).down_since

    def _patience(self, health: Health) -> float:
        if health.answers:
            return self._outage
        return min(_NAME_OUTAGE, self._first_outage) if health.reason == "dns" else self._first_outage

    def _wait(self, before: int) -> float:
        # Jitter only prolongs: the sum of the waits is what an outage is survived by.
        wait = min(self._backoff_max, self._backoff * float(1 << min(before, 20)))
        return wait * random.uniform(1.0, 1.25)

    def _health(self, host: str) -> Health:
        health = self._hosts.get(host)
        if health is None:
            health = self._hosts[host] = Health()
            if len(self._hosts) > _HOSTS_MAX:
                self._hosts.popitem(last=False)
        return health
