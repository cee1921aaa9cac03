"""What headers and robots.txt lines say about use for AI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.optout import AI_AGENTS, content_signal, header_signals, robots_tag


@pytest.mark.parametrize(
    ("value", "optout"),
    [
        ("search=yes, ai-train=no", True),
        ("ai-train=no", True),
        ("AI-Train = No", True),
        ("search=yes,ai-input=yes,ai-train=yes", False),
        ("/blog ai-train=no", True),
        ("train-ai=n", True),
        ("train-ai=y", False),
        ("search=no", None),
        ("ai-train=maybe", None),
        ("ai-train", None),
    ],
)
def test_content_signals(value: str, optout: bool | None) -> None:
    signal = content_signal(value)
    assert signal is not None
    assert signal.optout is optout
    assert signal.place == "content-signal"


def test_an_empty_content_signal_is_none() -> None:
    assert content_signal("  ") is None


@pytest.mark.parametrize("value", ["noai", "noindex, noai", "NoAI", "noimageai", "noml", "gptbot: noai", "none, noml"])
def test_refusing_robots_tags(value: str) -> None:
    signal = robots_tag(value)
    assert signal is not None
    assert signal.optout is True
    assert signal.value == value


@pytest.mark.parametrize(
    "value", ["noindex", "nofollow, noarchive", "", "noairplanes", "unavailable_after: 25 Jun 2030"]
)
def test_other_robots_tags_say_nothing_of_ai(value: str) -> None:
    assert robots_tag(value) is None


def test_all_headers_together() -> None:
    signals = header_signals(
        {
            "x-robots-tag": ["noindex", "noai"],
            "tdm-reservation": ["1"],
            "tdm-policy": ["https://example.com/policy.json"],
            "content-signal": ["ai-train=yes"],
        }
    )
    assert [(s.place, s.value, s.optout) for s in signals] == [
        ("x-robots-tag", "noai", True),
        ("tdm-header", "1 https://example.com/policy.json", True),
        ("content-signal", "ai-train=yes", False),
    ]


@pytest.mark.parametrize(("value", "optout"), [("0", False), ("1", True), ("", None), ("yes", None)])
def test_tdm_reservation(value: str, optout: bool | None) -> None:
    assert header_signals({"tdm-reservation": [value]})[0].optout is optout


def test_no_headers_no_signals() -> None:
    assert header_signals({"content-type": ["text/html"]}) == []


def test_agents_are_written_as_robots_txt_is_compared() -> None:
    assert all(agent == agent.lower().strip() and " " not in agent for agent in AI_AGENTS)
    assert {"gptbot", "ccbot", "google-extended", "anthropic-ai", "claudebot", "applebot-extended"} <= AI_AGENTS
    assert "googlebot" not in AI_AGENTS


@given(st.text(max_size=80))
def test_no_value_breaks_it(value: str) -> None:
    content_signal(value)
    robots_tag(value)
    header_signals({"tdm-reservation": [value], "tdm-policy": [value]})
