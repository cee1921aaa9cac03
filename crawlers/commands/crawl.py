"""`scrapy crawl <source>`: begin a crawl, or go on with the one that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.running import RunSourceCommand

if TYPE_CHECKING:
    import argparse


class Command(RunSourceCommand):
    def syntax(self) -> str:
        return "[options] <source>"

    def short_desc(self) -> str:
        return "Run a source, or go on where it was interrupted"

    def long_desc(self) -> str:
        return (
            "Run a source from its start to exported records. The same command after a kill, a full disk or Ctrl-C goes "
            "on where it stopped; after a complete crawl it asks again only for what changed. "
            "A crawl that ended because max_pages were fetched goes on with a larger max_pages. "
            "Exit codes: 0 complete, 1 failed, 2 wrong use, 3 incomplete."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--fresh",
            action="store_true",
            help="give up an interrupted crawl and begin a new one (records stay)",
        )

    def begin(self, args: list[str], opts: argparse.Namespace) -> None:
        self.run_source(self.source(args), opts.spargs, opts, GRISTMILL_FRESH=opts.fresh)
