"""The same spider as the crash tests run, on Scrapy's own scheduler, without a ledger: what crash safety is priced against."""

from __future__ import annotations

import sys

from scrapy.crawler import AsyncCrawlerProcess

from tests.flow.spiders.pages import PagesSpider

if __name__ == "__main__":
    process = AsyncCrawlerProcess({"LOG_LEVEL": "INFO", "ROBOTSTXT_OBEY": True, "TELNETCONSOLE_ENABLED": False})
    process.crawl(PagesSpider, url=sys.argv[1])
    process.start()
