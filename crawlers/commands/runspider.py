"""`scrapy runspider <file>`: Scrapy's command; a file that cannot be imported is wrong use, told in one line."""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands.runspider import Command as ScrapyCommand
from scrapy.commands.runspider import _import_file
from scrapy.exceptions import UsageError

from crawlers.running import take_options

if TYPE_CHECKING:
    import argparse


class Command(ScrapyCommand):
    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        settings = self.settings
        assert settings is not None
        take_options(settings, opts.set, partial(super().process_options, args, opts))

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) == 1 and Path(args[0]).exists():
            _check_import(args[0])  # Scrapy's command finds the module imported
        super().run(args, opts)


def _check_import(file: str) -> None:
    try:
        _import_file(file)
    except Exception as exc:
        own = [f for f in traceback.extract_tb(exc.__traceback__) if f.filename == str(Path(file).resolve())]
        place = f" ({file}:{own[-1].lineno})" if own else ""
        raise UsageError(f"{file} cannot be imported: {type(exc).__name__}: {exc}{place}", print_help=False) from None
