"""Progress: one living line on a terminal, one plain log line a minute elsewhere."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text
from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.log import get_scrapy_root_handler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

_WINDOW = 30.0  # seconds over which the rate is measured
_SETTLED = ("done", "failed", "skipped")


class Progress:
    """The figures of a running crawl, and what follows from two looks at them.

    Args:
        stats: read for ``gristmill/…``; any mapping.
        budget: pages that the crawl may fetch; 0: no limit.
    """

    def __init__(self, stats: Mapping[str, Any], budget: int = 0) -> None:
        self._stats = stats
        self._budget = budget
        self._seen: deque[tuple[float, int, int]] = deque()

    def look(self, now: float) -> None:
        """Note the figures at *now* (seconds of a clock that never goes back)."""
        states = self.states()
        self._seen.append((now, sum(states[s] for s in _SETTLED), sum(states.values())))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()

    def states(self) -> dict[str, int]:
        """State to number of requests."""
        names = ("pending", "leased", *_SETTLED)
        return {name: int(self._stats.get(f"gristmill/requests/{name}", 0)) for name in names}

    def records(self) -> int:
        """Records that this run stored or confirmed."""
        return sum(
            int(self._stats.get(f"gristmill/records/{kind}", 0)) for kind in ("new", "changed", "updated", "unchanged")
        )

    def rejected(self) -> dict[str, int]:
        """Reason to number of records that this run rejected, the most frequent first."""
        found: dict[str, int] = {}
        for name, number in list(self._stats.items()):
            if name.startswith("gristmill/rejected/"):
                reason = name.rpartition("/")[2]
                found[reason] = found.get(reason, 0) + int(number)
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    def rate(self) -> float:
        """Requests settled a second, over the last half minute."""
        if len(self._seen) < 2:
            return 0.0
        (then, before, _), (now, after, _) = self._seen[0], self._seen[-1]
        return (after - before) / (now - then) if now > then else 0.0

    def seconds_left(self) -> float | None:
        """Seconds until the end, where that is known: the frontier has stopped growing, or a page budget ends it."""
        rate = self.rate()
        if len(self._seen) < 2 or rate <= 0:
            return None
        states = self.states()
        waiting = states["pending"] + states["leased"]
        if self._budget:
            waiting = min(waiting, max(0, self._budget - states["done"]))
        elif self._seen[-1][2] - self._seen[0][2] > 0.05 * (self._seen[-1][1] - self._seen[0][1]):
            return None  # more than one new URL in twenty settled ones: nobody knows where this ends
        return waiting / rate

    def parts(self) -> list[str]:
        """What the line says, part by part."""
        states, rejected = self.states(), self.rejected()
        said = [f"{states['done']:,} pages", f"{self.records():,} records", f"{sum(rejected.values()):,} rejected"]
        if rejected:
            top = [f"{reason} {number:,}" for reason, number in list(rejected.items())[:3]]
            said[-1] += f" ({', '.join(top)}{', …' if len(rejected) > 3 else ''})"
        if states["failed"]:
            said.append(f"{states['failed']:,} failed")
        said.append(f"{states['pending'] + states['leased']:,} queued")
        said.append(f"{self.rate():.1f}/s")
        left = self.seconds_left()
        if left is not None:
            said.append(f"{_clock(left)} left")
        return said


class ProgressExtension:
    """Says how far a crawl is.

    Args:
        crawler: whose stats are read.
        interval: seconds between two log lines; the line on a terminal moves by itself.
        terminal: whether standard error is a terminal.

    Settings:
        PROGRESS_INTERVAL: seconds between two plain log lines; 0: no progress at all.
        LOG_FILE: with it, the log lines go there as well as the line to the terminal.

    Stats:
        Reads gristmill/requests/…, gristmill/records/…, gristmill/rejected/…; writes none.
    """

    def __init__(self, crawler: Crawler, *, interval: float = 60.0, terminal: bool = False) -> None:
        self._crawler = crawler
        self._interval = interval
        self._terminal = terminal
        self._progress = Progress({})
        self._line: TerminalLine | None = None
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ProgressExtension:
        """Read the settings."""
        interval = crawler.settings.getfloat("PROGRESS_INTERVAL")
        if interval <= 0:
            raise NotConfigured("PROGRESS_INTERVAL is 0: set it to the seconds between two log lines")
        extension = cls(crawler, interval=interval, terminal=Console(stderr=True).is_interactive)
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.engine_stopped, signals.engine_stopped)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Begin."""
        budget = int(getattr(getattr(self._crawler.spider, "args", None), "max_pages", 0) or 0)
        self._progress = Progress(self._crawler.stats.get_stats(), budget)
        self._progress.look(time.monotonic())
        if self._terminal:
            self._line = TerminalLine(str(self._crawler.spidercls.name), self._progress)
            self._line.start()
        self._tick()

    def spider_closed(self) -> None:
        """Take the line away: what comes now is the summary."""
        if self._timer is not None:
            self._timer.cancel()
        if self._line is not None:
            self._line.stop()

    engine_stopped = spider_closed

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._say)

    def _say(self) -> None:
        self._progress.look(time.monotonic())
        logger.info("%s: %s", self._crawler.spidercls.name, ", ".join(self._progress.parts()))
        self._tick()


class TerminalLine:
    """The living line at the bottom of a terminal. Log lines scroll by above it.

    Args:
        name: of the source.
        progress: the figures.
        console: where it is drawn; standard error by default.
    """

    def __init__(self, name: str, progress: Progress, console: Console | None = None) -> None:
        self._name = name
        self._progress = progress
        self._console = console or Console(stderr=True, highlight=False)
        self._spinner = Spinner("dots", style="cyan")
        self._began = time.monotonic()
        self._handler: Any = None
        self._stream: Any = None
        self._live = Live(
            console=self._console, get_renderable=self._draw, refresh_per_second=4, transient=True,
            redirect_stdout=self._console.file.isatty(), redirect_stderr=False,
        )  # fmt: skip

    def start(self) -> None:
        """Draw it, and have the log written above it."""
        handler = get_scrapy_root_handler()
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            self._handler, self._stream = handler, handler.stream
            handler.setStream(FileProxy(self._console, handler.stream))
        self._live.start()

    def stop(self) -> None:
        """Remove it, and give the log its stream back."""
        self._live.stop()
        if self._handler is not None:
            self._handler.setStream(self._stream)
            self._handler = None

    def _draw(self) -> Text:
        now = time.monotonic()
        self._progress.look(now)
        first, *rest = self._progress.parts()
        text = Text.assemble(
            cast("Text", self._spinner.render(now)), " ", (self._name, "bold"), "  ", (first, "bold cyan")
        )
        for part in rest:
            text.append(" · ", "dim").append(part)
        text.append(f" · {_clock(now - self._began)}", "dim")
        text.no_wrap, text.overflow = True, "ellipsis"  # a second line would scroll
        return text


def _clock(seconds: float) -> str:
    """``0:07``, ``12:30``, ``3:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
