"""Which parts of a site lead only deeper into themselves."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.barren import BarrenPatterns, shape, winding
from tests.pages import calendar_html, sentences


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("http://a/", "a/*"),
        ("http://a", "a/*"),
        ("http://a/item/12", "a/item/*"),
        ("http://a/calendar/2024/5/3", "a/calendar/N/N/*"),
        ("http://a/search?q=1", "a/*?"),
        ("http://a/x1/y/z?b=1", "a/N/y/*?"),
        ("http://a:81/item/x", "a:81/item/*"),
    ],
)
def test_shapes(url: str, pattern: str) -> None:
    assert shape(url) == pattern


@pytest.mark.parametrize(
    "path",
    ["/a/b/a/b/a/b/a/b", "/x/x/x/x", "/" + "/".join(f"s{n}" for n in range(21)), "/deeper/deeper/deeper/deeper/"],
)
def test_paths_that_wind(path: str) -> None:
    assert winding(f"http://a{path}", 3, 20)


@pytest.mark.parametrize(
    "path", ["/", "", "/a/b/c", "/2024/05/05/05/x", "/a/a/a", "/" + "/".join(f"s{n}" for n in range(20)), "////"]
)
def test_paths_that_do_not(path: str) -> None:
    assert winding(f"http://a{path}", 3, 20) is None


def page(patterns: BarrenPatterns, url: str, body: str, links: list[str] = [], items: bool = False) -> bool:  # noqa: B006
    visit = patterns.visit(url, body.encode())
    for link in links:
        patterns.link(visit, link)
    visit.has_items = items
    return patterns.close(visit)


def prose(n: int) -> str:
    return sentences(random.Random(n), 120)


def test_a_calendar_becomes_a_trap_and_its_queued_pages_are_not_fetched() -> None:
    patterns = BarrenPatterns(pages=30)
    found = [page(patterns, f"http://a/c/2024/{n}", calendar_html(2024 + n // 12, n % 12 + 1)) for n in range(80)]
    assert found.count(True) == 1
    assert found.index(True) < 60
    assert "a/c/N/*" in str(patterns.forbids("http://a/c/2099/1"))
    visit = patterns.visit("http://a/", b"home")
    assert patterns.link(visit, "http://a/c/2098/7")
    assert patterns.forbids("http://a/other/1") is None


def test_months_with_names_and_weeks_in_seven_layouts_are_a_calendar_too() -> None:
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    patterns = BarrenPatterns(pages=30)
    found = []
    for n in range(200):
        rng = random.Random(n)
        days = " ".join(f"<td>{d}</td>" + "<td></td>" * rng.randint(0, 6) for d in range(1, rng.randint(28, 31)))
        found.append(
            page(patterns, f"http://a/m/{n}", f"<h1>Events in {months[n % 12]} {2000 + n}</h1>{days} No events")
        )
    assert any(found[:100]), "the calendar is known as a trap within a hundred months"


@pytest.mark.parametrize("items", [True, False])
def test_a_long_catalogue_is_no_trap(items: bool) -> None:
    patterns = BarrenPatterns(pages=30)
    assert not any(page(patterns, f"http://a/item/{n}", prose(n), items=items) for n in range(1000))
    assert patterns.forbids("http://a/item/5000") is None


def test_pages_that_all_say_the_same_but_lead_somewhere_new_are_no_trap() -> None:
    patterns = BarrenPatterns(pages=30)
    assert not any(page(patterns, f"http://a/list?page={n}", "list", [f"http://a/item/{n}"]) for n in range(500))


def test_links_that_were_seen_before_lead_nowhere_new() -> None:
    patterns = BarrenPatterns(pages=30)
    assert any(page(patterns, f"http://a/list?page={n}", "list", ["http://a/item/1"]) for n in range(60))


def test_items_that_only_differ_in_numbers_do_not_save_a_pattern() -> None:
    patterns = BarrenPatterns(pages=30)
    assert any(page(patterns, f"http://a/day/{n}", f"Day {n}: no events", items=True) for n in range(40))


def test_a_pattern_that_was_misjudged_can_show_it() -> None:
    patterns = BarrenPatterns(pages=5)
    for n in range(8):
        page(patterns, f"http://a/p/{n}", "nothing")
    verdicts = [patterns.forbids(f"http://a/p/x{n}") for n in range(200)]
    assert verdicts.count(None) == 2
    page(patterns, "http://a/p/probe", "nothing", ["http://a/new/1"])
    assert patterns.forbids("http://a/p/77") is None


def test_winding_links_are_refused_at_once() -> None:
    patterns = BarrenPatterns()
    visit = patterns.visit("http://a/", b"")
    assert patterns.link(visit, "http://a/x/x/x/x/x")
    assert patterns.link(visit, "http://a/x/x/x/x/x") is None  # known: the frontier has it already


def test_memory_is_bounded() -> None:
    patterns = BarrenPatterns()
    visit = patterns.visit("http://a/", b"")
    for n in range(200_100):
        patterns.link(visit, f"http://a/{n}/")
    assert len(patterns._seen) <= 200_000
    for n in range(20_050):
        page(patterns, f"http://a/dir{n:x}/{'xyz'[n % 3]}", "x")
    assert len(patterns._patterns) <= 20_000


@given(st.text(max_size=60))
def test_no_url_breaks_it(text: str) -> None:
    for url in (f"http://a/{text}", f"http://a?{text}"):
        assert isinstance(shape(url), str)
        winding(url, 3, 20)
