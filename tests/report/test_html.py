from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser

import pytest

from crawlers.report import Ending, summary
from crawlers.report.html import _bars, _duration, _percent, _size, record_funnel, render, url_funnel
from tests.report import ledgers

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x1b[2J"


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    @property
    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def report(filled: ledgers.Filled, **ending) -> tuple[dict, str]:
    with filled.database.read() as conn:
        found = summary(conn, ledgers.SOURCE, filled.crawl_id, filled.run_id, Ending(**ending))
    return found, render(found)


@pytest.fixture
def ordinary(tmp_path):
    return report(ledgers.ordinary(tmp_path), files={"records": "data/shop/records.jsonl"}, traffic={"bytes": 1234})


def test_it_says_what_happened(ordinary):
    _, html = ordinary
    text = " ".join(" ".join(Tags(html).text).split())
    for said in (
        "12 records kept, 3 rejected.",
        "no-keyword",
        "near-duplicate",
        "http-404",
        "robots",
        "shop.example",
        "1.2 KB",
    ):
        assert said in text


def test_it_needs_nothing_else(ordinary):
    """No script, no resource: whatever has a source or a stylesheet would be fetched."""
    _, html = ordinary
    tags = Tags(html)
    assert not tags.names & {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "form", "base"}
    assert not any(name in attrs for _, attrs in tags.tags for name in ("src", "srcset", "data", "action", "onclick"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_everything_but_our_style(ordinary):
    _, html = ordinary
    policy = next(
        attrs["content"] for tag, attrs in Tags(html).tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "script-src" not in policy


def test_script_in_any_field_is_text(tmp_path):
    filled = ledgers.begin(tmp_path, arguments={"keywords": EVIL})
    filled.discover(*(f"http://shop.example/{n}?{EVIL}" for n in range(5)))
    evil = ledgers.record("http://shop.example/", flags=[EVIL])
    evil.type = evil.language = evil.rights.license = EVIL
    filled.settle(1, status=200, records=[evil])
    bad, why = ledgers.rejected(
        f"javascript:alert(1)//{EVIL}", EVIL, EVIL, detail=EVIL, value=EVIL, threshold={EVIL: [EVIL]}
    )
    bad.title = bad.text = EVIL
    filled.settle(1, status=200, rejections=[(bad, why)])
    filled.settle(1, state="failed", reason=EVIL, detail=EVIL)
    filled.settle(1, state="skipped", reason=EVIL, detail=EVIL)
    problem = {"kind": "export", "message": EVIL}
    _, html = report(filled, reason=EVIL, problems=[problem], files={EVIL: EVIL})
    tags = Tags(html)
    assert not tags.names & {"script", "img"}
    assert not any(name.startswith("on") for _, attrs in tags.tags for name in attrs)
    assert all(attrs["href"].startswith("http://shop.example/") for tag, attrs in tags.tags if tag == "a")
    assert "\x1b" not in html
    assert "<script>alert(1)</script>" in "".join(tags.text)


def test_the_urls_add_up(ordinary):
    found, _ = ordinary
    steps = url_funnel(found)
    assert [(step["label"], step["number"]) for step in steps] == [
        ("URLs discovered", 20), ("asked for", 18), ("answered", 16), ("pages read", 15),
    ]  # fmt: skip
    for before, after in itertools.pairwise(steps):
        assert before["number"] - sum(loss["number"] for loss in after["lost"]) == after["number"]


def test_the_records_add_up(ordinary):
    found, _ = ordinary
    steps = record_funnel(found)
    assert [(step["label"], step["number"]) for step in steps] == [
        ("records found", 15), ("after deduplicate", 14), ("records kept", 12),
    ]  # fmt: skip
    for before, after in itertools.pairwise(steps):
        assert before["number"] - sum(loss["number"] for loss in after["lost"]) == after["number"]


def test_what_waits_is_no_loss_but_is_shown(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(4)))
    filled.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    found, html = report(filled, reason="shutdown")
    assert url_funnel(found)[1]["lost"] == [{"what": "still waiting", "number": 3, "reasons": ""}]
    assert "incomplete" in html


def test_a_spent_page_budget_is_shown(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(4)))
    filled.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    filled.database.run(filled.frontier.skip_pending, "max-pages")
    _, html = report(filled, max_pages=1)
    text = " ".join(" ".join(Tags(html).text).split())
    assert "The budget of 1 page is spent: 3 known URLs are left." in text
    assert "page budget 1 of 1 pages answered, 3 known URLs left" in text
    assert "a larger max_pages" in text
    assert "page budget" not in report(filled)[1]


def test_stages_of_others_come_after_ours(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(3)))
    for stage in ("aardvark", "validate", "clean"):
        filled.settle(1, status=200, rejections=lambda url, stage=stage: [ledgers.rejected(url, "why", stage)])
    found, _ = report(filled)
    assert [step["label"] for step in record_funnel(found)][1:] == ["after clean", "after validate", "records kept"]


def test_a_crawl_without_anything_can_be_shown(tmp_path):
    _, html = report(ledgers.begin(tmp_path))
    assert "The spider asked for nothing." in html


def test_many_bars_end_in_one_for_the_others():
    bars = _bars({f"l{n}": 20 - n for n in range(15)}, limit=5)
    assert [bar["label"] for bar in bars] == ["l0", "l1", "l2", "l3", "11 others"]
    assert sum(bar["number"] for bar in bars) == sum(20 - n for n in range(15))
    assert max(bar["width"] for bar in bars) == 100
    assert _bars({}) == []


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (250_000, "250 KB"), (3.2e9, "3.2 GB"), (5e15, "5000 TB")],
)
def test_sizes(number, text):
    assert _size(number) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.005, "0.5 %"), (0.05, "5 %"), (0.123, "12 %"), (1, "100 %")]
)
def test_shares(share, text):
    assert _percent(share) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (59, "59.0 s"), (61, "1 min 1 s"), (3720, "1 h 2 min")])
def test_durations(seconds, text):
    assert _duration(seconds) == text
