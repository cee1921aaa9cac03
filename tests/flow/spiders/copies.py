"""Gives texts, some of which are copies of others, in whatever order and company it is told to."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import scrapy
from scrapy.exceptions import DontCloseSpider

from crawlers.items import Record


class CopiesSpider(scrapy.Spider):
    """``pages``: a JSON file, a list of pages, each a list of ``[key, text]``; ``url``: sites, taken in turn.

    ``way``: ``at-once``; ``when-idle``: a page each time that the spider has been idle for a second; ``again``: the page
    is asked for once more for each further record. With COPIES_FAIL in the environment the start fails.
    """

    name = "copies"

    def __init__(self, url: str, pages: str, way: str = "at-once", **kwargs):
        super().__init__(**kwargs)
        self.urls = url.split(",")
        self.pages = json.loads(Path(pages).read_text())
        self.way = way
        self.idle_since = time.monotonic()

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        if spider.way == "when-idle":
            crawler.signals.connect(spider.feed, scrapy.signals.spider_idle)
        return spider

    async def start(self):
        if os.environ.get("COPIES_FAIL"):
            raise RuntimeError("the list of addresses cannot be read")
        for number in range(len(self.pages)) if self.way != "when-idle" else ():
            yield self.request(number)

    def request(self, number):
        url = self.urls[number % len(self.urls)]
        return scrapy.Request(f"{url}?page={number}", priority=-number, cb_kwargs={"found": self.pages[number]})

    def feed(self):
        if not self.pages:
            return
        if time.monotonic() - self.idle_since > 1:
            self.crawler.engine.crawl(self.request(0).replace(url=f"{self.urls[0]}?left={len(self.pages)}"))
            del self.pages[0]
            self.idle_since = time.monotonic()
        raise DontCloseSpider

    def parse(self, response, found):
        for key, text in found[:1] if self.way == "again" else found:
            yield Record(self.name, key, url=f"{self.urls[0]}{key}", text=text)
        if self.way == "again" and found[1:]:
            yield scrapy.Request(response.url, dont_filter=True, cb_kwargs={"found": found[1:]})
