from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.errors import LedgerError, Rejected
from crawlers.ledger.crawls import start_run
from crawlers.report import Ending, excerpt, figures, printable, summary
from tests.report import ledgers

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/run.schema.json").read_text(encoding="utf-8"))
validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def figures_of(filled: ledgers.Filled, ending: Ending | None = None) -> dict:
    with filled.database.read() as conn:
        found = summary(conn, ledgers.SOURCE, filled.crawl_id, filled.run_id, ending)
    validator.validate(orjson.loads(orjson.dumps(found)))
    return found


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_part_of_the_schema_is_described():
    def bare(schema, path="$"):
        for name, part in schema.get("properties", {}).items():
            if "description" not in part:
                yield f"{path}.{name}"
            yield from bare(part, f"{path}.{name}")
            yield from bare(part.get("items", {}), f"{path}.{name}[]")

    assert list(bare(SCHEMA)) == []


def test_an_ordinary_crawl(tmp_path):
    found = figures_of(ledgers.ordinary(tmp_path))
    requests, records = found["requests"], found["records"]
    assert requests["states"] == {"pending": 0, "leased": 0, "done": 16, "failed": 2, "skipped": 2}
    assert requests["discovered"] == sum(requests["states"].values()) == 20
    assert requests["redirected"] == 1
    assert [(r["reason"], r["number"], r["temporary"]) for r in requests["failed"]] == [("http-404", 2, False)]
    assert [(r["reason"], r["number"]) for r in requests["skipped"]] == [("robots", 2)]
    assert requests["statuses"] == {"200": 15, "302": 1, "404": 2}
    assert requests["hosts"] == [
        {"host": "shop.example", "discovered": 20, "done": 16, "failed": 2, "skipped": 2, "pending": 0, "records": 12}
    ]
    assert (records["kept"], records["new"], records["changed"], records["unchanged"], records["seen"]) == (
        12,
        12,
        0,
        0,
        12,
    )
    assert records["languages"] == {"en": 12}
    assert records["types"] == {"Product": 12}
    assert records["keywords"] == {"kettle": 10}
    assert records["flags"] == {"truncated": 2}
    assert records["media"] == {"references": 4, "files": 1, "bytes": 5000, "errors": {"http-404": 2}}
    assert found["rejected"]["number"] == 3
    assert [(r["stage"], r["reason"], r["number"]) for r in found["rejected"]["reasons"]] == [
        ("keywords", "no-keyword", 2), ("deduplicate", "near-duplicate", 1),
    ]  # fmt: skip
    assert found["crawl"]["state"] == "complete"
    assert found["this_run"]["settled"] == 20
    assert found["outcome"]["exit_code"] == 0


def test_text_lengths_fall_into_their_bins(tmp_path):
    lengths = figures_of(ledgers.ordinary(tmp_path))["records"]["text_length"]
    assert (lengths["median"], lengths["shortest"], lengths["longest"]) == (20, 20, 700)
    filled = {(b["from"], b["to"]): b["number"] for b in lengths["histogram"] if b["number"]}
    assert filled == {(1, 100): 10, (500, 1000): 2}


@given(st.lists(st.integers(0, 200_000), max_size=50))
def test_every_length_is_in_exactly_one_bin(lengths):
    bins = figures._lengths(lengths)["histogram"]
    assert sum(part["number"] for part in bins) == len(lengths)
    assert [part["to"] for part in bins[:-1]] == [part["from"] for part in bins[1:]]


def test_rejections_come_with_what_was_measured(tmp_path):
    reasons = figures_of(ledgers.ordinary(tmp_path))["rejected"]["reasons"]
    sample = reasons[0]["samples"][0]
    assert (sample["value"], sample["threshold"], sample["detail"]) == (0, 1, "refused: no-keyword")
    assert sample["title"].startswith("Title of http://shop.example/")
    assert sample["text"] == "A kettle that boils."
    assert reasons[1]["samples"][0]["duplicate_of"] == "0" * 32


def test_a_duplicate_comes_with_the_record_that_was_kept(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(2)))
    filled.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    kept = filled.first_record()
    filled.settle(1, status=200, rejections=lambda url: [ledgers.rejected(url, "exact-duplicate", duplicate_of=kept)])
    sample = figures_of(filled)["rejected"]["reasons"][0]["samples"][0]
    assert sample["kept"] == {"title": "Title of http://shop.example/0", "url": "http://shop.example/0"}


def test_samples_are_few(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(60)))
    filled.settle(20, status=200, rejections=lambda url: [ledgers.rejected(url)])
    filled.settle(20, state="failed", reason="timeout")
    filled.settle(20, state="skipped", reason="offsite")
    found = figures_of(filled)
    groups = [*found["rejected"]["reasons"], *found["requests"]["failed"], *found["requests"]["skipped"]]
    assert [(group["number"], len(group["samples"])) for group in groups] == [(20, 3)] * 3


def test_only_the_largest_hosts_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "_HOSTS", 0)
    requests = figures_of(ledgers.ordinary(tmp_path))["requests"]
    assert (requests["hosts"], requests["hosts_number"]) == ([], 1)


def test_a_large_source_is_represented_by_some_of_its_records(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "SAMPLE_RECORDS", 5)
    records = figures_of(ledgers.ordinary(tmp_path))["records"]
    assert (records["kept"], records["sampled"]) == (12, 5)
    assert sum(part["number"] for part in records["text_length"]["histogram"]) == 5


