"""The policy, and what signals add up to."""

from __future__ import annotations

import pytest

from crawlers.consent import policy_of, verdict
from crawlers.errors import ConfigurationError
from crawlers.items import Signal


@pytest.mark.parametrize(
    ("value", "policy"), [(None, "respect"), ("", "respect"), (" Flag ", "flag"), ("respect", "respect")]
)
def test_policies(value: str | None, policy: str) -> None:
    assert policy_of(value) == policy


@pytest.mark.parametrize("value", ["ignore", "yes", 1])
def test_a_wrong_policy_stops_with_the_choice(value: object) -> None:
    with pytest.raises(ConfigurationError, match="AI_OPTOUT_POLICY: expected 'respect'"):
        policy_of(value)


@pytest.mark.parametrize(
    ("said", "expected"),
    [([], None), ([None], None), ([False], False), ([True], True), ([None, False], False), ([False, True, None], True)],
)
def test_one_refusal_is_a_refusal(said: list[bool | None], expected: bool | None) -> None:
    assert verdict(Signal("x", "y", optout) for optout in said) is expected
