"""Sitemaps of all kinds and in all states give the addresses that they list, and never more than they may."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.sources import sitemaps
from crawlers.sources.sitemaps import entries, from_robots, unpack

BASE = "http://x.example/sitemap.xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*urls, head=HEAD, attributes=NAMESPACE):
    items = "".join(f"<url><loc>{url}</loc><lastmod>2026-01-01</lastmod></url>" for url in urls)
    return f"{head}<urlset {attributes}>{items}</urlset>".encode()


def test_robots_txt_names_sitemaps():
    text = "User-agent: *\nDisallow: /x\nSITEMAP: http://x.example/a.xml\nsitemap:/b.xml.gz\nSitemap:\n# Sitemap: /c\n"
    assert from_robots(text, "http://x.example/robots.txt") == ["http://x.example/a.xml", "http://x.example/b.xml.gz"]


def test_urls_in_their_order():
    body = urlset("http://x.example/a", " http://x.example/b?c=1&amp;d=2\n", "/relative")
    assert list(entries(body, BASE)) == [
        ("url", "http://x.example/a"),
        ("url", "http://x.example/b?c=1&d=2"),
        ("url", "http://x.example/relative"),
    ]


@pytest.mark.parametrize(
    ("head", "attributes"), [("", ""), (HEAD, 'xmlns="http://www.google.com/schemas/sitemap/0.84"')]
)
def test_other_namespaces_and_none(head, attributes):
    assert list(entries(urlset("http://x.example/a", head=head, attributes=attributes), BASE)) == [
        ("url", "http://x.example/a")
    ]


def test_an_index_leads_to_sitemaps():
    body = f"{HEAD}<sitemapindex {NAMESPACE}><sitemap><loc>/one.xml</loc></sitemap><sitemap/></sitemapindex>"
    assert list(entries(body.encode(), BASE)) == [("sitemap", "http://x.example/one.xml")]


def test_pictures_and_alternates_are_no_pages():
    body = (
        f'{HEAD}<urlset {NAMESPACE} xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url>'
        "<image:image><image:loc>http://x.example/a.png</image:loc></image:image>"
        "<loc>http://x.example/a</loc></url></urlset>"
    )
    assert list(entries(body.encode(), BASE)) == [("url", "http://x.example/a")]


def test_a_list_of_addresses_is_a_sitemap_too():
    body = b"\xef\xbb\xbfhttp://x.example/a\r\n\r\nnot an address\nhttps://x.example/b\n"
    assert [url for _, url in entries(body.removeprefix(b"\xef\xbb\xbf"), BASE)] == [
        "http://x.example/a", "https://x.example/b",
    ]  # fmt: skip


def test_gzip_is_unpacked_whatever_the_header_says():
    assert list(entries(gzip.compress(urlset("http://x.example/a")), BASE)) == [("url", "http://x.example/a")]


def test_every_member_of_a_gzip_file_is_unpacked():
    body = urlset("http://x.example/a", "http://x.example/b")
    parts = gzip.compress(body[:60]) + gzip.compress(body[60:])
    assert [url for _, url in entries(parts, BASE)] == ["http://x.example/a", "http://x.example/b"]


def test_no_more_is_unpacked_than_a_sitemap_may_have(monkeypatch):
    monkeypatch.setattr(sitemaps, "MAX_BYTES", 1000)
    assert len(unpack(gzip.compress(b"x" * 100_000))) == 1000
    assert len(unpack(b"x" * 100_000)) == 1000


@pytest.mark.parametrize(
    "body", [b"", b"<", b"\x1f\x8b broken", b"<html><body><a href='/x'>x</a></body></html>", b"{}"]
)
def test_what_is_no_sitemap_gives_nothing(body):
    assert list(entries(body, BASE)) == []


def test_a_cut_sitemap_is_read_as_far_as_it_goes():
    body = urlset("http://x.example/a", "http://x.example/b")
    cut = body[: body.index(b"<loc>http://x.example/b") + 8]
    assert next(iter(entries(cut, BASE))) == ("url", "http://x.example/a")
    assert [url for _, url in entries(gzip.compress(body)[:-8], BASE)] == ["http://x.example/a", "http://x.example/b"]


def test_entities_are_not_read_from_anywhere(tmp_path):
    (tmp_path / "secret").write_text("canary")
    body = (
        f'<!DOCTYPE urlset [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
        f"<urlset {NAMESPACE}><url><loc>http://x.example/&e;</loc></url></urlset>"
    )
    assert "canary" not in repr(list(entries(body.encode(), BASE)))


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data):
    for kind, url in entries(data, BASE):
        assert kind in {"url", "sitemap"}
        assert url
