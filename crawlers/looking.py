"""How Scrapy's own `shell`, `fetch`, `view` and `parse` run where our ledger is: as in bare Scrapy, and without it.

They look at a page and keep nothing: Scrapy's own scheduler hands out their requests, and what stores, deduplicates,
exports or reports is off. The address policy, robots.txt and the other download middlewares stay.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy.commands import ScrapyCommand
from scrapy.core.scheduler import Scheduler
from scrapy.exceptions import DropItem, UsageError
from scrapy.pipelines import ItemPipelineManager
from scrapy.utils.url import guess_scheme

from crawlers import settings as defaults
from crawlers.addon import LOOK, without_ledger
from crawlers.errors import GristmillError
from crawlers.items import Record
from crawlers.middlewares.outcomes import Outcome
from crawlers.pipelines.foreign import record_from
from crawlers.running import take_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from scrapy import Request, Spider
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

_FILES = "scrapy.core.downloader.handlers.file.FileDownloadHandler"


class LookCommand(ScrapyCommand):
    """Goes before Scrapy's command among the bases, and takes the ledger out of its settings."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Say that nothing is kept, to our add-on too; a file of the user's own may be opened."""
        settings = self.settings
        assert settings is not None
        take_options(settings, opts.set, partial(super().process_options, args, opts))
        settings.set(LOOK, True, priority="cmdline")
        if settings["SCHEDULER"] == defaults.SCHEDULER:
            without_ledger(settings)
        if args and guess_scheme(args[0]).startswith("file:"):
            handlers = {**settings.getdict("DOWNLOAD_HANDLERS"), "file": _FILES}
            settings.set("DOWNLOAD_HANDLERS", handlers, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check address and spider, which Scrapy would find wrong with a traceback, then run its command."""
        if args:
            _check_address(args[0])
        if opts.spider:
            self.check_spider(self._loaded(opts.spider), getattr(opts, "spargs", {}))
        super().run(args, opts)  # type: ignore[safe-super]  # Scrapy's command comes after this class

    def check_spider(self, cls: type[Spider], arguments: Mapping[str, str]) -> None:
        """Build the spider, and let it go.

        Raises:
            UsageError: an argument is missing or wrong.
        """
        assert self.crawler_process is not None
        try:
            cls.from_crawler(self.crawler_process.create_crawler(cls), **arguments)
        except GristmillError as exc:
            raise UsageError(str(exc), print_help=False) from exc

    def _loaded(self, name: str) -> type[Spider]:
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        try:
            return loader.load(name)
        except KeyError:  # Scrapy's own loader, in other people's projects
            known = ", ".join(sorted(loader.list()))
            raise UsageError(f"--spider: expected one of {known or '(none)'}, got {name!r}", print_help=False) from None


def _check_address(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as exc:
        raise UsageError(f"expected a URL, got {url!r}: {exc}", print_help=False) from None


class LookScheduler(Scheduler):
    """Scrapy's scheduler; says why a request that our middlewares refused was not made, which Scrapy does not.

    Settings:
        Those of Scrapy's.

    Stats:
        Those of Scrapy's.
    """

    def next_request(self) -> Request | None:
        """The next request, which tells when it is refused."""
        request = super().next_request()
        if request is not None:
            request.errback = _Refusal(request.url, request.errback)
        return request


class _Refusal:
    """An errback that writes down the reason before the request's own errback is asked."""

    def __init__(self, url: str, errback: Any) -> None:
        self._url = url
        self._errback = errback

    def __call__(self, failure: Failure) -> Any:
        if isinstance(failure.value, Outcome):
            logger.warning("%s was not fetched: %s", self._url, failure.value)
        return self._errback(failure) if self._errback is not None else failure


class LookPipelineManager(ItemPipelineManager):
    """Takes items through the pipelines that need no ledger, for `scrapy parse --pipelines`.

    Settings:
        ITEM_PIPELINES

    Stats:
        None.
    """

    def __init__(self, *pipelines: Any, crawler: Any = None) -> None:
        super().__init__(*pipelines, crawler=crawler)
        self._running: set[asyncio.Task[Any] | None] = set()

    async def process_item_async(self, item: Any) -> Any:
        """Take *item*, as a Record, through the pipelines; say which of them would reject it."""
        task = asyncio.current_task()
        self._running.add(task)
        record = item if isinstance(item, Record) else record_from(item, self._spider.name)
        try:
            result = await super().process_item_async(record)
        except DropItem as exc:
            logger.warning("%s would be rejected: %s", record.key, exc)
            return item
        finally:
            self._running.discard(task)
        return result if isinstance(item, Record) else item

    async def close_spider_async(self) -> None:
        """Wait for what `parse` has begun and does not wait for."""
        await asyncio.gather(*(task for task in self._running if task is not None), return_exceptions=True)
        await super().close_spider_async()
