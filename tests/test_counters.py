"""Counters are Scrapy's own, and warn of what Scrapy warns of."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from scrapy import Spider
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from crawlers.counters import LeanStatsCollector

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("set_value", ("a", 1), {}),
    ("inc_value", ("a",), {}),
    ("inc_value", ("b", 3), {}),
    ("inc_value", ("c",), {"count": 2, "start": 5}),
    ("max_value", ("a", 9), {}),
    ("max_value", ("a", 4), {}),
    ("min_value", ("a", 7), {}),
    ("min_value", ("d", 2), {}),
    ("get_value", ("a",), {}),
    ("get_value", ("none", "default"), {}),
    ("get_stats", (), {}),
    ("open_spider", (), {}),
    ("close_spider", (), {"reason": "finished"}),
    ("clear_stats", (), {}),
    ("set_stats", ({"e": 1},), {}),
    ("get_stats", (), {}),
]


def told(kind: type[MemoryStatsCollector], calls: Any) -> Any:
    """Everything that comes back from *calls*, what is left, and what was warned of."""
    crawler = get_crawler()
    crawler.spider = Spider("counting")
    stats = kind(crawler)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        answers = [repr(getattr(stats, name)(*args, **kwargs)) for name, args, kwargs in calls]
    warned = [(str(w.message), w.category, w.filename) for w in given]
    return answers, stats.get_stats(), stats.spider_stats, str(stats), warned


def test_all_calls_come_to_the_same() -> None:
    found = told(LeanStatsCollector, CALLS)
    assert found == told(MemoryStatsCollector, CALLS)
    assert found[1] == {"e": 1}


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS)
def test_the_argument_that_scrapy_gave_up_is_warned_of_in_the_same_words(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    calls = [(name, args, {**kwargs, "spider": Spider("counting")})]
    found = told(LeanStatsCollector, calls)
    assert found == told(MemoryStatsCollector, calls)
    assert len(found[-1]) == 1


def test_attributes_of_a_run_s_own_are_kept() -> None:
    stats: Any = LeanStatsCollector(get_crawler())
    stats.note = 1
    assert stats.note == 1
    assert not hasattr(stats, "nothing")
