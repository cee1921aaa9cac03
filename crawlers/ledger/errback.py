"""Writes down why a request's callback did not run, whoever else may handle the failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawlers.ledger.settlement import PENDING, Settlement, current
from crawlers.middlewares.outcomes import Postponed, Skipped, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

_GONE = frozenset({404, 410})


class LeasedErrback:
    """Notes the failure of a leased request in its settlement, then does what the spider's own errback does.

    Args:
        settlement: of the request.
        original: the spider's errback, or None.
    """

    __slots__ = ("_settlement", "original")

    def __init__(self, settlement: Settlement, original: Callable[[Failure], Any] | None) -> None:
        self._settlement = settlement
        self.original = original

    def __call__(self, failure: Failure) -> Any:
        """Called by Scrapy with whatever kept the callback from running."""
        current.set(self._settlement)
        note_failure(self._settlement, failure.value)
        if self.original is None or isinstance(failure.value, Postponed):
            return failure  # a request that will be asked again has not failed yet
        return self.original(failure)


def note_failure(settlement: Settlement, error: BaseException | None) -> None:
    """Write down in *settlement* why its request did not reach the callback."""
    if isinstance(error, Postponed):
        settlement.state, settlement.reason, settlement.detail = PENDING, error.reason, error.detail
        settlement.available_at = error.until
    elif isinstance(error, Skipped):
        settlement.skip(error.reason, error.detail)
    else:
        settlement.fail(*reason_of(error))
    response = getattr(error, "response", None)
    if response is not None:
        settlement.status = response.status
        settlement.gone = response.status in _GONE
