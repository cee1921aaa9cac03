"""`scrapy refine <source>`: run callbacks and pipelines again over the stored captures, without a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.ledger.session import REFINE
from crawlers.running import RunSourceCommand

if TYPE_CHECKING:
    import argparse


class Command(RunSourceCommand):
    mode = REFINE

    def syntax(self) -> str:
        return "[options] <source>"

    def short_desc(self) -> str:
        return "Run the pipelines again over the stored captures, without fetching"

    def long_desc(self) -> str:
        return (
            "Make the records of a source again from the stored answers, after a spider, a setting or a schema changed. "
            "Nothing is fetched. Records that come out the same are left alone, changed ones become a new version. "
            "Spider arguments are those of the source's last crawl, unless given with -a."
        )

    def begin(self, args: list[str], opts: argparse.Namespace) -> None:
        source = self.source(args)
        arguments = {**self.last_arguments(source), **opts.spargs}
        self.run_source(source, arguments, opts)
