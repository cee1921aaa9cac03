"""Labels that are no character encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import HtmlResponse, Response

from crawlers.middlewares.charset import CharsetMiddleware, misleads
from tests.crawl import crawl
from tests.server import Site

LABELS = ["zlib", "rot13", "rot_13", "undefined", "hex", "bz2", "base64", "idna", "punycode", "unicode_escape", "uu"]
TEXT = "<p>Žluťoučký kůň, café</p>"


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_things_that_are_no_encodings(label: str) -> None:
    assert misleads(label)


@pytest.mark.parametrize(
    "label",
    [
        "utf-8",
        "UTF8",
        "latin1",
        "iso-8859-2",
        "windows-1250",
        "gbk",
        "shift_jis",
        "euc-kr",
        "koi8-r",
        "ascii",
        "nonsense",
        "",
        "utf_8",
    ],
)
def test_other_labels_are_left_alone(label: str) -> None:
    assert not misleads(label)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("place", ["header", "meta"])
def test_the_page_is_read_by_its_bytes(label: str, place: str) -> None:
    header = f"text/html; charset={label}" if place == "header" else "text/html"
    meta = f"<meta charset={label}>" if place == "meta" else ""
    response = HtmlResponse("http://a/", body=(meta + TEXT).encode(), headers={"Content-Type": header})
    fixed = CharsetMiddleware().process_response(Request("http://a/"), response)
    assert isinstance(fixed, HtmlResponse)
    assert TEXT in fixed.text
    assert fixed.css("p::text").get() == "Žluťoučký kůň, café"


def test_ordinary_answers_are_the_same_object() -> None:
    middleware = CharsetMiddleware()
    for response in (
        HtmlResponse("http://a/", body=TEXT.encode(), headers={"Content-Type": "text/html; charset=utf-8"}),
        HtmlResponse("http://a/", body=b"<meta charset='windows-1250'>x"),
        Response("http://a/", body=b"\x00charset=zlib"),
    ):
        assert middleware.process_response(Request("http://a/"), response) is response


@pytest.mark.parametrize(
    "label", ["zlib", "rot13", "undefined", "no-such-charset", "utf-8", "windows-1250", "utf-16", "hex"]
)
def test_no_label_loses_a_page(site: Site, label: str) -> None:
    (end,) = crawl([site.url(f"/charset/{label}")], follow=True).ends
    assert (end.status, end.reason) == (200, "")


@given(st.text(max_size=50), st.binary(max_size=100))
def test_no_label_and_no_body_break_it(label: str, body: bytes) -> None:
    headers = {"Content-Type": f"text/html; charset={label}"}
    fixed = CharsetMiddleware().process_response(
        Request("http://a/"), HtmlResponse("http://a/", body=body, headers=headers)
    )
    assert fixed.body == body
