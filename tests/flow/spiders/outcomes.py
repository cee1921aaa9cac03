"""Asks for whatever it is told to, and meets every way in which a request can end."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urljoin

import scrapy

from crawlers.items import Record


class OutcomesSpider(scrapy.Spider):
    name = "outcomes"

    def __init__(self, plan: str, **kwargs):
        super().__init__(**kwargs)
        self.plan = json.loads(Path(plan).read_text())

    async def start(self):
        for step in self.plan:
            callback = getattr(self, step.get("callback", "parse"))
            errback = getattr(self, step["errback"]) if "errback" in step else None
            yield scrapy.Request(step["url"], callback=callback, errback=errback, meta=step.get("meta"))

    def record(self, key, text="text"):
        return Record(source=self.name, key=key, url=key, text=text)

    def parse(self, response):
        yield self.record(response.url)

    async def parse_async(self, response):
        yield self.record(response.url)
        yield response.follow("/page/async-child", callback=self.parse)

    def parse_then_fail(self, response):
        yield self.record(response.url)
        yield response.follow("/page/kept-child", callback=self.parse)
        raise ValueError("the page is not what it was")

    def parse_unserializable(self, response):
        yield response.follow("/page/never", callback=lambda r: None)

    def parse_again(self, response):
        yield self.record(response.url)
        yield response.request.replace(dont_filter=True, callback=self.parse_last)

    def parse_last(self, response):
        yield self.record(response.url + "#again")

    def parse_copied_meta(self, response):
        yield response.follow("/page/copied", callback=self.parse, meta=response.meta)

    def parse_dict(self, response):
        yield {"url": response.url, "title": "a dict", "price": 3}

    def failed(self, failure):
        yield self.record("handled:" + failure.request.url)
        yield scrapy.Request(urljoin(failure.request.url, "/page/from-errback"), callback=self.parse)
