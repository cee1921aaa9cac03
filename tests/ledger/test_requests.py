"""Requests survive the way into the frontier and back; what cannot is refused with its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import FormRequest, Request, Spider
from scrapy.http.request import NO_CALLBACK

from crawlers.errors import RequestNotSerializable
from crawlers.ledger.errback import LeasedErrback
from crawlers.ledger.requests import META_LEASE, entry_of, request_of
from crawlers.ledger.settlement import Entry, Lease, Settlement


class Example(Spider):
    name = "example"

    def parse(self, response):
        return None

    def parse_detail(self, response, page=1):
        return None

    def failed(self, failure):
        return None


@pytest.fixture
def spider() -> Example:
    return Example()


def back(entry: Entry, spider: Spider) -> Request:
    lease = Lease(7, entry.fingerprint, entry.url, entry.host, entry.payload, entry.priority, entry.depth, attempts=2)
    return request_of(lease, spider)


def test_plain_get_is_stored_as_nothing_but_its_url(spider):
    entry = entry_of(Request("http://shop.example:8000/a"), spider, "f00")
    assert (entry.url, entry.host, entry.payload) == ("http://shop.example:8000/a", "shop.example:8000", "{}")


def test_everything_a_request_has_comes_back(spider):
    request = Request(
        "http://shop.example/a",
        callback=spider.parse_detail,
        errback=spider.failed,
        method="POST",
        headers={"X-Token": ["a", "b"], "Accept": "text/html"},
        body="näme=1",
        cookies={"session": "1"},
        meta={"depth": 3, "cursor": {"page": [1, 2, None]}},
        priority=5,
        dont_filter=True,
        flags=["seen"],
        cb_kwargs={"page": 2},
    )
    again = back(entry_of(request, spider, "f00"), spider)
    for name in ("url", "method", "headers", "body", "cookies", "priority", "dont_filter", "flags", "cb_kwargs"):
        assert getattr(again, name) == getattr(request, name), name
    assert again.callback == spider.parse_detail
    assert again.errback == spider.failed
    assert again.meta["cursor"] == {"page": [1, 2, None]}
    assert again.meta["depth"] == 3
    assert again.meta[META_LEASE] == 7
    assert again.meta["gristmill_attempts"] == 2


def test_subclass_and_no_callback_come_back(spider):
    request = FormRequest("http://shop.example/login", formdata={"user": "a"}, callback=NO_CALLBACK)
    again = back(entry_of(request, spider, "f00"), spider)
    assert type(again) is FormRequest
    assert again.callback is NO_CALLBACK
    assert again.body == b"user=a"


def test_our_own_meta_is_not_inherited_from_a_response(spider):
    request = Request("http://shop.example/b", meta={META_LEASE: 3, "gristmill_attempts": 9, "mine": 1})
    assert "gristmill" not in entry_of(request, spider, "f").payload


def test_leased_errback_is_stored_as_the_original(spider):
    request = Request("http://shop.example/b")
    request.errback = LeasedErrback(Settlement(None), spider.failed)
    assert back(entry_of(request, spider, "f"), spider).errback == spider.failed


@given(body=st.binary(max_size=64))
def test_any_body_comes_back(body):
    spider = Example()
    request = Request("http://shop.example/b", method="PUT", body=body)
    assert back(entry_of(request, spider, "f"), spider).body == body


@pytest.mark.parametrize(
    ("kwargs", "named"),
    [
        ({"meta": {"session": object()}}, "meta['session'] (object)"),
        ({"cb_kwargs": {"page": {1, 2}}}, "cb_kwargs['page'] (set)"),
        ({"meta": {"body": b"raw"}}, "meta['body'] (bytes)"),
    ],
)
def test_what_is_not_json_is_named(spider, kwargs, named):
    with pytest.raises(RequestNotSerializable) as caught:
        entry_of(Request("http://shop.example/b", **kwargs), spider, "f")
    assert named in str(caught.value)
    assert "http://shop.example/b" in str(caught.value)


def test_a_function_that_is_no_method_is_refused(spider):
    with pytest.raises(RequestNotSerializable, match="method of the spider 'example'"):
        entry_of(Request("http://shop.example/b", callback=lambda response: None), spider, "f")


def test_a_method_that_is_gone_says_what_to_do(spider):
    lease = Lease(1, "f", "http://shop.example/b", "shop.example", '{"callback":"parse_old"}', 0, 0, 0)
    with pytest.raises(RequestNotSerializable, match="--fresh"):
        request_of(lease, spider)
