"""Settings: looked at before anything else is built, however the crawl was started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.checks import check

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class SettingsExtension:
    """Stops a crawl whose settings are of a wrong type or out of range. Our commands have looked already; scripts have not.

    Settings:
        Every one; see :mod:`crawlers.checks`.

    Stats:
        None.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SettingsExtension:
        """Check them.

        Raises:
            ConfigurationError: one is wrong.
        """
        check(crawler.settings)
        return cls()
