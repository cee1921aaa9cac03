"""Exports: at the end of each run, writes what the ledger holds of the source in the formats that EXPORTS names."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawlers.configuration import data_folder, listed
from crawlers.errors import GristmillError
from crawlers.exporters import parse_formats
from crawlers.exporters.materialise import materialise
from crawlers.ledger.database import open_ledger

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)


class ExportsExtension:
    """Writes the exports once the spider and its ledger are closed, off the event loop.

    Args:
        crawler: whose source is exported.
        formats: names of the formats.
        folder: DATA_DIR.

    Settings:
        EXPORTS, DATA_DIR

    Stats:
        gristmill/exports/<format>: path of the file.
        gristmill/export_errors/<format>: why it could not be written.
    """

    def __init__(self, crawler: Crawler, formats: list[str], folder: Path) -> None:
        self._crawler = crawler
        self._formats = formats
        self._folder = folder

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ExportsExtension:
        """Read the settings. An unknown format stops the crawl before the first request."""
        settings = crawler.settings
        formats = parse_formats(listed(settings, "EXPORTS"))
        if not formats:
            raise NotConfigured("EXPORTS is empty: name formats, for example EXPORTS = 'jsonl,label-studio'")
        extension = cls(crawler, formats, data_folder(settings))
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    async def spider_closed(self, spider: Spider) -> None:
        """Write each format; one that fails does not keep the others from being written."""
        stats = self._crawler.stats
        if stats.get_value("gristmill/run_id") is None:
            return  # the ledger was never opened
        for name in self._formats:
            try:
                path = await asyncio.to_thread(self._write, name, spider.name)
            except GristmillError as exc:
                stats.set_value(f"gristmill/export_errors/{name}", str(exc))
                logger.error("Export %s failed: %s", name, exc)
            except Exception as exc:
                stats.set_value(f"gristmill/export_errors/{name}", f"{name}: {type(exc).__name__}: {exc}")
                logger.exception("Export %s failed", name)
            else:
                stats.set_value(f"gristmill/exports/{name}", str(path))

    def _write(self, name: str, source: str) -> Path:
        settings = self._crawler.settings
        database = open_ledger(settings)
        try:
            return materialise(database, source, name, self._folder / source).path
        finally:
            database.close()
