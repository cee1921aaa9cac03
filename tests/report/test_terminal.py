from __future__ import annotations

import io

from rich.console import Console

from crawlers.report import Ending, summary
from crawlers.report.terminal import lines, show
from tests.report import ledgers

FILES = {
    "records": "data/shop/records.jsonl", "tasks": "data/shop/tasks.label-studio.json",
    "report": "data/shop/runs/r.html", "summary": "data/shop/runs/r.json",
}  # fmt: skip


def figures(filled, **ending):
    with filled.database.read() as conn:
        return summary(conn, ledgers.SOURCE, filled.crawl_id, filled.run_id, Ending(**ending))


def test_ten_lines_say_where_everything_is(tmp_path):
    said = lines(figures(ledgers.ordinary(tmp_path), files=FILES))
    assert said == [
        ("shop", "12 records kept, 3 rejected. (exit code 0, complete)"),
        ("urls", "20 discovered: 16 answered, 2 failed (http-404 2), 2 skipped (robots 2)"),
        ("kept", "12 records in the ledger: 12 new · en 12 · 1 media files"),
        ("rejected", "3 (no-keyword 2, near-duplicate 1)"),
        ("records", "data/shop/records.jsonl"),
        ("tasks", "data/shop/tasks.label-studio.json"),
        ("rejections", "scrapy rejected shop"),
        ("report", "data/shop/runs/r.html"),
    ]


def test_new_changed_updated_and_unchanged_are_told_apart(tmp_path):
    ledgers.ordinary(tmp_path).database.close()
    again = ledgers.begin(tmp_path, run_id="20261125T083301Z-1a2b3c")
    again.discover(*(f"http://shop.example/{n}" for n in (0, 1, 10, "new")))
    again.settle(1, status=200, records=lambda url: [ledgers.record(url, text="Another text.")])
    again.settle(1, status=200, records=lambda url: [ledgers.record(url, keywords=[])])
    again.settle(2, status=200, records=lambda url: [ledgers.record(url)])
    kept = dict(lines(figures(again)))["kept"]
    assert kept.startswith("13 records in the ledger: 1 new, 2 changed, 1 updated (metadata only) · ")


def test_what_to_do_next_stands_last(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1", "http://shop.example/2")
    filled.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    said = lines(figures(filled, reason="shutdown", files=FILES | {"csv": "data/shop/records.csv"}))
    assert said[0][1].endswith("(exit code 3, incomplete)")
    assert ("also", "data/shop/records.csv") in said
    assert said[-1] == ("next", "Run the same command again to go on (1 page pending).")
    assert len(said) <= 10


def test_a_spent_page_budget_is_said_and_what_was_rejected_is_still_there(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(5)))
    filled.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    filled.settle(1, status=200, rejections=lambda url: [ledgers.rejected(url)])
    filled.database.run(filled.frontier.skip_pending, "max-pages")
    said = lines(figures(filled, max_pages=2, files=FILES))
    assert said[0][1] == (
        "1 record kept, 1 rejected. The budget of 2 pages is spent: 3 known URLs are left. (exit code 0, complete)"
    )
    assert ("rejections", "scrapy rejected shop") in said
    assert said[-1][0] == "next"
    assert "larger max_pages" in said[-1][1]
    assert len(said) <= 10


def test_a_page_cannot_write_on_the_terminal(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1")
    filled.settle(1, state="failed", reason="odd\x1b]0;owned\x07", detail="")
    out = io.StringIO()
    show(figures(filled), Console(file=out, force_terminal=True, color_system=None, width=200))
    assert "\x1b]0" not in out.getvalue()
    assert "owned" in out.getvalue()


def test_markup_in_a_reason_is_text(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1")
    filled.settle(1, state="failed", reason="[bold]odd[/bold]", detail="")
    out = io.StringIO()
    show(figures(filled), Console(file=out, width=200))
    assert "[bold]odd[/bold]" in out.getvalue()
