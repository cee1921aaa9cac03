"""`scrapy export <source> --format …`: write the records of a source to a file, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader
from sqlalchemy.engine import make_url

from crawlers.addon import apply_defaults
from crawlers.configuration import data_folder
from crawlers.errors import GristmillError
from crawlers.exporters import EXPORTERS, exporter
from crawlers.exporters.materialise import materialise
from crawlers.ledger import crawls, records
from crawlers.ledger.database import database_url, open_ledger

if TYPE_CHECKING:
    import argparse

    from crawlers.ledger.database import Database


class Command(ScrapyCommand):
    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012

    def syntax(self) -> str:
        return "<source> [--format NAME] [--output FILE]"

    def short_desc(self) -> str:
        return "Write the records of a source to a file"

    def long_desc(self) -> str:
        return (
            "Write the records of a source from the ledger to a file, whole or not at all, with a manifest beside it "
            f"(records, bytes, sha256). Formats: {', '.join(sorted(EXPORTERS))}."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--format", "-f", default="jsonl", metavar="NAME", help="the format (default: jsonl)")
        parser.add_argument("--output", metavar="FILE", help="write here instead of DATA_DIR/<source>/<usual name>")
        parser.add_argument("--since-run", metavar="RUN", help="only what runs after this one made or changed")
        parser.add_argument("--include-gone", action="store_true", help="also records that the source no longer has")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        apply_defaults(self.settings)
        if len(args) != 1:
            raise UsageError(f"expected the name of one source, got {len(args)}")
        try:
            self._export(args[0], opts)
        except GristmillError as exc:
            if exc.exit_code == 2:
                raise UsageError(str(exc), print_help=False) from exc
            sys.stderr.write(f"error: {exc}\n")
            self.exitcode = exc.exit_code

    def _export(self, source: str, opts: argparse.Namespace) -> None:
        settings: Any = self.settings
        exporter(opts.format)
        self._check_name(source)
        database = open_ledger(settings, create=False)
        try:
            self._check(database, source, opts.since_run)
            folder = data_folder(settings) / source
            output = Path(opts.output) if opts.output else None
            console = Console(stderr=True)
            with console.status("writing …") as status:
                export = materialise(
                    database, source, opts.format, folder,
                    output=output, since_run=opts.since_run, gone=opts.include_gone,
                    progress=lambda count: status.update(f"{count:,} records"),
                )  # fmt: skip
        finally:
            database.close()
        print(f"{export.path}  {export.records:,} records  {export.bytes:,} bytes  {export.sha256}")
        if not export.records:
            print(
                f"{source} has no records{' since that run' if opts.since_run else ''}: `scrapy rejected {source}` tells why"
            )

    def _check_name(self, source: str) -> None:
        """A source that nobody knows is wrong use even before there is a ledger."""
        settings: Any = self.settings
        path = make_url(database_url(settings))
        if path.get_backend_name() == "sqlite" and not Path(str(path.database)).exists():
            known = get_spider_loader(settings).list()
            if source not in known:
                raise UsageError(
                    f"expected a known source, got {source!r}. Known: {', '.join(sorted(known))}", print_help=False
                )

    @staticmethod
    def _check(database: Database, source: str, since_run: str | None) -> None:
        with database.read() as conn:
            known = crawls.sources(conn)
            if source not in known and not records.counts(conn, source)["kept"]:
                raise UsageError(
                    f"expected a source that was crawled, got {source!r}. In the ledger: {', '.join(known) or 'none'}",
                    print_help=False,
                )
            if since_run is not None and crawls.run(conn, since_run) is None:
                raise UsageError(
                    f"--since-run: expected a run of the ledger, got {since_run!r}: `scrapy ledger status` lists them",
                    print_help=False,
                )
