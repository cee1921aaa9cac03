from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.outcome import COMPLETE, FAILED, INCOMPLETE, is_temporary, outcome


def a_summary(
    *,
    done: int = 0,
    failed: dict[str, int] | None = None,
    skipped: dict[str, int] | None = None,
    pending: int = 0,
    leased: int = 0,
    seen: int = 0,
    rejected: int = 0,
    reason: str = "finished",
    mode: str = "crawl",
    problems: list[dict[str, str]] | None = None,
    clue: str | None = None,
    budget: dict[str, int] | None = None,
    redirected: int = 0,
    routes: dict[str, int] | None = None,
) -> dict[str, Any]:
    """What outcome() reads of a summary."""
    failed, skipped = failed or {}, skipped or {}
    states = {
        "pending": pending, "leased": leased, "done": done,
        "failed": sum(failed.values()), "skipped": sum(skipped.values()),
    }  # fmt: skip
    return {
        "source": "shop",
        "mode": mode,
        "finish_reason": reason,
        "problems": problems or [],
        "clue": clue,
        "budget": budget,
        "requests": {
            "discovered": sum(states.values()),
            "states": states,
            "redirected": redirected,
            "routes": [{"reason": slug, "number": n, "samples": []} for slug, n in (routes or {}).items()],
            "failed": [
                {"reason": slug, "number": n, "temporary": is_temporary(slug), "samples": []}
                for slug, n in failed.items()
            ],
            "skipped": [{"reason": slug, "number": n, "samples": []} for slug, n in skipped.items()],
        },
        "records": {"seen": seen},
        "rejected": {"number": rejected, "reasons": [{"stage": "keywords", "number": rejected}] if rejected else []},
    }


def test_a_crawl_without_losses_is_complete():
    result = outcome(a_summary(done=100, seen=80, rejected=20))
    assert result.exit_code == COMPLETE
    assert result.headline == "80 records kept, 20 rejected."
    assert "scrapy rejected shop" in result.next_step


def test_nothing_rejected_needs_no_next_step():
    assert outcome(a_summary(done=1, seen=1)).next_step == ""
    assert outcome(a_summary(done=1, seen=1)).headline == "1 record kept, 0 rejected."


def test_a_spent_page_budget_is_told_with_what_is_left_and_how_to_have_it():
    spent = {"max_pages": 12, "pages": 12, "left": 1340}
    result = outcome(a_summary(done=12, skipped={"max-pages": 1340}, seen=9, rejected=2, budget=spent))
    assert result.exit_code == COMPLETE
    assert result.headline == "9 records kept, 2 rejected. The budget of 12 pages is spent: 1,340 known URLs are left."
    assert "larger max_pages" in result.next_step
    one = outcome(a_summary(done=1, seen=1, budget={"max_pages": 1, "pages": 1, "left": 1}))
    assert one.headline == "1 record kept, 0 rejected. The budget of 1 page is spent: 1 known URL is left."


def test_a_page_budget_that_left_nothing_out_is_not_told():
    whole = outcome(a_summary(done=12, seen=12, budget={"max_pages": 12, "pages": 12, "left": 0}))
    assert (whole.headline, whole.next_step) == ("12 records kept, 0 rejected.", "")


@pytest.mark.parametrize(
    ("routes", "doubt"), [({"list": 5, "sitemap": 1, "robots-file": 1}, False), ({"sitemap": 2}, True)]
)
def test_a_spent_page_budget_is_why_nothing_was_found(routes, doubt):
    spent = {"max_pages": 5, "pages": 5, "left": 30}
    result = outcome(a_summary(done=8, redirected=1, routes=routes, skipped={"max-pages": 30}, budget=spent))
    assert result.exit_code == COMPLETE
    assert result.headline == (
        "5 pages were fetched, but no record was found on any of them. The budget of 5 pages is spent: 30 known URLs are left."
    )
    assert "the same command with a larger max_pages" in result.next_step
    assert ("selectors" in result.next_step) == doubt, "lists have no records, whatever the selectors"


