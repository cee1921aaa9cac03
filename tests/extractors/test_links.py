"""Links are absolute, of the web, without fragment, each once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.links import links, resolve
from crawlers.extractors.page import Page


def page(html, url="http://a.example/dir/page?x=1", headers=None):
    return Page(html.encode(), url, {"content-type": ["text/html; charset=utf-8"], **(headers or {})})


def found(html, **options):
    return [link.url for link in links(page(html, **options))]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/b", "http://a.example/b"),
        ("c", "http://a.example/dir/c"),
        ("../d", "http://a.example/d"),
        ("//b.example/e", "http://b.example/e"),
        ("?y=2", "http://a.example/dir/page?y=2"),
        ("http://b.example/f#part", "http://b.example/f"),
        ("  /g\n ", "http://a.example/g"),
        ("/h\n/i", "http://a.example/h/i"),
        ("#top", None),
        ("", None),
        ("javascript:void(0)", None),
        ("MAILTO:a@b.example", None),
        ("file:///etc/passwd", None),
        ("data:text/html,x", None),
        ("ftp://a.example/x", None),
        ("http://[broken/", None),
        ("/paper.PDF", None),
        ("/archive.tar.gz", None),
        ("/v1.2/notes", "http://a.example/v1.2/notes"),
        ("http://b.example", "http://b.example"),
    ],
)
def test_where_a_link_leads(href, url):
    assert found(f'<a href="{href}">x</a>') == ([url] if url else [])


def test_each_once_in_the_order_of_the_page():
    assert found('<a href="/b">1</a><a href="/a">2</a><a href="/b#x">3</a><map><area href="/c"></map>') == [
        "http://a.example/b", "http://a.example/a", "http://a.example/c",
    ]  # fmt: skip


def test_the_base_element_counts():
    assert found('<base href="/other/"><a href="x">x</a>') == ["http://a.example/other/x"]


def test_what_asks_not_to_be_followed_is_not():
    assert found('<a rel="nofollow noopener" href="/a">x</a><a href="/b">y</a>') == ["http://a.example/b"]
    assert found('<meta name="ROBOTS" content="noindex, NOFOLLOW"><a href="/b">y</a>') == []
    assert found('<a href="/b">y</a>', headers={"x-robots-tag": ["nofollow"]}) == []


@given(st.text(max_size=40))
def test_whatever_stands_there_is_an_address_of_the_web_or_nothing(href):
    url = resolve(href, "http://a.example/dir/page", "http://a.example")
    assert url is None or (url.startswith(("http://", "https://")) and "#" not in url)
