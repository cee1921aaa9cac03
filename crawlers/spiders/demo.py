"""Demo: the small site that comes with this package, served from this very process: `scrapy crawl demo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrapy.settings import SETTINGS_PRIORITIES

from crawlers.demo import server, truth
from crawlers.errors import ConfigurationError
from crawlers.sources.arguments import argument
from crawlers.sources.web import WebArguments, WebSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from crawlers.items import Record

_LOOPBACK = "127.0.0.0/8"


class DemoSpider(WebSource):
    """A shop, a newspaper and a forum, with planted troubles; :mod:`crawlers.demo.truth` says which."""

    name = "demo"
    allowed_domains = [server.HOST]
    sitemap = True

    @dataclass(kw_only=True)
    class Arguments(WebArguments):
        """What every web source takes; ``exclude`` keeps the advertisements out."""

        exclude: list[str] = argument(
            "reject records in which one of these phrases occurs", list(truth.EXCLUDE), example="casino"
        )

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Allow loopback besides what the user allows, wherever he said so, and do not dawdle with ourselves."""
        super().update_settings(settings)
        given = [part for part in settings.getlist("NETWORK_ALLOW") if part.strip()]
        priority = max(settings.getpriority("NETWORK_ALLOW") or 0, SETTINGS_PRIORITIES["spider"])
        settings.set("NETWORK_ALLOW", ",".join(dict.fromkeys([*given, _LOOPBACK])), priority=priority)
        settings.set("DOWNLOAD_DELAY", 0, priority="spider")
        settings.set("IMAGE_REQUIRED_FOR", ["ImageObject", "image", "Product"], priority="spider")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> DemoSpider:
        """Serve the site before the first request; its address never changes, so that a crawl can be resumed.

        Raises:
            ConfigurationError: another program has the port.
        """
        spider = super().from_crawler(crawler, *args, **kwargs)
        assert isinstance(spider, DemoSpider)
        port = crawler.settings.getint("DEMO_PORT")
        try:
            server.serve(port)
        except (OSError, OverflowError) as exc:
            raise ConfigurationError(
                f"demo: expected port {port} to be free for the demo site, got: {exc}. Choose another with "
                f"-s DEMO_PORT={port + 1}"
            ) from exc
        return spider

    def first_urls(self) -> list[str]:
        """The site's home."""
        return [f"http://{server.HOST}:{self.settings.getint('DEMO_PORT')}/"]

    def parse_page(self, response: Response) -> Iterator[Record]:
        """One record for each page that is not a list of others."""
        if not self.is_list(response):
            yield self.record(response)
