"""Finds spiders by name. An unknown one is wrong use, with the list of the known; a broken module does not hide others."""

from __future__ import annotations

import difflib
import traceback
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.spiderloader import SpiderLoader
from scrapy.utils.misc import walk_modules_iter

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings


class GristmillSpiderLoader(SpiderLoader):
    """Scrapy's loader with messages instead of tracebacks.

    Settings:
        SPIDER_MODULES
    """

    def __init__(self, settings: BaseSettings) -> None:
        self._broken: dict[str, str] = {}
        super().__init__(settings)

    def _load_all_spiders(self) -> None:
        for name in self.spider_modules:
            try:
                for module in walk_modules_iter(name):
                    self._load_spiders(module)
            except Exception as exc:
                self._broken[name] = "".join(traceback.format_exception_only(exc)).strip()
        self._check_name_duplicates()

    def load(self, spider_name: str) -> type[Spider]:
        """The spider class of that name.

        Raises:
            UsageError: there is none; lists those that there are.
        """
        try:
            return super().load(spider_name)
        except KeyError:
            raise UsageError(self._unknown(spider_name), print_help=False) from None

    def _unknown(self, name: str) -> str:
        known = self.list()
        near = difflib.get_close_matches(name, known, n=1)
        parts = [f"unknown source {name!r}"]
        if near:
            parts.append(f"did you mean {near[0]!r}?")
        parts.append(f"Known sources: {', '.join(sorted(known)) or 'none'}.")
        parts += [f"({module} cannot be imported: {error})" for module, error in self._broken.items()]
        return " ".join(parts)
