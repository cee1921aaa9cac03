"""`scrapy ledger status|check|compact|backup`: what is in the ledger, whether it is sound, and its upkeep."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from crawlers.checks import value_of
from crawlers.configuration import data_folder
from crawlers.errors import GristmillError
from crawlers.ledger import checks, maintenance, status
from crawlers.ledger.database import open_ledger
from crawlers.stdout import until_reader_leaves

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from crawlers.ledger.database import Database

_ACTIONS = ("status", "check", "compact", "backup")


class Command(ScrapyCommand):
    requires_project = False
    default_settings = {"LOG_ENABLED": False}  # noqa: RUF012

    def syntax(self) -> str:
        return "[options] status|check|compact|backup [path]"

    def short_desc(self) -> str:
        return "Show, verify, shrink or copy the ledger"

    def long_desc(self) -> str:
        return (
            "status: states of requests and records, sizes, the last runs. "
            "check: verify every invariant; exit code 1 where one does not hold. "
            "compact: drop expired captures and the requests of earlier rounds, and give the space back. "
            "backup [path]: copy the ledger while it may be in use; default: DATA_DIR/backups/ with the time in the name."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
        parser.add_argument("--source", metavar="NAME", help="status: only this source")
        parser.add_argument(
            "--full", action="store_true", help="check: read every capture and media file, not a sample"
        )
        parser.add_argument(
            "--days", type=float, metavar="N", help="compact: instead of CAPTURE_RETENTION_DAYS; 0: keep all"
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        action = args[0] if args else "status"
        if action not in _ACTIONS or len(args) > (2 if action == "backup" else 1):
            raise UsageError(f"expected one of {', '.join(_ACTIONS)} (backup takes a path), got {' '.join(args)!r}")
        assert self.settings is not None
        try:
            database = open_ledger(self.settings, create=False)
            try:
                report = getattr(self, f"_{action}")(database, opts, args[1:])
            finally:
                database.close()
        except GristmillError as exc:
            sys.stderr.write(f"error: {exc}\n")
            self.exitcode = exc.exit_code
            return
        with until_reader_leaves():
            if opts.format == "json":
                print(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())
            else:
                print("\n".join(_TEXT[action](report)))

    def _status(self, database: Database, opts: argparse.Namespace, _: list[str]) -> dict[str, Any]:
        with database.read() as conn:
            report = status.overview(conn, opts.source)
        if opts.source is not None and not report["sources"][0]["crawls"]:
            raise UsageError(f"expected a source that was crawled before, got {opts.source!r}")
        return {"database": {"where": str(database.where), "bytes": status.size(database)}, **report}

    def _check(self, database: Database, opts: argparse.Namespace, _: list[str]) -> dict[str, Any]:
        with database.read() as conn:
            problems = checks.check(conn, self._data_dir(), full=opts.full)
        self.exitcode = 1 if problems else 0
        return {
            "where": str(database.where),
            "problems": [{"kind": p.kind, "what": p.what, "where": p.where, "remedy": p.remedy} for p in problems],
        }

    def _compact(self, database: Database, opts: argparse.Namespace, _: list[str]) -> dict[str, Any]:
        assert self.settings is not None
        days = value_of(self.settings, "CAPTURE_RETENTION_DAYS") if opts.days is None else opts.days
        done = maintenance.compact(database, days)
        return {name: getattr(done, name) for name in ("before", "after", "captures", "requests")}

    def _backup(self, database: Database, _: argparse.Namespace, paths: list[str]) -> dict[str, Any]:
        ending = "db" if database.dialect == "sqlite" else "dump"
        name = f"gristmill-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{ending}"
        path = Path(paths[0]) if paths else self._data_dir() / "backups" / name
        path = maintenance.backup(database, path)
        return {"path": str(path), "bytes": path.stat().st_size}

    def _data_dir(self) -> Path:
        assert self.settings is not None
        return data_folder(self.settings).absolute()


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _status_text(report: dict[str, Any]) -> Iterator[str]:
    captures, media = report["captures"], report["media"]
    yield f"Ledger   {report['database']['where']}  {_bytes(report['database']['bytes'])}"
    yield f"Captures {captures['number']:,}  {_bytes(captures['bytes'])} ({_bytes(captures['bytes_uncompressed'])} unpacked)"
    yield f"Media    {media['number']:,}  {_bytes(media['bytes'])}"
    yield "Rows     " + "  ".join(f"{name} {number:,}" for name, number in report["rows"].items())
    for source in report["sources"]:
        kept, gone = source["records"]["kept"], source["records"]["gone"]
        yield f"\n{source['source']}: {kept:,} records kept, {gone:,} gone, {source['rejected']:,} rejected"
        for crawl in source["crawls"]:
            states = "  ".join(f"{state} {number:,}" for state, number in crawl["requests"].items())
            given = " ".join(f"{name}={value}" for name, value in crawl["arguments"].items())
            yield f"  {crawl['kind']} {crawl['id']}, round {crawl['round']}, {crawl['state']}: {states}  {given}".rstrip()
    if report["runs"]:
        yield "\nLast runs"
    for run in report["runs"]:
        end = f"exit {run['exit_code']} ({run['reason']})" if run["finished_at"] else "running, or killed"
        yield f"  {run['id']}  {run['source']:<12} {end:<24} {run['command']}"


def _check_text(report: dict[str, Any]) -> Iterator[str]:
    if not report["problems"]:
        yield f"{report['where']}: every invariant holds"
        return
    for problem in report["problems"]:
        yield f"{problem['kind']}: {problem['where']}: {problem['what']}".replace(": :", ":")
        yield f"    {problem['remedy']}"
    yield f"{len(report['problems'])} problems in {report['where']}"


def _compact_text(report: dict[str, Any]) -> Iterator[str]:
    yield f"Dropped {report['captures']:,} captures and {report['requests']:,} requests of earlier rounds"
    yield f"{_bytes(report['before'])} before, {_bytes(report['after'])} after"


def _backup_text(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['path']}  {_bytes(report['bytes'])}"


_TEXT = {"status": _status_text, "check": _check_text, "compact": _compact_text, "backup": _backup_text}
