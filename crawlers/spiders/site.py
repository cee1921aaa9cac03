"""Any web site: finds the article, product or thread on each page; list pages are only the way to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from crawlers.errors import ArgumentError
from crawlers.sources.arguments import argument
from crawlers.sources.web import WebArguments, WebSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

    from crawlers.items import Record

_WEB = ("http://", "https://")


class SiteSpider(WebSource):
    """Any web site by its address: the article, product or thread on each page is a record."""

    name = "site"
    sitemap = True

    @dataclass(kw_only=True)
    class Arguments(WebArguments):
        """``-a url=`` and what every web source takes."""

        url: list[str] = argument("where to start; several with commas", example="https://example.com/")

    def first_urls(self) -> list[str]:
        """The ``url`` argument."""
        urls: list[str] = []
        for part in self.args.url:
            if urls and not part.startswith(_WEB):
                urls[-1] += f",{part}"  # a comma in an address
            else:
                urls.append(part)
        for url in urls or [""]:
            if not url.startswith(_WEB) or not _host(url):
                raise ArgumentError(f"site: argument 'url': expected http://… or https://…, got {url!r}")
        return urls

    def parse_page(self, response: Response) -> Iterator[Record]:
        """One record for each page that is not a list of others."""
        if not self.is_list(response):
            yield self.record(response)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # a [ without its ]
        return None
