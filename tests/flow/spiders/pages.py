"""Every page of a site is a record, every link is followed: the plainest spider that can lose or double something."""

from __future__ import annotations

from types import SimpleNamespace

import scrapy

from crawlers.items import Record


class PagesSpider(scrapy.Spider):
    name = "pages"

    def __init__(self, url: str, max_pages: str = "0", **kwargs):
        super().__init__(**kwargs)
        self.start_urls = url.split(",")
        self.args = SimpleNamespace(max_pages=int(max_pages))

    def parse(self, response):
        title = response.css("title::text").get("")
        yield Record(
            source=self.name, key=response.url, url=response.url, title=title, text=response.css("body ::text").get()
        )
        yield from response.follow_all(css="a")
