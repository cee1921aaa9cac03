"""`scrapy genspider -t web <name> <domain>`: Scrapy's command, with our templates; wrong use is said and is exit code 2."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.commands.genspider import Command as ScrapyCommand
from scrapy.commands.genspider import sanitize_module_name, verify_url_scheme
from scrapy.exceptions import UsageError

if TYPE_CHECKING:
    import argparse

TEMPLATES = Path(__file__).parent.parent / "templates" / "spiders"
_NOT_IN_CODE = re.compile(r"[\x00-\x1f\"\\]")
"""What would end the string that a template puts the domain in."""


class Command(ScrapyCommand):
    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) == 2 and not opts.list and not opts.dump:
            self._check_name(args[0])
            _check_domain(args[1])
        super().run(args, opts)

    def _check_name(self, name: str) -> None:
        """The name becomes a file and a module."""
        assert self.settings is not None
        module = sanitize_module_name(name) if name else ""
        if not module.isidentifier():
            raise UsageError(
                f"expected a spider's name of letters, digits, '-', '.' and '_', got {name!r}", print_help=False
            )
        if module == self.settings.get("BOT_NAME"):
            raise UsageError(f"expected another name than the project's (BOT_NAME), got {name!r}", print_help=False)

    def _find_template(self, template: str) -> Path | None:
        own = TEMPLATES / f"{template.removesuffix('.tmpl')}.tmpl"
        if own.exists():
            return own
        with contextlib.redirect_stdout(io.StringIO()):
            found = super()._find_template(template)
        if found is None:
            raise UsageError(
                f"expected a template that `scrapy genspider --list` shows, got {template!r}", print_help=False
            )
        return found

    def _list_templates(self) -> None:
        super()._list_templates()
        for file in sorted(TEMPLATES.glob("*.tmpl")):
            print(f"  {file.stem}")

    def _spider_exists(self, name: str) -> bool:
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exists = super()._spider_exists(name)
        except UsageError:  # how our spider loader says that there is none
            return False
        if exists:
            raise UsageError(f"{' '.join(said.getvalue().split())}; --force writes over it", print_help=False)
        return False


def _check_domain(domain: str) -> None:
    try:
        verify_url_scheme(domain)
    except ValueError as exc:
        raise UsageError(f"expected a domain or URL, got {domain!r}: {exc}", print_help=False) from None
    if _NOT_IN_CODE.search(domain):
        raise UsageError(f"expected a domain or URL without quotes and backslashes, got {domain!r}", print_help=False)
