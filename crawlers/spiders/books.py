"""Books: books.toscrape.com, as an example of a spider written by hand, a record a page: `scrapy crawl books`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawlers.extractors.metadata import number
from crawlers.items import Media
from crawlers.sources.arguments import argument
from crawlers.sources.web import WebArguments, WebSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

    from crawlers.items import Record

_RATINGS = ("Zero", "One", "Two", "Three", "Four", "Five")


class BooksSpider(WebSource):
    """Books with price, stock and cover; categories and lists are only the way to them."""

    name = "books"
    deny = "/reviews/"

    @dataclass(kw_only=True)
    class Arguments(WebArguments):
        """What every web source takes, and where a copy of the site is."""

        url: str = argument("the site, or a copy of it", "https://books.toscrape.com/")

    def first_urls(self) -> list[str]:
        """The ``url`` argument."""
        return [self.args.url]

    def parse_page(self, response: Response) -> Iterator[Record]:
        """The book of the page, if it has one."""
        for book in response.css("article.product_page"):
            stock = " ".join(book.css(".product_main .availability::text").getall())
            stars = book.css(".product_main .star-rating::attr(class)").get("").split()
            cover = book.css("#product_gallery img")
            yield self.record(
                response,
                type="Product",
                title=book.css("h1::text").get(),
                text=book.css("#product_description + p::text").get("").removesuffix(" ...more") or None,
                media=[
                    Media(url=response.urljoin(img.attrib["src"]), role="main", alt=img.attrib.get("alt"))
                    for img in cover
                ],
                fields={
                    "price": number(book.css(".price_color::text").get()),
                    "currency": "GBP",
                    "availability": "InStock" if "In stock" in stock else "OutOfStock",
                    "stock": int(number(stock) or 0),
                    "rating": next((n for n, word in enumerate(_RATINGS) if word in stars), None),
                    "upc": book.css("th:contains(UPC) + td::text").get(),
                    "category": response.css(".breadcrumb li:nth-child(3) a::text").get(),
                },
            )
