"""Report: when a run has ended, says what it did: a JSON file, an HTML page, ten lines, and the exit code."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawlers.configuration import data_folder
from crawlers.errors import GristmillError, LedgerError
from crawlers.files import write_atomically
from crawlers.ledger import crawls
from crawlers.ledger.database import SMALL_CACHE, open_ledger
from crawlers.outcome import FAILED
from crawlers.report import Ending, summary
from crawlers.report.html import render
from crawlers.report.terminal import show
from crawlers.stdout import OutputConsole, until_reader_leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

SCHEDULER = "crawlers.ledger.scheduler.LedgerScheduler"


class ReportExtension:
    """Reports on a run once everything of it is in the ledger and every export is written.

    Scrapy tells ``spider_closed`` to all extensions at once; the exports are made there. This one works at
    ``engine_stopped``, which comes when all of them are done, whatever the order of the extensions.

    Args:
        crawler: whose run it is.
        folder: DATA_DIR/<source>; the report goes to ``runs/`` below it.
        write: how a file is written (path, bytes).

    Settings:
        DATA_DIR, DATABASE_URL, LEDGER_TIMEOUT
        SCHEDULER: must be crawlers.ledger.scheduler.LedgerScheduler, whose ledger is reported on.

    Stats:
        gristmill/exit_code: what the command ends with.
        Reads gristmill/run_id, gristmill/crawl_id, gristmill/resumed, gristmill/max_pages, gristmill/ledger_error,
        gristmill/exports/….
    """

    def __init__(
        self, crawler: Crawler, *, folder: Path, write: Callable[[Path, bytes], Any] = write_atomically
    ) -> None:
        self._crawler = crawler
        self._folder = folder
        self._write = write
        self._reason: str | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ReportExtension:
        """Read the settings."""
        settings = crawler.settings
        if settings["SCHEDULER"] != SCHEDULER:
            raise NotConfigured(
                f"expected SCHEDULER = {SCHEDULER!r}, got {settings['SCHEDULER']!r}: set it to have reports"
            )
        extension = cls(crawler, folder=data_folder(settings) / str(crawler.spidercls.name))
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        crawler.signals.connect(extension.engine_stopped, signals.engine_stopped)
        return extension

    def spider_closed(self, reason: str) -> None:
        """Remember how it ended."""
        self._reason = reason

    def engine_stopped(self) -> None:
        """Write the report, and say how it went."""
        stats = self._crawler.stats
        run_id, crawl_id = stats.get_value("gristmill/run_id"), stats.get_value("gristmill/crawl_id")
        if run_id is None or crawl_id is None or self._reason is None:
            return
        try:
            found = self._report(run_id, crawl_id)
        except (GristmillError, OSError) as exc:
            logger.error("No report of run %s could be made: %s", run_id, exc)
            stats.set_value("gristmill/exit_code", FAILED)
            return
        stats.set_value("gristmill/exit_code", found["outcome"]["exit_code"])
        with until_reader_leaves():
            show(found, self._console())

    def _report(self, run_id: str, crawl_id: int) -> dict[str, Any]:
        settings = self._crawler.settings
        source = str(self._crawler.spidercls.name)
        runs = self._folder / "runs"
        files = {"report": runs / f"{run_id}.html", "summary": runs / f"{run_id}.json"}
        ending = self._ending({name: _shown(path) for name, path in files.items()})
        database = open_ledger(settings, cache=SMALL_CACHE)
        try:
            with database.read() as conn:
                found = summary(conn, source, crawl_id, run_id, ending)
            self._keep(found, files)
            code = found["outcome"]["exit_code"]
            try:
                database.run(
                    lambda conn: crawls.finish_run(conn, run_id, reason=ending.reason, exit_code=code, summary=found)
                )
            except LedgerError as exc:
                logger.error("The end of run %s could not be written to the ledger: %s", run_id, exc)
        finally:
            database.close()
        return found

    def _keep(self, found: dict[str, Any], files: dict[str, Path]) -> None:
        """Write both files. A disk that is full costs the report, not the exit code."""
        try:
            self._write(files["summary"], orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            self._write(files["report"], render(found).encode())
        except (GristmillError, OSError) as exc:
            logger.error("The report could not be written to %s: %s", files["summary"].parent, exc)
            found["files"] = {name: path for name, path in found["files"].items() if name not in files}

    def _ending(self, files: dict[str, str]) -> Ending:
        stats = self._crawler.stats
        reason = self._reason or "unknown"
        problems = []
        if stats.get_value("gristmill/ledger_error"):
            kind = "disk-full" if reason == "disk-full" else "ledger"
            problems.append({"kind": kind, "message": str(stats.get_value("gristmill/ledger_error"))})
        written: dict[str, str] = {}
        for name, value in stats.get_stats().items():
            if name.startswith("gristmill/exports/"):
                written[name.rpartition("/")[2]] = _shown(Path(value))
            elif name.startswith("gristmill/export_errors/"):
                problems.append({"kind": "export", "message": str(value)})
        names = {"jsonl": "records", "label-studio": "tasks"}
        return Ending(
            reason=reason,
            seconds=float(stats.get_value("elapsed_time_seconds") or 0.0),
            resumed=bool(stats.get_value("gristmill/resumed")),
            max_pages=int(stats.get_value("gristmill/max_pages") or 0),
            problems=problems,
            files={names.get(name, name): path for name, path in written.items()} | files,
            traffic={
                "requests": int(stats.get_value("downloader/request_count") or 0),
                "bytes": int(stats.get_value("downloader/response_bytes") or 0),
                "not_modified": int(stats.get_value("gristmill/revisit/not_modified") or 0),
            },
        )

    def _console(self) -> OutputConsole:
        """Standard output, or standard error where a feed of Scrapy's goes to standard output."""
        feeds = [str(uri) for uri in self._crawler.settings.getdict("FEEDS")]
        stderr = any(uri == "-" or uri.startswith("stdout:") for uri in feeds)
        return OutputConsole(file=sys.stderr if stderr else sys.stdout, soft_wrap=True)


def _shown(path: Path) -> str:
    """*path* as a person would type it from here."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path.absolute())
