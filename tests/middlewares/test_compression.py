"""Compressed answers in a crawl."""

from __future__ import annotations

import gzip

import pytest
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.utils.test import get_crawler

from crawlers.middlewares.compression import CompressionMiddleware
from crawlers.middlewares.outcomes import Failed, Skipped
from tests.crawl import crawl
from tests.server import Site

REQUEST = Request("http://a/")


def packed(body: bytes = gzip.compress(b"<html>hello</html>"), coding: str = "gzip", cls: type = Response) -> Response:
    headers = {"Content-Type": "text/html", "Content-Encoding": coding, "X": "y"}
    return cls("http://a/", status=203, headers=headers, body=body, flags=["f"], request=REQUEST, protocol="HTTP/1.1")


def test_an_answer_is_unpacked_and_otherwise_the_same() -> None:
    response = CompressionMiddleware().process_response(REQUEST, packed())
    assert isinstance(response, HtmlResponse)
    assert response.body == b"<html>hello</html>"
    assert (response.status, response.flags, response.protocol) == (203, ["f"], "HTTP/1.1")
    assert response.request is REQUEST
    assert response.headers.get("X") == b"y"
    assert "Content-Encoding" not in response.headers


def test_nobody_asks_the_packed_answer_for_its_encoding() -> None:
    class Touchy(TextResponse):
        @property
        def encoding(self) -> str:
            raise AssertionError("charset detection on packed bytes")

    assert CompressionMiddleware().process_response(REQUEST, packed(cls=Touchy)).body == b"<html>hello</html>"


def test_several_header_lines_and_values_are_layers() -> None:
    body = gzip.compress(gzip.compress(b"x"))
    one = packed(body, "gzip, GZIP")
    two = packed(body)
    two.headers.setlist("Content-Encoding", ["gzip", "gzip"])
    assert [CompressionMiddleware().process_response(REQUEST, r).body for r in (one, two)] == [b"x", b"x"]


def test_plain_head_and_empty_answers_are_left_as_they_are() -> None:
    middleware = CompressionMiddleware()
    plain, empty = Response("http://a/", body=b"x"), packed(b"")
    assert middleware.process_response(REQUEST, plain) is plain
    assert middleware.process_response(REQUEST, empty) is empty
    head = packed()
    assert middleware.process_response(Request("http://a/", method="HEAD"), head) is head


def test_what_it_can_unpack_is_asked_for_on_the_web_only() -> None:
    web, table = Request("http://a/"), Request("sql://a/1")
    for request in (web, table):
        CompressionMiddleware().process_request(request)
    assert web.headers["Accept-Encoding"] == b"gzip, deflate, br, zstd"
    assert "Accept-Encoding" not in table.headers
    own = Request("http://a/", headers={"Accept-Encoding": "identity"})
    CompressionMiddleware().process_request(own)
    assert own.headers["Accept-Encoding"] == b"identity"


def test_too_much_is_skipped_and_damage_fails() -> None:
    with pytest.raises(Skipped, match="HTTP_DECOMPRESS_MAXSIZE") as caught:
        CompressionMiddleware(limit=5).process_response(REQUEST, packed())
    assert caught.value.reason == "too-large"
    with pytest.raises(Failed) as damage:
        CompressionMiddleware().process_response(REQUEST, packed(b"not gzip"))
    assert damage.value.reason == "bad-encoding"
    assert damage.value.response is not None


def test_half_a_page_is_a_cut_answer_unless_it_is_asked_for() -> None:
    whole = gzip.compress(b" ".join(b"%d" % n for n in range(5000)))
    with pytest.raises(Failed, match="DOWNLOAD_FAIL_ON_DATALOSS=False takes what there is") as cut:
        CompressionMiddleware().process_response(REQUEST, packed(whole[:-100]))
    assert cut.value.reason == "cut"
    asked = Request("http://a/", meta={"download_fail_on_dataloss": False})
    for middleware, request in ((CompressionMiddleware(whole=False), REQUEST), (CompressionMiddleware(), asked)):
        body = middleware.process_response(request, packed(whole[:-100])).body
        assert body
        assert gzip.decompress(whole).startswith(body)


def test_what_was_stopped_on_purpose_and_error_pages_are_taken_as_they_came() -> None:
    half = gzip.compress(b" ".join(b"%d" % n for n in range(5000)))[:-100]
    stopped, missing = packed(half), packed(half)
    stopped.flags.append("download_stopped")
    missing.status = 404
    assert CompressionMiddleware().process_response(REQUEST, stopped).body.startswith(b"0 1 2 ")
    assert CompressionMiddleware().process_response(REQUEST, missing).body.startswith(b"0 1 2 ")


def test_off_means_off() -> None:
    with pytest.raises(NotConfigured, match="COMPRESSION_ENABLED"):
        CompressionMiddleware.from_crawler(get_crawler(settings_dict={"COMPRESSION_ENABLED": False}))


def test_bombs_are_too_large_and_cost_little(site: Site) -> None:
    kinds = ["gzip", "deflate", "br", "zstd", "nested"]
    plain = crawl([site.url("/item/1")])
    result = crawl([site.url(f"/bomb/{kind}") for kind in kinds] + [site.url("/item/1")])
    reasons = {end.url.rpartition("/")[2]: end.reason for end in result.ends}
    assert reasons == dict.fromkeys(kinds, "too-large") | {"1": ""}
    assert result.maxrss_mb - plain.maxrss_mb <= 90  # five in a row, and what the allocator keeps


def test_pages_come_out_whole(site: Site) -> None:
    result = crawl([site.url("/item/1")])
    assert result.ends[0].size > 5000
    assert result.ends[0].body.startswith("<!doctype html>")
    assert result.stats["httpcompression/response_count"] == 1
