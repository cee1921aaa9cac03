"""`scrapy fetch`: Scrapy's command, without the ledger."""

from __future__ import annotations

from scrapy.commands.fetch import Command as ScrapyCommand

from crawlers.looking import LookCommand


class Command(LookCommand, ScrapyCommand):
    pass
