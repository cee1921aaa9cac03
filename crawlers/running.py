"""How a command runs a source: one crawler, one exit code, and an error message instead of a traceback."""

from __future__ import annotations

import logging
import shlex
import sys
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import signals
from scrapy.commands import BaseRunSpiderCommand
from scrapy.exceptions import UsageError

from crawlers import settings as defaults
from crawlers.checks import check, check_mappings, concerned, misspelt
from crawlers.errors import ConfigurationError, GristmillError
from crawlers.ledger import crawls
from crawlers.ledger.database import open_ledger
from crawlers.ledger.session import CRAWL
from crawlers.outcome import COMPLETE, FAILED, INCOMPLETE, WRONG_USE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from scrapy import Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings


logger = logging.getLogger(__name__)

_CHATTY = {
    # What `scrapy flow` and the ledger tell, and better.
    "scrapy.addons": logging.WARNING,
    "scrapy.crawler": logging.WARNING,
    "scrapy.middleware": logging.WARNING,
    "scrapy.utils.log": logging.WARNING,
    "scrapy.core.engine": logging.WARNING,
    # Makes a line for each record, which nobody sees.
    "scrapy.core.scraper": logging.INFO,
    "scrapy.spidermiddlewares.httperror": logging.WARNING,
    # Says that a page has no text, which is the answer and not an error.
    "trafilatura": logging.CRITICAL,
}


class RunSourceCommand(BaseRunSpiderCommand):
    """Base of the commands that run a spider: crawl, refine and readmit."""

    requires_project = True
    mode = CRAWL

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Take what the command line sets; what is wrong is wrong use, before anything is built."""
        assert self.settings is not None
        take_options(self.settings, opts.set, lambda: super(RunSourceCommand, self).process_options(args, opts))

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Begin; what the user wrote wrongly is wrong use, without a traceback."""
        try:
            self.begin(args, opts)
        except ConfigurationError as exc:
            raise UsageError(str(exc), print_help=False) from exc
        except GristmillError as exc:
            self._report(exc)

    def begin(self, args: list[str], opts: argparse.Namespace) -> None:
        """What the command does."""
        raise NotImplementedError

    def last_arguments(self, source: str) -> dict[str, str]:
        """The spider arguments of the source's last crawl.

        Raises:
            UsageError: it was never crawled.
        """
        settings: Any = self.settings
        database = open_ledger(settings)
        try:
            with database.read() as conn:
                last = crawls.last_crawl(conn, source)
        finally:
            database.close()
        if last is None:
            raise UsageError(
                f"expected a source that was crawled before, got {source!r}: run `scrapy crawl {source}` first",
                print_help=False,
            )
        return dict(orjson.loads(last.arguments))

    def source(self, args: list[str]) -> str:
        """The one positional argument; wrong use lists the known sources."""
        assert self.crawler_process is not None
        if len(args) != 1:
            known = ", ".join(self.crawler_process.spider_loader.list())
            raise UsageError(
                f"expected the name of one source, got {len(args)}: {' '.join(args) or 'none'}. Known: {known}"
            )
        try:
            self.crawler_process.spider_loader.load(args[0])
        except KeyError:  # Scrapy's own loader, in other people's projects
            known = ", ".join(sorted(self.crawler_process.spider_loader.list()))
            raise UsageError(
                f"unknown source {args[0]!r}. Known sources: {known or 'none'}.", print_help=False
            ) from None
        return args[0]

    def run_source(self, name: str, spargs: Mapping[str, str], opts: argparse.Namespace, **settings: Any) -> None:
        """Run the source to its end and set ``exitcode``."""
        process = self.crawler_process
        assert process is not None
        process.settings.setdict(
            {
                "GRISTMILL_MODE": self.mode,
                "GRISTMILL_ARGUMENTS": orjson.dumps(dict(spargs), option=orjson.OPT_SORT_KEYS).decode(),
                "GRISTMILL_COMMAND": shlex.join(["scrapy", self.mode, *sys.argv[1:]]),
                **settings,
            },
            priority="cmdline",
        )
        if process.settings.get("LOG_LEVEL") != "DEBUG":
            for chatty, level in _CHATTY.items():
                logging.getLogger(chatty).setLevel(level)
        spider = process.spider_loader.load(name)
        own = process.settings.copy()
        spider.update_settings(own)
        if concerned(own):
            check(own)
        crawler = process.create_crawler(spider)
        closed: list[Spider] = []
        crawler.signals.connect(lambda spider: closed.append(spider), signals.spider_closed, weak=False)
        task: Any = process.crawl(crawler, **spargs)
        errors: list[BaseException] = []
        task.add_done_callback(lambda done: _keep_error(done, errors))
        process.start()
        if errors:
            self._report(errors[0])
            return
        if not closed and _is_unexplained(crawler):
            again = process.settings["GRISTMILL_COMMAND"]
            sys.stderr.write(f"Interrupted while it started: nothing is lost, the same command goes on:  {again}\n")
            self.exitcode = INCOMPLETE
            return
        self.exitcode = _exit_code(crawler.stats)

    def _report(self, error: BaseException) -> None:
        if isinstance(error, GristmillError | UsageError):
            sys.stderr.write(f"error: {error}\n")
            self.exitcode = getattr(error, "exit_code", WRONG_USE)
        else:
            logger.error("The run could not begin", exc_info=error)
            self.exitcode = FAILED


def take_options(settings: BaseSettings, given: Sequence[str], take: Callable[[], None]) -> None:
    """Take the options of a command; where a setting is of a wrong type or out of range, end it before anything is built.

    Args:
        settings: the command's.
        given: ``NAME=value`` of the command line. A name that is nearly that of a setting is told, and nothing more.
        take: writes what was given into *settings*.

    Raises:
        UsageError: without words; the line is written already.
    """
    known = set(settings)
    try:
        if concerned(settings):
            check_mappings(given)
        take()
        if concerned(settings):
            check(settings)
    except ConfigurationError as exc:
        sys.stderr.write(f"error: {exc}\n")
        raise UsageError(print_help=False) from None
    for name, near in misspelt((pair.partition("=")[0] for pair in given), known).items():
        sys.stderr.write(f"warning: unknown setting {name}, did you mean {near}?\n")


def _keep_error(done: Any, errors: list[BaseException]) -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None:
        errors.append(error)


def _is_unexplained(crawler: Crawler) -> bool:
    """Whether a spider that was not closed met no error: a signal came before it was open, then, and nobody reports on the run."""
    if crawler.settings["SCHEDULER"] != defaults.SCHEDULER:
        return False
    stats = crawler._stats  # none yet where the signal came first
    return stats is None or stats.get_value("gristmill/error_code") is None


def _exit_code(stats: Any) -> int:
    """What the report made of the run; without a report, what the way it ended says."""
    for name in ("gristmill/error_code", "gristmill/exit_code"):
        if stats.get_value(name) is not None:
            return int(stats.get_value(name))
    if stats.get_value("gristmill/run_id") is None:
        return COMPLETE  # a project without our scheduler: Scrapy's own idea of success
    return COMPLETE if stats.get_value("finish_reason") == "finished" else INCOMPLETE
