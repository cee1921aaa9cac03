"""What is done where a source refuses use for AI: one setting, read in one place. Knows no Scrapy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawlers.items import Signal

RESPECT, FLAG = "respect", "flag"


def policy_of(value: Any) -> str:
    """``AI_OPTOUT_POLICY`` as it was set.

    Raises:
        ConfigurationError: it is neither ``respect`` nor ``flag``.
    """
    policy = str(value or RESPECT).strip().lower()
    if policy not in {RESPECT, FLAG}:
        raise ConfigurationError(
            f"AI_OPTOUT_POLICY: expected 'respect' (skip what refuses use for AI) or 'flag' (keep it, marked), "
            f"got {value!r}"
        )
    return policy


def verdict(signals: Iterable[Signal]) -> bool | None:
    """True where any signal refuses use for AI, false where one allows it and none refuses, None where none says."""
    said = {signal.optout for signal in signals}
    return True if True in said else False if False in said else None
