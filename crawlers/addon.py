"""The same components as a Scrapy add-on, for people who have a Scrapy project already.

One line in their ``settings.py`` is enough; their spiders stay as they are::

    ADDONS = {"crawlers.addon.GristmillAddon": 500}

Every setting of :mod:`crawlers.settings` then has its default, below whatever the project sets itself; pipelines and
middlewares of the project are kept and run beside ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.settings import SETTINGS_PRIORITIES

from crawlers import settings as defaults

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings, Settings

_OF_THE_PROJECT = frozenset(
    {"BOT_NAME", "SPIDER_MODULES", "NEWSPIDER_MODULE", "COMMANDS_MODULE", "SPIDER_LOADER_CLASS", "TEMPLATES_DIR"}
)
_MERGED = (
    "ITEM_PIPELINES",
    "DOWNLOADER_MIDDLEWARES",
    "SPIDER_MIDDLEWARES",
    "EXTENSIONS",
    "DOWNLOAD_HANDLERS",
    "FEED_EXPORTERS",
)

LOOK = "GRISTMILL_LOOK"
"""Setting by which a command says that it looks at pages and keeps nothing; see :mod:`crawlers.looking`."""

WITHOUT_LEDGER = {
    "SCHEDULER": "crawlers.looking.LookScheduler",
    "ITEM_PROCESSOR": "crawlers.looking.LookPipelineManager",
}
"""What takes the place of our components that work on the ledger."""

_OFF: dict[str, Any] = {
    # Whatever opens the ledger or writes below DATA_DIR.
    "CAPTURE_ENABLED": False,
    "DEDUP_ENABLED": False,
    "MEDIA_ENABLED": False,
    "IMAGE_DUPLICATES": True,
    "EXPORTS": "",
    "PROGRESS_INTERVAL": 0.0,
    # These give a request back to the ledger for later, and there is no later.
    "ROBOTS_PATIENCE": 0.0,
    "RETRY_ENABLED": False,
    "RETRY_AFTER_MAX": 0.0,
}


class GristmillAddon:
    """Gives a project our pipelines, ledger, politeness and commands."""

    def update_settings(self, settings: Settings) -> None:
        """Called by Scrapy for each crawler."""
        apply_defaults(settings)
        if settings.getbool(LOOK):
            without_ledger(settings)


def apply_defaults(settings: BaseSettings) -> None:
    """Set what the project did not set itself; merge what is a collection of components.

    Commands that need no crawler (``scrapy rejected`` …) call this too, so that they see the same settings.
    """
    for name in dir(defaults):
        if not name.isupper() or name in _OF_THE_PROJECT:
            continue
        value: Any = getattr(defaults, name)
        if name in _MERGED:
            merged = {**value, **settings.getdict(name)}
            settings.set(name, merged, priority=max(settings.getpriority(name) or 0, SETTINGS_PRIORITIES["addon"]))
        else:
            settings.set(name, value, priority="addon")


def without_ledger(settings: BaseSettings) -> None:
    """Take away what stores. What needs our scheduler sees that it is not there, and stays off by itself."""
    settings.setdict(_OFF, priority="cmdline")
    for name, replacement in WITHOUT_LEDGER.items():
        if settings[name] == getattr(defaults, name):
            settings.set(name, replacement, priority="cmdline")
