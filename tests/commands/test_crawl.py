"""`scrapy crawl` that is interrupted before its spider is open."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.flow import harness


class InterruptingPipeline:
    """Stands for a signal that comes while components are built."""

    @classmethod
    def from_crawler(cls, crawler):
        os.kill(os.getpid(), getattr(signal, os.environ["WITH"]))
        return cls()

    def process_item(self, item):
        return item


INTERRUPTING = harness.settings(
    ITEM_PIPELINES=json.dumps(
        {f"{__name__}.InterruptingPipeline": 100, **json.loads(harness.PLAIN["ITEM_PIPELINES"])},
    )
)
PLAIN = harness.settings(ITEM_PIPELINES=harness.PLAIN["ITEM_PIPELINES"])


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_at_the_start_is_told_and_the_same_command_goes_on(tmp_path, site, name):
    crawl = ("crawl", "site", "-a", f"url={site.url('/')}", "-a", "max_pages=3")
    result = harness.run(tmp_path, *crawl, *INTERRUPTING, WITH=name)
    assert result.code == 3, result
    last = result.err.splitlines()[-1]
    assert last.startswith(
        "Interrupted while it started: nothing is lost, the same command goes on:  scrapy crawl site -a"
    )
    assert "Traceback" not in result.err
    result = harness.run(tmp_path, *crawl, *PLAIN)
    assert result.code == 0, result
    assert len(harness.records(tmp_path, "site")) >= 1
    harness.ledger_is_sound(tmp_path)


def test_a_crawl_that_is_not_interrupted_does_not_say_so(tmp_path, site):
    result = harness.run(tmp_path, "crawl", "site", "-a", f"url={site.url('/')}", "-a", "max_pages=1", *PLAIN)
    assert "Interrupted" not in result.err, result
