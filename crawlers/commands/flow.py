"""`scrapy flow [<source>]`: what is on, what is off and why, in flow order; without a source, which sources there are."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text
from scrapy import Spider
from scrapy.commands import BaseRunSpiderCommand
from scrapy.exceptions import UsageError
from sqlalchemy.engine import make_url

from crawlers import flow
from crawlers.ledger.database import database_url
from crawlers.outcome import COMPLETE, WRONG_USE
from crawlers.running import take_options
from crawlers.sources.arguments import describe
from crawlers.stdout import OutputConsole, until_reader_leaves

if TYPE_CHECKING:
    import argparse

    from rich.console import Console
    from scrapy.crawler import Crawler

_STYLE = {flow.ON: "bold green", flow.OFF: "dim", flow.BROKEN: "bold red"}


class _Project(Spider):
    """Stands for any source: the project's settings, and none of a source's own."""

    name = "project"


class Command(BaseRunSpiderCommand):
    requires_project = True

    def syntax(self) -> str:
        return "[options] [<source>]"

    def short_desc(self) -> str:
        return "Show what is on, what is off and why, in flow order"

    def long_desc(self) -> str:
        return (
            "Build every component the way a crawl of the source would, with the settings as they are now, and show it "
            "with its order and its settings. Nothing is fetched and nothing is written. "
            "Without a source it lists those that there are, with kind and one line each, before the project's components. "
            "Exit code 2 where a component cannot be built."
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        take_options(self.settings, opts.set, lambda: super(Command, self).process_options(args, opts))
        if opts.loglevel is None:
            self.settings.set("LOG_LEVEL", "ERROR", priority="cmdline")  # what is logged is shown at its place

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) > 1:
            raise UsageError(f"expected at most one source, got {len(args)}: {' '.join(args)}")
        console = OutputConsole()
        with until_reader_leaves(), tempfile.TemporaryDirectory(prefix="gristmill-flow-") as folder:
            crawler = self._prepared(args, folder)
            problem = flow.prepare(crawler, opts.spargs)
            steps = [(title, list(flow.components(crawler, setting))) for setting, title in flow.STEPS]
            broken = [c for _, found in steps for c in found if c.state == flow.BROKEN]
            self.exitcode = WRONG_USE if broken else COMPLETE
            self._head(console, crawler, problem, named=bool(args))
            if not args:
                self._sources(console)
            for number, (title, found) in enumerate(steps, 1):
                console.print(f"\n[bold]{number}. {title}[/bold]")
                self._print(console, self._step(found))

    def _prepared(self, args: list[str], folder: str) -> Crawler:
        """A crawler for the source; where there is no ledger yet, one whose ledger is in *folder* and goes with it."""
        assert self.crawler_process is not None
        assert self.settings is not None
        cls: Any = _Project
        if args:
            known = self.crawler_process.spider_loader.list()
            if args[0] not in known:
                raise UsageError(f"expected a known source, got {args[0]!r}. Known: {', '.join(known)}")
            cls = self.crawler_process.spider_loader.load(args[0])
        crawler = self.crawler_process.create_crawler(cls)
        url = make_url(database_url(crawler.settings))
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            crawler.settings.set("DATABASE_URL", f"sqlite:///{folder}/gristmill.db", priority=1000)
        return crawler

    def _head(self, console: Console, crawler: Crawler, problem: str | None, *, named: bool) -> None:
        settings = crawler.settings
        if named:
            cls = crawler.spidercls
            console.print(Text.assemble((str(cls.name), "bold"), f"  {cls.__module__}.{cls.__name__}"))
        else:
            console.print("[bold]The project[/bold] (scrapy flow <source> adds a source's own settings)")
        if problem:
            console.print(Text(f"  shown without its arguments: {problem}", style="yellow"))
        if hasattr(crawler.spidercls, "Arguments"):
            console.print(Text(f"  arguments (-a name=value):\n{describe(crawler.spidercls.Arguments)}"))
        for name in ("DATA_DIR", "SCHEDULER", "EXPORTS", "CONCURRENT_REQUESTS", "USER_AGENT", "NETWORK_ALLOW"):
            console.print(Text(f"  {name} = {flow.shown(name, settings.get(name))}", style="cyan"))

    def _sources(self, console: Console) -> None:
        """The sources, and the modules whose sources are unknown because they cannot be imported."""
        assert self.crawler_process is not None
        loader = self.crawler_process.spider_loader
        table = Table.grid(padding=(0, 2, 0, 0))
        for source in flow.sources(loader):
            table.add_row(Text(f"  {source.name}", style="bold"), source.kind, Text(source.does))
        for module, error in getattr(loader, "broken", {}).items():
            table.add_row(Text(f"  {module}"), Text(flow.BROKEN, style=_STYLE[flow.BROKEN]), Text(error))
        console.print("\n[bold]Sources[/bold] (scrapy crawl <source>)")
        self._print(console, table)

    def _print(self, console: Console, table: Table) -> None:
        if console.is_terminal:
            console.print(table)
            return
        with console.capture() as captured:
            console.print(table)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def _step(self, found: list[flow.Component]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for component in found:
            on = component.state == flow.ON
            text = Text(component.does if on else component.why)
            if on and component.settings:
                pairs = [f"{name} = {flow.shown(name, value)}" for name, value in component.settings.items()]
                text.append(f"{chr(10) if component.does else ''}{'  '.join(pairs)}", style="cyan")
            table.add_row(
                Text(f"  {component.state}", style=_STYLE[component.state]),
                "" if component.order is None else str(component.order),
                Text(component.name, style="bold" if on else "dim"),
                text,
            )
        return table
