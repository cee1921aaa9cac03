"""A page: decoded once, parsed once, the same for all that read it."""

from __future__ import annotations

import pytest

from crawlers.extractors import encodings
from crawlers.extractors.page import INDEXED, Page
from tests.webpages import broken_twins, ordinary, page_of, saved


def test_it_is_decoded_and_parsed_once():
    page = saved("article")
    assert page.tree is page.tree
    assert page.html is page.html
    assert page.tree.css_first("h1").text() == "Harbour bridge reopens after nine months"
    assert (page.encoding, page.flags) == ("utf-8", [])


def test_elements_are_those_that_a_query_finds():
    for name in ordinary():
        page = saved(name)
        for kind in INDEXED:
            found = [node.mem_id for node in page.elements(kind)]
            assert found == [node.mem_id for node in page.tree.css(kind)], kind


def test_headers_are_found_whatever_their_case_is():
    page = Page(b"<p>x", "https://a.example/", {"content-type": ["Text/HTML; charset=UTF-8", "text/plain"]})
    assert page.header("Content-Type") == "Text/HTML; charset=UTF-8"
    assert page.header("etag") is None
    assert (page.declared_type, page.media_type) == ("text/html", "text/html")
    bare = Page(b"<p>x", "https://a.example/")
    assert (bare.declared_type, bare.media_type) == ("", "text/html")


def test_bytes_overrule_the_header():
    assert page_of(b"%PDF-1.4 ...").media_type == "application/pdf"


def test_what_the_caller_decoded_is_taken():
    page = Page(b"<p>ignored", "https://a.example/", encoding="latin1", html="<p>gr\u00fcn\0</p>")
    assert (page.html, page.encoding) == ("<p>gr\u00fcn</p>", "cp1252")
    assert page.tree.css_first("p").text() == "gr\u00fcn"


def test_replacements_are_flagged():
    page = page_of(b"<p>caf\xe9 \xff\xfe \x81\x8d</p>" * 3)
    assert page.html
    assert ("decoding-replaced" in page.flags) == ("\ufffd" in page.html)


def test_a_body_in_another_encoding_is_parsed_as_text():
    page = Page("<meta charset=windows-1251><p>Чайник</p>".encode("cp1251"), "https://a.example/")
    assert page.tree.css_first("p").text() == "Чайник"


def test_what_is_remembered_is_made_once():
    page, made = page_of("<p>x"), []

    def make(given):
        made.append(given)
        return [1]

    assert page.remember("a", make) is page.remember("a", make)
    assert made == [page]


def test_a_flag_is_set_once():
    page = page_of("")
    page.flag("a")
    page.flag("a")
    assert page.flags == ["a"]


def test_other_parsers_are_given_what_is_left_of_a_page_that_was_cut():
    page = page_of("<div " + " ".join(f"a{i}=1" for i in range(40_000)) + "><p>text</p></div>")
    assert len(page.markup) < len(page.html)
    assert page.tree.css_first("p").text() == "text"
    assert page.flags == ["truncated"]


def test_other_parsers_are_given_an_ordinary_page_whole():
    page = saved("product")
    assert page.markup is page.html


@pytest.mark.parametrize("name", ordinary())
def test_every_broken_twin_is_parsed(name):
    for what, body in broken_twins(saved(name).html).items():
        page = page_of(body)
        assert page.tree.root is not None or not body.strip(), what
        page.markup.encode()
        assert "\0" not in page.html, what
        assert encodings.codec(page.encoding) is not None or page.encoding.startswith("utf-16"), what
