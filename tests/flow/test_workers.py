"""Several workers on one PostgreSQL ledger: one crawl between them, each page once, a killed one's work taken over."""

from __future__ import annotations

import signal
import time
from collections import defaultdict

import pytest

from tests.flow import harness
from tests.flow.test_crash import crawl_args
from tests.server import Site


@pytest.fixture
def site():
    with Site(pages=200) as site:
        yield site


def finish(*processes):
    ends = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        ends.append((process.returncode, out, err))
    return ends


def test_two_workers_share_a_crawl(tmp_path, site, postgresql_url):
    args = [*crawl_args(site), "-s", "LEASE_SECONDS=10"]
    first = harness.start(tmp_path / "a", *args, DATABASE_URL=postgresql_url)
    second = harness.start(tmp_path / "b", *args, DATABASE_URL=postgresql_url)
    for code, out, err in finish(first, second):
        assert code == 0, out + err
    paths = [asked.path for asked in site.log if asked.path != "/robots.txt"]
    assert len(paths) == len(set(paths)) == 210
    harness.ledger_is_sound(tmp_path, DATABASE_URL=postgresql_url)


def test_a_killed_workers_pages_are_taken_over(tmp_path, site, postgresql_url):
    args = [*crawl_args(site), "-s", "LEASE_SECONDS=6"]
    first = harness.start(tmp_path / "a", *args, DATABASE_URL=postgresql_url)
    while len(site.log) < 40:
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    second = harness.start(tmp_path / "b", *args, DATABASE_URL=postgresql_url)
    time.sleep(0.3)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    [(code, out, err)] = finish(second)
    assert code == 0, out + err
    asked = defaultdict(int)
    for entry in site.log:
        asked[entry.path] += 1
    assert len(asked) == 211
    assert sum(asked.values()) <= 211 + 2 + 16
    assert len(harness.records(tmp_path / "b", "pages")) == 210
    harness.ledger_is_sound(tmp_path, DATABASE_URL=postgresql_url)


def test_one_hosts_limits_hold_with_two_workers(tmp_path, postgresql_url):
    with Site(pages=20) as site:
        args = [*crawl_args(site), *harness.settings(DOWNLOAD_DELAY="0.1", RANDOMIZE_DOWNLOAD_DELAY="False")]
        workers = [harness.start(tmp_path / name, *args, DATABASE_URL=postgresql_url) for name in "ab"]
        for code, out, err in finish(*workers):
            assert code == 0, out + err
        times = sorted(asked.at for asked in site.log if asked.path != "/robots.txt")
        assert len(times) == 21
        # One worker after the other would take as long; two beside each other would take half.
        assert times[-1] - times[0] >= 0.09 * (len(times) - 1)


def test_workers_share_a_budget_of_pages(tmp_path, postgresql_url):
    with Site(pages=120) as site:
        urls = f"{site.url('/')},{site.url('/').replace('127.0.0.1', 'localhost')}"
        args = ["crawl", "pages", "-a", f"url={urls}", "-a", "max_pages=60"]
        args += harness.settings(**harness.PLAIN, CONCURRENT_REQUESTS="8", DOWNLOAD_DELAY="0.01")
        workers = [harness.start(tmp_path / name, *args, DATABASE_URL=postgresql_url) for name in "ab"]
        for code, out, err in finish(*workers):
            assert code == 0, out + err
        asked = [entry for entry in site.log if entry.path != "/robots.txt"]
        assert len(asked) == 60
        assert {entry.headers["host"].partition(":")[0] for entry in asked} == {"127.0.0.1", "localhost"}
    harness.ledger_is_sound(tmp_path, DATABASE_URL=postgresql_url)
