"""A picture a page, as a user's own spider would collect them."""

from __future__ import annotations

import scrapy

from crawlers.items import Media, Record


class GallerySpider(scrapy.Spider):
    name = "gallery"

    def __init__(self, url: str, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]

    def parse(self, response):
        for href in response.css("a::attr(href)").getall():
            yield response.follow(href, callback=self.parse_picture)

    def parse_picture(self, response):
        record = Record(self.name, response.url, type="ImageObject", modality="image", url=response.url)
        record.title = response.css("h1::text").get()
        sources = response.css("img::attr(src)").getall()
        record.media = [
            Media(url=response.urljoin(source), role="main" if not i else "illustration")
            for i, source in enumerate(sources)
        ]
        yield record
