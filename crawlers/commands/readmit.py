"""`scrapy readmit <source> --reason …`: give rejected records another chance, without a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from crawlers.ledger.session import READMIT
from crawlers.readmission import Selection
from crawlers.running import RunSourceCommand

if TYPE_CHECKING:
    import argparse


class Command(RunSourceCommand):
    mode = READMIT

    def syntax(self) -> str:
        return "[options] <source> --reason <slug>"

    def short_desc(self) -> str:
        return "Take rejected records through the pipelines again, after a setting changed"

    def long_desc(self) -> str:
        return (
            "Take rejected records through the stage that refused them, and through those after it, with the settings as "
            "they are now. What passes becomes a record; what does not stays rejected, with its new reason. "
            "`scrapy rejected <source>` lists the reasons."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--reason", metavar="SLUG", help="the reason to readmit, as `scrapy rejected` lists it")
        parser.add_argument("--stage", metavar="NAME", help="the stage to readmit from")
        parser.add_argument(
            "--where",
            metavar="CONDITION",
            help="only those that fulfil it, for example 'value < 0.9' or 'url ~ /news/'",
        )

    def begin(self, args: list[str], opts: argparse.Namespace) -> None:
        source = self.source(args)
        if not opts.reason and not opts.stage:
            raise UsageError(f"expected --reason or --stage; `scrapy rejected {source}` lists them")
        selection = Selection.of(opts.reason, opts.stage, opts.where)
        arguments = {**self.last_arguments(source), **opts.spargs}
        self.run_source(source, arguments, opts, GRISTMILL_SELECTION=selection.to_json())
