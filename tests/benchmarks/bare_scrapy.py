"""The baseline: bare Scrapy with default settings, a CrawlSpider with LinkExtractor that yields url and title."""

from __future__ import annotations

import sys

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.linkextractors import LinkExtractor
from scrapy.spiders import CrawlSpider, Rule


class BareSpider(CrawlSpider):
    name = "bare"
    rules = (Rule(LinkExtractor(), callback="parse_page", follow=True),)

    def __init__(self, url: str, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]
        self.allowed_domains = [url.split("/")[2].partition(":")[0]]

    def parse_page(self, response):
        yield {"url": response.url, "title": response.css("title::text").get()}


if __name__ == "__main__":
    process = AsyncCrawlerProcess({"LOG_LEVEL": "INFO"})
    process.crawl(BareSpider, url=sys.argv[1])
    process.start()
