"""Every URL ends in exactly one state with a reason, however its request ended."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.flow import harness
from tests.server import Site

QUICK = harness.settings(
    **harness.PLAIN, RETRY_TIMES="1", RETRY_BACKOFF="0.05", RETRY_OUTAGE="0.3", ROBOTSTXT_OBEY="False"
)


@pytest.fixture
def site():
    with Site(pages=3) as site:
        for name in (
            "plain",
            "async",
            "async-child",
            "fails",
            "kept-child",
            "lambda",
            "again",
            "meta",
            "copied",
            "dict",
        ):
            site.add(f"/page/{name}", f"<html><title>{name}</title><body>{name}</body></html>")
        site.add("/page/from-errback", "<html><body>handled</body></html>")
        yield site


def crawl(tmp_path, site, *steps, code=None, settings=()):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{**step, "url": site.url(step["url"])} for step in steps]))
    result = harness.run(tmp_path, "crawl", "outcomes", "-a", f"plan={plan}", *QUICK, *settings)
    assert code is None or result.code == code, result
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        rows = db.execute("SELECT url, state, reason, detail FROM requests ORDER BY id").fetchall()
        records = [row[0] for row in db.execute("SELECT key FROM records ORDER BY key")]
    base = site.url("/")
    ends = {row[0].replace(base, "/"): row[1:3] for row in rows}
    return result, ends, [key.replace(base, "/") for key in records], rows


def test_an_answer_is_done(tmp_path, site):
    _, ends, records, _ = crawl(tmp_path, site, {"url": "/page/plain"}, code=0)
    assert ends == {"/page/plain": ("done", None)}
    assert records == ["/page/plain"]


def test_async_callbacks_and_their_children(tmp_path, site):
    _, ends, records, _ = crawl(tmp_path, site, {"url": "/page/async", "callback": "parse_async"}, code=0)
    assert ends == {"/page/async": ("done", None), "/page/async-child": ("done", None)}
    assert records == ["/page/async", "/page/async-child"]


def test_a_redirect_is_done_and_leads_to_its_target(tmp_path, site):
    _, ends, records, rows = crawl(tmp_path, site, {"url": "/redirect-to?url=/page/plain"}, code=0)
    assert ends["/redirect-to?url=/page/plain"] == ("done", "redirected")
    assert ends["/page/plain"] == ("done", None)
    assert rows[0][3] == site.url("/page/plain")
    assert records == ["/page/plain"]


def test_a_redirect_to_a_known_page_does_not_double_it(tmp_path, site):
    _, ends, records, _ = crawl(tmp_path, site, {"url": "/page/plain"}, {"url": "/redirect-to?url=/page/plain"}, code=0)
    assert ends["/redirect-to?url=/page/plain"] == ("done", "redirected")
    assert records == ["/page/plain"]


def test_statuses_fail_with_their_number(tmp_path, site):
    _, ends, _, _ = crawl(tmp_path, site, {"url": "/status/404"}, {"url": "/status/500"}, {"url": "/page/plain"})
    assert ends["/status/404"] == ("failed", "http-404")
    assert ends["/status/500"] == ("failed", "http-500")
    assert ends["/page/plain"] == ("done", None)


def test_a_callback_that_raises_keeps_what_it_gave_before(tmp_path, site):
    _, ends, records, rows = crawl(tmp_path, site, {"url": "/page/fails", "callback": "parse_then_fail"})
    assert ends["/page/fails"] == ("failed", "callback-error")
    assert "the page is not what it was" in rows[0][3]
    assert ends["/page/kept-child"] == ("done", None)
    assert records == ["/page/fails", "/page/kept-child"]


def test_a_request_that_cannot_be_stored_fails_its_page_and_says_why(tmp_path, site):
    result, ends, _, rows = crawl(tmp_path, site, {"url": "/page/lambda", "callback": "parse_unserializable"})
    assert ends["/page/lambda"][0] == "failed"
    assert "method of the spider" in rows[0][3] or "method of the spider" in result.err


def test_the_same_url_again_with_dont_filter(tmp_path, site):
    _, _, records, rows = crawl(tmp_path, site, {"url": "/page/again", "callback": "parse_again"}, code=0)
    assert [row[1] for row in rows] == ["done", "done"]
    assert records == ["/page/again", "/page/again#again"]


def test_meta_copied_from_a_response_does_not_confuse_the_pages(tmp_path, site):
    _, ends, records, _ = crawl(tmp_path, site, {"url": "/page/meta", "callback": "parse_copied_meta"}, code=0)
    assert ends == {"/page/meta": ("done", None), "/page/copied": ("done", None)}
    assert records == ["/page/copied"]


def test_an_errback_may_still_give_items_and_requests(tmp_path, site):
    _, ends, records, _ = crawl(tmp_path, site, {"url": "/status/404", "errback": "failed"})
    assert ends["/status/404"] == ("failed", "http-404")
    assert ends["/page/from-errback"] == ("done", None)
    assert sorted(records) == ["/page/from-errback", "handled:/status/404"]


def test_a_dict_becomes_a_record(tmp_path, site):
    _, _, records, _ = crawl(tmp_path, site, {"url": "/page/dict", "callback": "parse_dict"}, code=0)
    assert records == ["/page/dict"]


def test_the_same_command_again_is_a_new_round_that_changes_nothing(tmp_path, site):
    crawl(tmp_path, site, {"url": "/page/plain"}, code=0)
    crawl(tmp_path, site, {"url": "/page/plain"}, code=0)
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        assert db.execute("SELECT round, state FROM crawls ORDER BY id").fetchall() == [
            (1, "complete"),
            (2, "complete"),
        ]
        assert db.execute("SELECT version, state FROM records").fetchall() == [(1, "kept")]


def test_states_add_up(tmp_path, site):
    crawl(tmp_path, site, {"url": "/page/plain"}, {"url": "/status/404"}, {"url": "/redirect/2"})
    states = harness.states(tmp_path)
    assert set(states) <= {"done", "failed", "skipped"}
    harness.ledger_is_sound(tmp_path)
