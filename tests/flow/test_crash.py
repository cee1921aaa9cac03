"""Killed at any moment, ten times over, then run again: the output is that of one undisturbed run."""

from __future__ import annotations

import os
import random

import pytest

from tests.flow import harness
from tests.server import Site

SEEDS = range(int(os.environ.get("GRISTMILL_CRASH_SEEDS", "1")))
KILLS = int(os.environ.get("GRISTMILL_CRASH_KILLS", "4"))
PAGES = int(os.environ.get("GRISTMILL_CRASH_PAGES", "300"))
CONCURRENCY = 16


def crawl_args(site: Site) -> list[str]:
    return ["crawl", "pages", "-a", f"url={site.url('/')}", *harness.settings(**harness.PLAIN)]


@pytest.fixture(params=["sqlite", "postgresql"])
def environments(request):
    """Two empty ledgers of one kind, as what the command reads from the environment."""
    if request.param == "sqlite":
        yield {}, {}
        return
    server = request.getfixturevalue("postgresql_server")
    with server.database() as one, server.database() as other:
        yield {"DATABASE_URL": one}, {"DATABASE_URL": other}


@pytest.mark.parametrize("topology", ["catalogue", "tree"])
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_crawl_ends_as_an_undisturbed_one(tmp_path, environments, topology, seed):
    undisturbed, disturbed = environments
    rng = random.Random(f"{topology}{seed}")
    with Site(pages=PAGES, topology=topology) as site:
        whole = tmp_path / "whole"
        result = harness.run(whole, *crawl_args(site), **undisturbed)
        assert result.code == 0, result
        expected = harness.records(whole, "pages")
        fetched_once = len(site.log)

        killed = tmp_path / "killed"
        site.log.clear()
        kills = 0
        for _turn in range(KILLS):
            moment = len(site.log) + rng.randrange(1, max(2, PAGES // KILLS))
            kills += harness.run_and_kill(
                killed, *crawl_args(site), when=lambda moment=moment: len(site.log) >= moment, **disturbed
            )
        result = harness.run(killed, *crawl_args(site), **disturbed)
        assert result.code == 0, result
        assert kills >= 1
        found = harness.records(killed, "pages")
        assert [r["id"] for r in found] == [r["id"] for r in expected]
        assert [r["content_hash"] for r in found] == [r["content_hash"] for r in expected]
        assert {r["version"] for r in found} == {1}
        assert harness.states(killed, **disturbed) == harness.states(whole, **undisturbed)
        repeated = len(site.log) - fetched_once
        assert repeated <= (CONCURRENCY + 3) * kills, f"{repeated} repeated fetches after {kills} kills"
        harness.ledger_is_sound(killed, **disturbed)
