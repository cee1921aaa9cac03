"""A record knows where it came from, and says nothing that is nobody's business."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse
from scrapy.utils.test import get_crawler

from crawlers.errors import ArgumentError
from crawlers.hashing import record_id, sha256
from crawlers.sources.base import Source, public


class Shop(Source):
    name = "shop"


def answer(url="http://shop.example/a", body=b"<title>T</title>", **meta):
    request = Request(meta.pop("asked", url), meta=meta)
    return HtmlResponse(url, body=body, request=request, headers={"ETag": '"1"', "Content-Type": "text/html"})


def test_the_provenance_says_what_was_asked_and_what_answered():
    response = answer("http://shop.example/b", redirect_urls=["http://shop.example/a"], gristmill_fingerprint="f00")
    record = Shop().record(response, title="T")
    origin = record.provenance
    assert (origin.request_url, origin.response_url) == ("http://shop.example/a", "http://shop.example/b")
    assert (origin.spider, origin.status, origin.etag, origin.content_type) == ("shop", 200, '"1"', "text/html")
    assert origin.body_sha256 == sha256(response.body)
    assert origin.request_fingerprint == "f00"
    assert origin.fetched_at.endswith("Z")


def test_without_a_frontier_the_fingerprint_is_the_crawlers():
    crawler = get_crawler(Shop)
    crawler._apply_settings()
    spider, response = Shop.from_crawler(crawler), answer()
    expected = crawler.request_fingerprinter.fingerprint(response.request).hex()
    assert spider.record(response).provenance.request_fingerprint == expected
    assert Shop().record(response).provenance.request_fingerprint is None


def test_records_of_one_answer_share_its_page_and_its_hash():
    spider, response = Shop(), answer()
    records = [spider.record(response, key=str(n)) for n in range(3)]
    assert {record.provenance.body_sha256 for record in records} == {spider.page(response).memo["body_sha256"]}
    assert {id(record.page) for record in records} == {id(spider.page(response))}


def test_the_identity_is_that_of_the_key():
    assert Shop().record(answer()).id == record_id("shop", "http://shop.example/a")
    assert Shop().record(answer(), key="sku-1").id == record_id("shop", "sku-1")


def test_a_page_is_made_once_for_an_answer():
    spider, response = Shop(), answer()
    assert spider.page(response) is spider.page(response)
    assert spider.record(response).page is spider.page(response)
    assert spider.page(answer()) is not spider.page(response)


def test_rights_read_on_the_way_come_along():
    rights = {"robots": "allowed by *", "signals": [["robots.txt", "GPTBot: /", True]]}
    record = Shop().record(answer(gristmill_rights=rights))
    assert record.rights.robots == "allowed by *"
    assert record.rights.signals[0].optout is True


def test_passwords_in_addresses_stay_out_of_records():
    record = Shop().record(answer("http://me:secret@shop.example:8000/a?b=c@d"))
    assert "secret" not in repr(record)
    assert record.url == "http://shop.example:8000/a?b=c@d"
    assert public("http://shop.example/@me") == "http://shop.example/@me"


def test_wrong_arguments_stop_the_spider_before_anything_else():
    with pytest.raises(ArgumentError, match="unknown argument 'urll'"):
        Shop(urll="x")
