from __future__ import annotations

import asyncio
import io
import logging
import os
import pty
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scrapy import Spider
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from crawlers.extensions.progress import Progress, ProgressExtension, TerminalLine, _clock
from tests.flow import harness
from tests.server import Site


def stats(done: int = 0, pending: int = 0, **more: int) -> dict[str, int]:
    """As the scheduler and the store keep them."""
    return {
        "gristmill/requests/done": done,
        "gristmill/requests/pending": pending,
        **{f"gristmill/{name.replace('__', '/').replace('_', '-')}": number for name, number in more.items()},
    }


def test_nothing_is_known_at_the_beginning():
    progress = Progress({})
    progress.look(0.0)
    assert progress.rate() == 0.0
    assert progress.seconds_left() is None
    assert progress.parts() == ["0 pages", "0 records", "0 rejected", "0 queued", "0.0/s"]


def test_the_line_has_every_figure():
    figures = stats(
        1234, 50, requests__leased=16, requests__failed=3, records__new=900, records__unchanged=80, records__changed=1,
        rejected__deduplicate__near_duplicate=30, rejected__keywords__no_keyword=70, rejected__validate__schema=1,
        rejected__clean__empty=5, rejected__extract__empty=4,
    )  # fmt: skip
    progress = Progress(figures)
    progress.look(0.0)
    assert progress.parts() == [
        "1,234 pages", "981 records", "110 rejected (no-keyword 70, near-duplicate 30, empty 9, …)", "3 failed", "66 queued",
        "0.0/s",
    ]  # fmt: skip


def test_the_rate_is_that_of_the_last_half_minute():
    figures = stats()
    progress = Progress(figures)
    for second in range(100):
        figures["gristmill/requests/done"] += 50 if second < 60 else 2
        progress.look(float(second))
    assert progress.rate() == pytest.approx(2.0, abs=0.1)


def test_the_rate_is_known_where_looks_are_far_apart():
    figures = stats()
    progress = Progress(figures)
    progress.look(0.0)
    figures["gristmill/requests/done"] = 120
    progress.look(60.0)
    assert progress.rate() == 2.0
    figures["gristmill/requests/done"] = 480
    progress.look(120.0)
    assert progress.rate() == 6.0


def test_time_left_is_known_once_nothing_new_is_found():
    figures = stats(0, 100)
    progress = Progress(figures)
    progress.look(0.0)
    figures.update(stats(20, 80))
    progress.look(10.0)
    assert progress.seconds_left() == 40.0
    assert progress.parts()[-1] == "0:40 left"


def test_time_left_is_not_known_while_the_frontier_grows():
    figures = stats(0, 100)
    progress = Progress(figures)
    progress.look(0.0)
    figures.update(stats(20, 160))
    progress.look(10.0)
    assert progress.seconds_left() is None


def test_a_budget_makes_the_end_known():
    figures = stats(0, 100)
    progress = Progress(figures, budget=30)
    progress.look(0.0)
    figures.update(stats(20, 5000))
    progress.look(10.0)
    assert progress.seconds_left() == 5.0


@given(st.lists(st.tuples(st.floats(0.01, 100), st.integers(0, 500), st.integers(0, 500)), max_size=60))
def test_whatever_happens_the_line_can_be_said(steps):
    figures, now = stats(), 0.0
    progress = Progress(figures)
    for seconds, done, found in steps:
        now += seconds
        figures["gristmill/requests/done"] += done
        figures["gristmill/requests/pending"] = max(0, figures["gristmill/requests/pending"] + found - done)
        progress.look(now)
        assert progress.rate() >= 0
        assert all(progress.parts())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (59.7, "1:00"), (750, "12:30"), (11100, "3:05:00")]
)
def test_clock(seconds, text):
    assert _clock(seconds) == text


class ShopSpider(Spider):
    name = "shop"


def an_extension(**kwargs) -> ProgressExtension:
    crawler = get_crawler(ShopSpider)
    crawler.spider = ShopSpider()
    crawler.spider.args = SimpleNamespace(max_pages=500)
    return ProgressExtension(crawler, **kwargs)


