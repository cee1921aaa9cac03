"""All of politeness together with the ledger: every URL ends in one state, and what passes by itself is had."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from tests.crawl import crawl
from tests.server import Site

if TYPE_CHECKING:
    from pathlib import Path


def states(folder: Path) -> dict[str, tuple[str, str | None]]:
    """URL to state and reason."""
    with closing(sqlite3.connect(folder / "gristmill.db")) as db:
        return {url: (state, reason) for url, state, reason in db.execute("SELECT url, state, reason FROM requests")}


def test_resets_lookup_failures_and_an_outage_lose_nothing(tmp_path: Path) -> None:
    with Site(pages=300, seed=5, latency=0.005) as site:
        site.flaky = 0.2
        base = f"http://flaky.test:{site.port}"
        settings = {"TEST_HOSTS": {"flaky.test": [["127.0.0.1"]]}, "TEST_DNS_FAILURES": 0.05}
        with site.outage(3.0, after=100):
            crawl([base + "/"], settings, follow=True, ledger=tmp_path)
        found = states(tmp_path)
        wanted = {base + path for path in site.topology.paths()}
    assert {url: found.get(url) for url in wanted} == dict.fromkeys(wanted, ("done", None))
    assert len(site.log) / len(wanted) <= 1.6


def test_a_pause_that_the_host_asks_for_is_kept_across_claims(tmp_path: Path) -> None:
    with Site(pages=30) as site:
        settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 2}
        crawl([site.url("/retry-after/3?date=1"), *site.urls()], settings, ledger=tmp_path)
        refused = next(asked for asked in site.log if asked.status == 429)
        end = site.windows["/retry-after/3?date=1"]
        inside = [asked.path for asked in site.log if refused.at + 0.1 < asked.at < end - 0.02]
        first = min(asked.at for asked in site.log if asked.at > refused.at + 0.1)
    assert inside == []
    assert first - end <= 1
    assert Counter(states(tmp_path).values()) == {("done", None): len(site.urls()) + 1}


def test_every_misbehaviour_ends_in_a_state_with_a_reason(tmp_path: Path) -> None:
    expected = {
        "/item/1": ("done", None),
        "/empty": ("done", None),
        "/charset/zlib": ("done", None),
        "/status/404": ("failed", "http-404"),
        "/status/500": ("failed", "http-500"),
        "/garbage": ("failed", "bad-answer"),
        "/redirect-loop/b": ("done", "redirected"),
        "/bomb/gzip": ("skipped", "too-large"),
        "/endless": ("skipped", "too-large"),
        "/endless-headers": ("skipped", "too-large"),
        "/headers?X-Robots-Tag=noai": ("skipped", "opt-out"),
        "/secret": ("skipped", "robots"),
        "/redirect-to?url=http://10.1.1.1/": ("done", "redirected"),
        "/redirect-to?url=file:///etc/passwd": ("skipped", "forbidden-scheme"),
        "/x/x/x/x/x": ("skipped", "trap"),
    }
    elsewhere = {
        "http://10.1.1.1/": ("skipped", "forbidden-address"),
        "http://[::1]:1/": ("skipped", "forbidden-address"),
        "file:///etc/passwd": ("skipped", "forbidden-scheme"),
        "data:text/plain,canary": ("skipped", "forbidden-scheme"),
    }
    with Site(pages=5) as site:
        site.robots = "User-agent: *\nDisallow: /secret\n"
        links = [site.url(path) for path in expected] + list(elsewhere)
        start = site.add("/start", "".join(f'<a href="{link}">x</a>' for link in links))
        crawl([start], {"RETRY_BACKOFF": 0.05, "DOWNLOAD_MAXSIZE": 5_000_000}, follow=True, ledger=tmp_path)
        found = states(tmp_path)
        expected["/redirect-loop/a"] = ("failed", "redirect-loop")
        wanted = {site.url(path): end for path, end in expected.items()} | elsewhere
    assert {url: found.get(url) for url in wanted} == wanted
    assert {state for state, _ in found.values()} <= {"done", "failed", "skipped"}
    assert not {url for url, (state, reason) in found.items() if state != "done" and not reason}


def test_a_dead_host_does_not_hold_up_another(tmp_path: Path) -> None:
    with Site(pages=100) as site:
        settings = {"TEST_HOSTS": {"dead.test": [["127.0.0.99"]]}, "ROBOTS_PATIENCE": 2}
        began = time.time()
        crawl([*(f"http://dead.test/{n}" for n in range(30)), *site.urls()], settings, ledger=tmp_path)
        last = max(asked.at for asked in site.log)
        found = states(tmp_path)
    assert {found[f"http://dead.test/{n}"] for n in range(30)} == {("failed", "refused")}
    assert all(found[url] == ("done", None) for url in site.urls())
    assert last - began < 15
