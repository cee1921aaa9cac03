"""Finds spiders by name. An unknown one is wrong use, with the list of the known; a broken module hides no other."""

from __future__ import annotations

import difflib
import logging
import pkgutil
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.spiderloader import SpiderLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy import Spider
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)


class GristmillSpiderLoader(SpiderLoader):
    """Scrapy's loader with messages instead of tracebacks.

    Settings:
        SPIDER_MODULES

    Stats:
        None.
    """

    def __init__(self, settings: BaseSettings) -> None:
        self.broken: dict[str, str] = {}
        """Module that cannot be imported to the error, with file and line."""
        super().__init__(settings)

    def _load_all_spiders(self) -> None:
        for name in self.spider_modules:
            for module in self._names(name):
                try:
                    self._load_spiders(import_module(module))
                except Exception as exc:
                    self.broken[module] = _account(exc)
        for module, error in self.broken.items():
            logger.warning("%s cannot be imported, its spiders are unknown: %s", module, error)
        self._check_name_duplicates()

    def _names(self, name: str) -> Iterator[str]:
        """*name* and every module below it; where a package itself is broken, its name alone."""
        yield name
        try:
            package = import_module(name)
        except Exception:  # _load_all_spiders has met the same and wrote it down
            return
        for found in pkgutil.iter_modules(getattr(package, "__path__", ())):
            full = f"{name}.{found.name}"
            if found.ispkg:
                yield from self._names(full)
            else:
                yield full

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
        known = sorted(self.list())
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        parts = [f"unknown source {name!r}{hint}. Known sources: {', '.join(known) or 'none'}."]
        parts += [f"{module} cannot be imported: {error}." for module, error in self.broken.items()]
        return " ".join(parts)


def _account(error: Exception) -> str:
    """*error* in one line, with the place in the spider's file where it came from."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    place = f" ({own[0].filename}:{own[0].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"
