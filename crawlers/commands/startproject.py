"""`scrapy startproject`: Scrapy's command; wrong use is exit code 2."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands.startproject import Command as ScrapyCommand
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    import argparse


class Command(ScrapyCommand):
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if args and (Path(args[-1]) / "scrapy.cfg").exists():
            raise UsageError(f"scrapy.cfg already exists in {Path(args[-1]).resolve()}", print_help=False)
        super().run(args, opts)

    def _is_valid_name(self, project_name: str) -> bool:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            valid = super()._is_valid_name(project_name)
        if not valid:
            what = " ".join(said.getvalue().split()).removeprefix("Error: ")
            raise UsageError(f"{what}, got {project_name!r}", print_help=False)
        return True