def test_elsewhere_than_on_a_terminal_it_is_a_log_line(caplog):
    extension = an_extension(interval=0.02)
    crawler = extension._crawler

    async def crawl() -> None:
        extension.spider_opened()
        crawler.stats.set_value("gristmill/requests/done", 7)
        await asyncio.sleep(0.07)
        extension.spider_closed()
        said = len(caplog.records)
        await asyncio.sleep(0.05)
        assert len(caplog.records) == said

    with caplog.at_level(logging.INFO):
        asyncio.run(crawl())
    assert caplog.messages[0].startswith("shop: 7 pages, 0 records, 0 rejected, 0 queued, ")
    assert len(caplog.messages) >= 2


def test_it_can_be_switched_off():
    with pytest.raises(NotConfigured, match="PROGRESS_INTERVAL"):
        ProgressExtension.from_crawler(get_crawler(ShopSpider, {"PROGRESS_INTERVAL": 0}))


def test_from_crawler_reads_the_interval():
    extension = ProgressExtension.from_crawler(get_crawler(ShopSpider, {"PROGRESS_INTERVAL": 5}))
    assert extension._interval == 5.0


def test_closing_without_opening_is_harmless():
    an_extension().spider_closed()


def a_terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system=None, width=120, height=20)


def test_the_line_on_a_terminal_moves_and_goes():
    console = a_terminal()
    line = TerminalLine("shop", Progress(stats(12, 3)), console)
    line.start()
    line.stop()
    shown = console.file.getvalue()
    assert "shop  12 pages · 0 records · 0 rejected · 3 queued · 0.0/s · 0:00" in shown
    assert shown.endswith(("\x1b[2K", "\x1b[?25h")) or "\x1b[2K" in shown  # the line is erased


def test_a_long_line_is_cut_not_wrapped():
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=40, height=20)
    line = TerminalLine("shop", Progress(stats(12_345_678, 3, rejected__keywords__no_keyword=123456)), console)
    drawn = console.render_lines(line._draw())
    assert len(drawn) == 1
    assert "…" in "".join(segment.text for segment in drawn[0])


def test_log_lines_are_written_above_the_line(monkeypatch):
    """The root handler's stream goes through the console while the line is there, and is its own again after."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("crawlers.extensions.progress.get_scrapy_root_handler", lambda: handler)
    console = a_terminal()
    line = TerminalLine("shop", Progress(stats()), console)
    line.start()
    handler.handle(logging.LogRecord("x", logging.WARNING, "f", 1, "something to know", None, None))
    line.stop()
    assert "something to know\n" in console.file.getvalue()
    assert handler.stream is stream
    assert stream.getvalue() == ""


def on_a_terminal(data, *args) -> tuple[int, str]:
    """Run ``scrapy *args`` on a pseudo-terminal; exit code and everything that was written to it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(harness.ROOT)
        os.environ.update(
            DATA_DIR=str(data), NETWORK_ALLOW="127.0.0.0/8", PYTHONPATH=str(harness.ROOT), TERM="xterm", COLUMNS="120"
        )
        os.execv(sys.executable, [sys.executable, "-m", "scrapy", *args])
    out = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        out += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_on_a_terminal_there_is_a_line_and_then_the_summary(tmp_path):
    """And nothing else: what the log says there is what a person must know."""
    slow = harness.settings(**harness.PLAIN, DOWNLOAD_DELAY="0.02")
    with Site(pages=60) as site:
        code, out = on_a_terminal(tmp_path, "crawl", "pages", "-a", f"url={site.url('/')}", *slow)
    assert code == 0, out
    line, summary = out.rsplit("\x1b[?25h", 1)  # the cursor comes back when the line has gone
    assert " pages" in line
    assert " records" in line
    assert " queued" in line
    assert line.count("\n") <= 1
    assert "records kept" in summary
    assert "INFO" not in out
