"""The collector's settings are those of the crawl alone, and cancelled timers do not pile up."""

from __future__ import annotations

import gc
import subprocess
import sys

from scrapy.utils.test import get_crawler

from crawlers.extensions.collector import CollectorExtension

_CRAWL = """
import sys
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor
from crawlers.extensions.collector import CollectorExtension

extension = CollectorExtension(0 if "0" in sys.argv else 50_000)
kept = []

def pages(number=0):
    for _ in range(100):
        reactor.callLater(60, print).cancel()
    if number < 20:
        # Not a timer of the reactor's: a page comes in over a socket.
        reactor._asyncioEventloop.call_later(0.1, pages, number + 1)
    else:
        kept.append(len(reactor._pendingTimedCalls) + len(reactor._newTimedCalls))
        if "with" in sys.argv:
            extension.spider_closed()
        kept.append(len(reactor.getDelayedCalls()))
        reactor.stop()

if "with" in sys.argv:
    extension.spider_opened()
reactor.callWhenRunning(pages)
reactor.run()
print(*kept)
"""


def kept_timers(*arguments: str) -> list[int]:
    """Timers that the reactor holds after 2,100 were set and cancelled in two seconds; those that wait after the crawl."""
    done = subprocess.run([sys.executable, "-c", _CRAWL, *arguments], capture_output=True, text=True, check=True)
    return [int(number) for number in done.stdout.split()]


def test_cancelled_timers_are_thrown_away_while_the_crawl_runs():
    held, waiting = kept_timers("with")
    assert held < 1500
    assert waiting == 0, "its own timer ends with the spider"


def test_without_it_twisted_keeps_them_all():
    """If this fails, Twisted does it itself, and the timer can go."""
    assert kept_timers("without")[0] == 2100


def test_thresholds_are_put_back():
    """Also where there is no reactor of Twisted's."""
    before = gc.get_threshold()
    extension = CollectorExtension(12_345)
    extension.spider_opened()
    assert gc.get_threshold()[0] == 12_345
    assert gc.get_freeze_count() > 0
    extension.spider_closed()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_0_leaves_python_alone():
    before = gc.get_threshold()
    extension = CollectorExtension.from_crawler(get_crawler(settings_dict={"GC_THRESHOLD": 0}))
    extension.spider_opened()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    extension.spider_closed()
    assert gc.get_threshold() == before


def test_0_does_not_keep_cancelled_timers():
    held, waiting = kept_timers("with", "0")
    assert held < 1500
    assert waiting == 0
