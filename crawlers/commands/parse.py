"""`scrapy parse`: Scrapy's command, without the ledger."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.parse import Command as ScrapyCommand
from scrapy.exceptions import UsageError

from crawlers.addon import WITHOUT_LEDGER
from crawlers.looking import LookCommand

if TYPE_CHECKING:
    import argparse


class Command(LookCommand, ScrapyCommand):
    def set_spidercls(self, url: str, opts: argparse.Namespace) -> None:
        super().set_spidercls(url, opts)
        if self.spidercls is None:
            raise UsageError(f"no spider says that it is for {url}: name one with --spider", print_help=False)
        self.check_spider(self.spidercls, opts.spargs)

    def start_parsing(self, url: str, opts: argparse.Namespace) -> None:
        super().start_parsing(url, opts)
        if opts.pipelines and self.pcrawler.settings["ITEM_PROCESSOR"] == WITHOUT_LEDGER["ITEM_PROCESSOR"]:
            sys.stderr.write("Not run, because they work on the ledger: deduplicate, media, store\n")
