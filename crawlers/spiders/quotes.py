"""Quotes: quotes.toscrape.com, as an example of a spider that finds several records on a page: `scrapy crawl quotes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawlers.hashing import sha256
from crawlers.sources.arguments import argument
from crawlers.sources.web import WebArguments, WebSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

    from crawlers.items import Record


class QuotesSpider(WebSource):
    """Quotations with author and tags; the same one is the same record on whichever page it stands."""

    name = "quotes"
    follow = r"/page/\d+/?$"
    deny = "/tag/"

    @dataclass(kw_only=True)
    class Arguments(WebArguments):
        """What every web source takes, and where a copy of the site is."""

        url: str = argument("the site, or a copy of it", "https://quotes.toscrape.com/")

    def first_urls(self) -> list[str]:
        """The ``url`` argument."""
        return [self.args.url]

    def parse_page(self, response: Response) -> Iterator[Record]:
        """One record for each quotation."""
        for quote in response.css("div.quote"):
            text = quote.css(".text::text").get("").strip().strip("“”")
            author = quote.css(".author::text").get("").strip()
            record = self.record(
                response,
                key=f"{author}#{sha256(text.encode()).removeprefix('sha256:')[:16]}",
                type="Quotation",
                text=text,
                authors=[author],
                fields={"tags": quote.css("a.tag::text").getall()},
            )
            record.page = None  # title and pictures of the page are not the quotation's
            yield record
