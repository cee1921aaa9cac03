"""Titles, authors, dates and a product's facts: what the page says, and nothing that it does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.metadata import language_tag, metadata, number, rfc3339
from crawlers.extractors.page import Page


def page(html):
    return Page(html.encode(), "http://a.example/dir/p", {"content-type": ["text/html; charset=utf-8"]})


def ld(**item):
    return f'<script type="application/ld+json">{json.dumps(item)}</script>'


def test_an_article():
    html = '<html lang="en_gb"><title>Site: T</title>' + ld(
        **{"@type": "NewsArticle", "headline": "The &amp; title", "datePublished": "2026-03-01T10:00:00+01:00",
           "dateModified": "2026-03-02", "author": [{"name": "A. Writer"}, {"name": "https://a.example/b"}]}
    ) + '<link rel="canonical" href="/canonical">'  # fmt: skip
    found = metadata(page(html))
    assert (found.type, found.title, found.language) == ("Article", "The & title", "en-GB")
    assert (found.published_at, found.modified_at) == ("2026-03-01T09:00:00Z", "2026-03-02T00:00:00Z")
    assert found.authors == ["A. Writer"]
    assert found.canonical_url == "http://a.example/canonical"


def test_a_product():
    html = ld(
        **{"@type": "Product", "name": "Lamp", "sku": "L-1", "brand": {"name": "Acme"},
           "offers": [{"price": "1.299,00", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}],
           "aggregateRating": {"ratingValue": "4.5"}}
    )  # fmt: skip
    fields = metadata(page(html)).fields
    assert fields == {
        "price": 1299.0, "currency": "EUR", "availability": "InStock", "sku": "L-1", "brand": "Acme", "rating": 4.5,
    }  # fmt: skip


def test_the_title_falls_back_from_statement_to_heading_to_element():
    assert metadata(page("<title>E</title><h1>H <b>1</b></h1>")).title == "H 1"
    assert metadata(page("<title> E\n x </title><h1>1</h1><h1>2</h1>")).title == "E x"
    assert metadata(page("<p>nothing</p>")).title is None


def test_a_page_without_a_date_has_none():
    found = metadata(page("<p>Updated 3 March 2026, copyright 2019</p><time>yesterday</time>"))
    assert (found.published_at, found.modified_at) == (None, None)


def test_a_time_element_counts_where_it_is_the_only_one():
    assert (
        metadata(page('<article><time datetime="2026-03-01">x</time></article>')).published_at == "2026-03-01T00:00:00Z"
    )
    two = '<main><time datetime="2026-03-01">x</time><time datetime="2026-03-02">x</time></main>'
    assert metadata(page(two)).published_at is None


def test_breadcrumbs_come_once():
    html = '<nav aria-label="Breadcrumb" class="breadcrumb"><a href="/">Home</a><a href="/l">Lamps</a></nav>'
    assert metadata(page(html)).fields["breadcrumbs"] == ["Home", "Lamps"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("12,99 €", 12.99), ("1.299,00", 1299.0), ("1,299.00", 1299.0), ("1 299", 1299.0), ("$5", 5.0), ("-3", -3.0),
     ("1.299.000", 1299000.0), ("free", None), (None, None), ("0.30", 0.3), ("1'299.50", 1299.5)],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de_AT", "de-AT"),
        ("EN-us", "en-US"),
        ("zh-hant", "zh-Hant"),
        ("english please", None),
        ("", None),
        (None, None),
    ],
)
def test_language_tags(text, tag):
    assert language_tag(text) == tag


@pytest.mark.parametrize("text", ["yesterday", "03/04/2026", "2026", "March 2026", "", None, "2026-13-01"])
def test_dates_are_not_guessed(text):
    assert rfc3339(text) is None


@given(st.datetimes(min_value=__import__("datetime").datetime(1000, 1, 2), timezones=st.timezones() | st.none()))
def test_every_iso_date_is_read_as_utc(moment):
    read = rfc3339(moment.isoformat())
    assert read is None or (read.endswith("Z") and len(read) == 20)