@pytest.mark.parametrize(("clue", "word"), [("login-page", "Cookie"), ("empty", "empty")])
def test_no_budget_makes_a_result_of_what_is_none(clue, word):
    budget = {"max_pages": 1, "pages": 1, "left": 9}
    result = outcome(a_summary(done=1, skipped={"max-pages": 9}, budget=budget, clue=clue))
    assert result.exit_code == FAILED
    assert word in result.next_step


def test_a_spent_budget_hides_neither_failures_nor_rejections():
    budget = {"max_pages": 41, "pages": 41, "left": 50}
    failed = outcome(a_summary(done=1, failed={"http-503": 40}, skipped={"max-pages": 50}, budget=budget))
    assert failed.exit_code == INCOMPLETE
    assert failed.headline.startswith("40 of 41 pages failed for reasons that may pass")
    empty = a_summary(done=10, rejected=10, skipped={"max-pages": 50}, budget=budget)
    empty["rejected"]["reasons"][0]["stage"] = "extract"
    assert outcome(empty).exit_code == FAILED


def test_what_only_leads_to_pages_is_no_page():
    result = outcome(a_summary(done=9, redirected=1, routes={"sitemap": 2, "list": 1}))
    assert result.headline == "6 pages were fetched, but no record was found on any of them."
    nothing = outcome(a_summary(done=2, routes={"robots-file": 1, "sitemap": 1}, failed={"http-500": 4}))
    assert nothing.headline == "Nothing could be fetched: the site answered 500 to every request."


@pytest.mark.parametrize(("failed", "code"), [(5, COMPLETE), (6, INCOMPLETE)])
def test_up_to_five_percent_may_fail_for_a_while(failed, code):
    result = outcome(a_summary(done=100 - failed, failed={"timeout": failed}, seen=10))
    assert result.exit_code == code


def test_many_temporary_failures_are_named():
    result = outcome(a_summary(done=80, failed={"timeout": 12, "http-503": 8}, seen=10))
    assert result.exit_code == INCOMPLETE
    assert result.headline == "20 of 100 pages failed for reasons that may pass: timeout 12, http-503 8."
    assert "same command again" in result.next_step


def test_pages_that_are_not_there_do_not_make_a_crawl_incomplete():
    assert outcome(a_summary(done=50, failed={"http-404": 50}, seen=10)).exit_code == COMPLETE


@pytest.mark.parametrize("reason", ["shutdown", "closespider_timeout", "memusage_exceeded"])
def test_what_waits_is_said_with_its_number(reason):
    result = outcome(a_summary(done=10, pending=1234, seen=3, reason=reason))
    assert result.exit_code == INCOMPLETE
    assert result.next_step == "Run the same command again to go on (1,234 pages pending)."
    assert reason in result.headline


def test_a_limit_that_cut_nothing_off_leaves_the_crawl_complete():
    assert outcome(a_summary(done=10, seen=3, reason="closespider_itemcount")).exit_code == COMPLETE


def test_stopped_before_the_first_page_is_incomplete_not_failed():
    assert outcome(a_summary(pending=1, reason="shutdown")).exit_code == INCOMPLETE


def test_what_other_workers_hold_is_told_apart():
    result = outcome(a_summary(done=10, leased=4, seen=10))
    assert result.exit_code == INCOMPLETE
    assert "4 pages of the crawl are with other workers" in result.headline


@pytest.mark.parametrize(
    ("failed", "headline"),
    [
        ({"http-500": 4}, "Nothing could be fetched: the site answered 500 to every request."),
        ({"dns": 1}, "Nothing could be fetched: the host's name cannot be resolved (every request)."),
        ({"refused": 2}, "Nothing could be fetched: the site refused the connection of every request."),
        ({"http-403": 3, "timeout": 1}, "Nothing could be fetched: the site answered 403 to 3 requests."),
        ({"bad-answer": 1}, "Nothing could be fetched: every request ended with 'bad-answer'."),
    ],
)
def test_nothing_fetched_says_why(failed, headline):
    result = outcome(a_summary(failed=failed))
    assert (result.exit_code, result.headline) == (FAILED, headline)
    assert result.next_step


