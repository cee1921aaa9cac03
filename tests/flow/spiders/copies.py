"""Gives texts, some of which are copies of others, in whatever order and company it is told to."""

from __future__ import annotations

import json
from pathlib import Path

import scrapy

from crawlers.items import Record


class CopiesSpider(scrapy.Spider):
    """``pages``: a JSON file, a list of pages, each a list of ``[key, text]``; ``url``: sites, taken in turn."""

    name = "copies"

    def __init__(self, url: str, pages: str, **kwargs):
        super().__init__(**kwargs)
        self.urls = url.split(",")
        self.pages = json.loads(Path(pages).read_text())

    async def start(self):
        for number, page in enumerate(self.pages):
            url = self.urls[number % len(self.urls)]
            yield scrapy.Request(f"{url}?page={number}", priority=-number, cb_kwargs={"found": page})

    def parse(self, response, found):
        for key, text in found:
            yield Record(self.name, key, url=f"{self.urls[0]}{key}", text=text)
