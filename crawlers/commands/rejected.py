"""`scrapy rejected <source>`: what was refused, by stage and reason, and each record with what was measured."""

from __future__ import annotations

import contextlib
import csv
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.markup import escape
from rich.table import Table
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.spiderloader import get_spider_loader
from sqlalchemy.engine import make_url

from crawlers.addon import apply_defaults
from crawlers.errors import GristmillError
from crawlers.exporters.csv import cell
from crawlers.ledger import crawls, rejections
from crawlers.ledger.database import database_url, open_ledger
from crawlers.report import excerpt, printable
from crawlers.stdout import OutputConsole, until_reader_leaves

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from sqlalchemy import Connection

COLUMNS = (
    "record_id", "stage", "reason", "value", "threshold", "detail", "duplicate_of", "url", "key", "title", "text",
    "run_id", "rejected_at",
)  # fmt: skip
_TABLE_LIMIT = 50


class Command(ScrapyCommand):
    requires_project = True
    requires_crawler_process = False

    def syntax(self) -> str:
        return "[options] <source>"

    def short_desc(self) -> str:
        return "Count and show the records that were rejected, with the reason"

    def long_desc(self) -> str:
        return (
            "Count the rejected records of a source by stage and reason. With --reason, --stage or --url, or with "
            "--format jsonl or csv, show each of them with what was measured and the threshold. "
            "`scrapy readmit` takes them through the pipelines again after a setting changed."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--reason", metavar="SLUG", help="only this reason")
        parser.add_argument("--stage", metavar="NAME", help="only this stage")
        parser.add_argument("--url", metavar="PART", help="only records whose URL contains PART")
        parser.add_argument(
            "--format", choices=("table", "jsonl", "csv"), default="table",
            help="jsonl: whole records; csv: a line a record, safe to open in a spreadsheet (default: table)",
        )  # fmt: skip
        parser.add_argument(
            "--limit", type=_natural, metavar="N", help=f"at most N records (table: {_TABLE_LIMIT}, others: all)"
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        assert self.settings is not None
        apply_defaults(self.settings)
        if len(args) != 1:
            raise UsageError(f"expected the name of one source, got {len(args)}: {' '.join(args) or 'none'}")
        try:
            with until_reader_leaves():
                self._read(args[0], opts)
        except GristmillError as exc:
            sys.stderr.write(f"error: {exc}\n")
            self.exitcode = exc.exit_code

    def _read(self, source: str, opts: argparse.Namespace) -> None:
        assert self.settings is not None
        known = set(get_spider_loader(self.settings).list())
        url = database_url(self.settings)
        written = make_url(url).get_backend_name() != "sqlite" or Path(str(make_url(url).database)).exists()
        database = open_ledger(self.settings) if written else None
        with contextlib.closing(database) if database else contextlib.nullcontext():
            if database is not None:
                with database.read() as conn:
                    known.update(crawls.sources(conn))
                    if source in known:
                        self._show(conn, source, opts)
                        return
        if source not in known:
            raise UsageError(f"expected a known source, got {source!r}. Known: {', '.join(sorted(known))}")
        print(f"Nothing of {source} is rejected: it was not crawled yet (scrapy crawl {source}).")

    def _show(self, conn: Connection, source: str, opts: argparse.Namespace) -> None:
        found = rejections.iterate(conn, source, reason=opts.reason, stage=opts.stage, url=opts.url)
        if opts.format == "jsonl":
            _write_jsonl(itertools.islice(found, opts.limit))
        elif opts.format == "csv":
            _write_csv(itertools.islice(found, opts.limit))
        elif opts.reason or opts.stage or opts.url:
            limit = opts.limit or _TABLE_LIMIT
            rows = list(itertools.islice(found, limit + 1))
            _print_records(source, rows, limit)
        else:
            _print_counts(source, rejections.counts(conn, source))


def _natural(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _write_jsonl(rows: Iterator[dict[str, Any]]) -> None:
    for row in rows:
        sys.stdout.write(orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS).decode() + "\n")


def _write_csv(rows: Iterator[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(value) for value in _flat(row).values()] for row in rows)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    record = row["record"]
    values = {**row, "title": record.get("title"), "text": excerpt(record.get("text"), 1000)}
    return {name: values[name] for name in COLUMNS}


def _print_counts(source: str, counts: list[tuple[str, str, int]]) -> None:
    console = OutputConsole()
    if not counts:
        console.print(f"Nothing of {_safe(source)} is rejected.")
        return
    total = sum(number for _, _, number in counts)
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    table.add_column("reason")
    table.add_column("records", justify="right")
    table.add_column("share", justify="right")
    for stage, reason, number in counts:
        table.add_row(_safe(stage), _safe(reason), f"{number:,}", f"{number / total:.1%}")
    console.print(table)
    stage, reason, _ = counts[0]
    console.print(
        f"\n{total:,} rejected. Read them:  scrapy rejected {_safe(source)} --reason {_safe(reason)}\n"
        f"After a setting changed:    scrapy readmit {_safe(source)} --reason {_safe(reason)}",
        soft_wrap=True,
    )


def _print_records(source: str, rows: list[dict[str, Any]], limit: int) -> None:
    console = OutputConsole()
    if not rows:
        console.print(
            f"No rejected record of {_safe(source)} is like that: scrapy rejected {_safe(source)} counts all."
        )
        return
    for row in rows[:limit]:
        record = row["record"]
        measured = "" if row["value"] is None else f"  value {_json(row['value'])}"
        against = "" if row["threshold"] is None else f", threshold {_json(row['threshold'])}"
        same = f"  duplicate of {row['duplicate_of']}" if row["duplicate_of"] else ""
        title = excerpt(record.get("title"), 100) or row["key"]
        console.print(
            f"[bold]{_safe(title)}[/bold]  [dim]{row['record_id']}[/dim]\n"
            f"  [yellow]{_safe(row['stage'])}/{_safe(row['reason'])}[/yellow]{_safe(measured + against + same)}\n"
            f"  {_safe(row['detail'])}\n"
            f"  [cyan]{_safe(row['url'])}[/cyan]\n"
            f"  [dim]{_safe(excerpt(record.get('text'), 200) or '(no text)')}[/dim]\n",
            soft_wrap=True,
        )
    if len(rows) > limit:
        console.print(f"Only the first {limit:,} are shown; --limit N shows more, --format jsonl|csv all of them.")


def _safe(text: str | None) -> str:
    """*text* for a terminal: neither markup of ours nor escape sequences of a page's."""
    return escape(printable(text or ""))


def _json(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."