def test_nothing_allowed_says_so():
    result = outcome(a_summary(skipped={"robots": 7}))
    assert result.exit_code == FAILED
    assert result.headline == "Nothing could be fetched: robots.txt forbids every request."


def test_a_forbidden_address_names_the_setting():
    assert "NETWORK_ALLOW" in outcome(a_summary(skipped={"forbidden-address": 1})).next_step


def test_a_spider_that_asks_for_nothing():
    assert outcome(a_summary()).headline == "The spider asked for nothing."


@pytest.mark.parametrize(
    ("clue", "word"), [("login-page", "login"), ("script-only", "scripts"), ("empty", "empty"), (None, "selectors")]
)
def test_pages_without_anything_on_them(clue, word):
    result = outcome(a_summary(done=9, clue=clue))
    assert result.exit_code == FAILED
    assert result.headline == "9 pages were fetched, but no record was found on any of them."
    assert word in result.next_step


def test_only_rejections_is_a_result():
    assert outcome(a_summary(done=9, rejected=9)).exit_code == COMPLETE


@pytest.mark.parametrize(
    ("kind", "word"), [("disk-full", "Make room"), ("ledger", "database"), ("export", "scrapy export shop")]
)
def test_problems_come_first(kind, word):
    result = outcome(a_summary(done=9, pending=3, seen=9, problems=[{"kind": kind, "message": "it broke"}]))
    assert (result.exit_code, result.headline) == (FAILED, "it broke")
    assert word in result.next_step


def test_a_full_disk_says_how_to_go_on():
    problems = [{"kind": "disk-full", "message": "no space left"}]
    assert "3 pages pending" in outcome(a_summary(done=9, pending=3, problems=problems, reason="disk-full")).next_step


def test_readmit_needs_no_page():
    result = outcome(a_summary(mode="readmit", seen=4, rejected=2))
    assert (result.exit_code, result.headline) == (COMPLETE, "4 records readmitted, 2 rejected again.")
    assert outcome(a_summary(mode="readmit")).exit_code == COMPLETE
    assert outcome(a_summary(mode="readmit", reason="shutdown")).exit_code == INCOMPLETE


def test_refine_without_captures():
    result = outcome(a_summary(mode="refine"))
    assert result.exit_code == FAILED
    assert "CAPTURE_ENABLED" in result.next_step


@pytest.mark.parametrize("slug", ["timeout", "dns", "http-429", "http-500", "http-503", "http-408"])
def test_what_may_pass(slug):
    assert is_temporary(slug)


@pytest.mark.parametrize(
    "slug", ["http-404", "http-410", "too-large", "redirect-loop", "http-", "http-x", "callback-error"]
)
def test_what_does_not_pass(slug):
    assert not is_temporary(slug)


counts = st.integers(0, 1000)
reasons = st.dictionaries(
    st.sampled_from(["timeout", "http-404", "http-503", "robots", "dns", "odd"]), st.integers(1, 99)
)


@given(
    done=counts, failed=reasons, skipped=reasons, pending=counts, seen=counts, rejected=counts,
    reason=st.sampled_from(["finished", "shutdown", "closespider_pagecount"]),
    mode=st.sampled_from(["crawl", "refine", "readmit"]),
)  # fmt: skip
def test_every_ending_has_one_meaning(done, failed, skipped, pending, seen, rejected, reason, mode):
    """Whatever the figures: a known code, a sentence, and a next step wherever something is left to do."""
    result = outcome(
        a_summary(
            done=done,
            failed=failed,
            skipped=skipped,
            pending=pending,
            seen=seen,
            rejected=rejected,
            reason=reason,
            mode=mode,
        )
    )
    assert result.exit_code in {COMPLETE, FAILED, INCOMPLETE}
    assert result.headline.endswith(".")
    assert result.next_step or result.exit_code == COMPLETE
    if pending:
        assert result.exit_code == INCOMPLETE


def test_pages_that_were_all_empty_are_no_result():
    summary = a_summary(done=2, rejected=2)
    summary["rejected"]["reasons"][0]["stage"] = "extract"
    assert outcome(summary).exit_code == FAILED