def test_an_interrupted_crawl_says_how_to_go_on(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1", "http://shop.example/2")
    filled.settle(status=200, records=lambda url: [ledgers.record(url)])
    found = figures_of(filled, Ending(reason="shutdown", resumed=True))
    assert found["outcome"] == {
        "exit_code": 3,
        "headline": "Stopped before the end (shutdown): 1 page pending.",
        "next_step": "Run the same command again to go on (1 page pending).",
    }
    assert found["crawl"]["resumed"] is True
    assert found["crawl"]["state"] == "open"


def test_a_spent_page_budget_is_in_the_figures(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover(*(f"http://shop.example/{n}" for n in range(9)))
    filled.settle(2, status=200, records=lambda url: [ledgers.record(url)])
    filled.settle(1, status=302, reason="redirected")
    filled.settle(1, state="skipped", reason="robots")
    assert figures_of(filled, Ending(max_pages=3))["budget"] == {"max_pages": 3, "pages": 2, "left": 0}
    filled.database.run(filled.frontier.skip_pending, "max-pages")
    assert figures_of(filled, Ending(max_pages=2))["budget"] == {"max_pages": 2, "pages": 2, "left": 5}
    assert figures_of(filled)["budget"] is None


def test_the_second_round_counts_changes(tmp_path):
    ledgers.ordinary(tmp_path).database.close()
    again = ledgers.begin(tmp_path, run_id="20261125T083301Z-1a2b3c")
    again.discover("http://shop.example/0", "http://shop.example/1", "http://shop.example/new")
    again.settle(1, status=200, records=lambda url: [ledgers.record(url, text="Another text.")])
    again.settle(1, status=200, records=lambda url: [ledgers.record(url, keywords=[])])
    again.settle(1, status=200, records=lambda url: [ledgers.record(url)])
    records = figures_of(again)["records"]
    assert (records["new"], records["changed"], records["updated"], records["unchanged"]) == (1, 1, 1, 0)
    assert records["seen"] == 3
    assert records["kept"] == 13


@pytest.mark.parametrize(
    ("body", "clue"),
    [
        (b"<form><input name=u><INPUT Type='password'></form>", "login-page"),
        (b"<html><body><div id=app></div><script>" + b"x" * 999 + b"</script>", "script-only"),
        (b"  \n ", "empty"),
        (b"<html><body>" + b"words and words " * 50 + b"<script>1</script>", None),
    ],
)
def test_pages_without_a_record_are_looked_at(tmp_path, body, clue):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1")
    filled.settle(status=200, answer=lambda url: ledgers.answer(url, body))
    found = figures_of(filled)
    assert found["clue"] == clue
    assert found["outcome"]["exit_code"] == 1


def test_login_forms_that_were_refused_are_the_clue(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1", "http://shop.example/2")
    wall = Rejected(stage="extract", reason="login-wall")
    filled.settle(2, status=200, rejections=lambda url: [(ledgers.record(url), wall)])
    found = figures_of(filled)
    assert (found["clue"], found["outcome"]["exit_code"]) == ("login-page", 1)
    assert found["outcome"]["headline"] == "2 pages were fetched, but no record was found on any of them."


def test_without_captures_there_is_no_clue(tmp_path):
    filled = ledgers.begin(tmp_path)
    filled.discover("http://shop.example/1")
    filled.settle(status=200)
    assert figures_of(filled)["clue"] is None


def test_an_endless_tag_soup_costs_no_time():
    """The look at a page is linear in what is looked at, whatever the page says."""
    body = b"<script" * 1_000_000
    figures.look_of(body)


def test_passwords_in_urls_stay_here(tmp_path):
    filled = ledgers.begin(tmp_path, arguments={"url": "postgresql://me:canary@db.example/x"})
    filled.discover("http://me:canary@shop.example/1", "http://me:canary@shop.example/2")
    filled.settle(state="failed", reason="timeout", detail="no answer from http://me:canary@shop.example/1")
    filled.settle(status=200, rejections=lambda url: [ledgers.rejected(url)])
    text = json.dumps(figures_of(filled, Ending(problems=[{"kind": "ledger", "message": "lost sql://u:canary@h/d"}])))
    assert "canary" not in text
    assert "***@shop.example" in text


def test_an_unknown_run_is_an_error(tmp_path):
    filled = ledgers.begin(tmp_path)
    with filled.database.read() as conn, pytest.raises(LedgerError, match="expected run nope of crawl"):
        summary(conn, ledgers.SOURCE, filled.crawl_id, "nope")
    filled.database.run(
        lambda conn: start_run(conn, run_id="x", crawl_id=None, source="shop", command="c", worker="w"),
    )
    with filled.database.read() as conn, pytest.raises(LedgerError):
        summary(conn, ledgers.SOURCE, 99, "x")


@given(st.text(), st.integers(1, 60))
def test_an_excerpt_is_one_short_printable_line(text, limit):
    found = excerpt(text, limit)
    if found is not None:
        assert len(found) <= limit
        assert found == printable(found)
        assert "\n" not in found


def test_an_excerpt_shows_where_it_was_cut():
    assert excerpt("one two three", 20) == "one two three"
    assert excerpt("one two three", 8) == "one two…"
    assert excerpt("a" + " " * 100 + "b", 10) == "a…"
    assert excerpt("", 9) is excerpt(None, 9) is None


def test_escape_sequences_are_not_printable():
    assert printable("a\x1b[2Jb\x9b1m\tc\u202ed") == "a\ufffd[2Jb\ufffd1m c\ufffdd"
