"""What a page says of itself is read in all its spellings; what it does not say stays empty."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.metadata import language_tag, main_object, metadata, number, stated_number
from tests.webpages import broken_twins, ordinary, page_of, saved


def test_an_article():
    found = metadata(saved("article", "https://gazette.example/news/2026/harbour-bridge-reopens?ref=home"))
    assert found.type == "Article"
    assert found.title == "Harbour bridge reopens after nine months"
    assert found.authors == ["Ada Okafor", "Lars Holm"]
    assert (found.published_at, found.modified_at) == ("2026-03-03T06:30:00Z", "2026-03-03T12:00:00Z")
    assert found.language == "en-GB"
    assert found.canonical_url == "https://gazette.example/news/2026/harbour-bridge-reopens"
    assert found.fields == {
        "description": "Pedestrians were first across on Tuesday morning.",
        "site": "The Harbour Gazette",
        "section": "Local",
        "breadcrumbs": ["News", "Local"],
    }


def test_a_product():
    found = metadata(saved("product"))
    assert (found.type, found.title, found.language) == ("Product", "Kupferkessel 2 l", "de")
    assert found.authors == []
    assert (found.published_at, found.canonical_url) == (None, None)
    assert found.fields == {
        "description": "Handgetriebener Kessel aus Kupfer mit Griff aus Buche, innen verzinnt, für zwei Liter Wasser.",
        "price": 1299.0, "currency": "EUR", "availability": "InStock", "sku": "KK-2000", "brand": "Schmiede Holm",
        "rating": 4.5, "breadcrumbs": ["Start", "Küche"],
    }  # fmt: skip


def test_an_empty_page_says_nothing():
    found = metadata(page_of(""))
    assert (found.type, found.title, found.authors, found.language, found.fields) == ("WebPage", None, [], None, {})


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title> A &amp; B\n C </title>", "A & B C"),
        ("<title>Site</title><h1>One <em>heading</em></h1>", "One heading"),
        ("<title>Site</title><h1>One</h1><h1>Two</h1>", "Site"),
        ("<title>Site</title><h1><img></h1>", "Site"),
        ('<title>Site</title><h1>One</h1><meta property="og:title" content="Open &amp;amp; shut">', "Open & shut"),
        (
            '<script type="application/ld+json">{"@type":"Article","headline":"Said &#039;so&#039;"}</script><h1>One</h1>',
            "Said 'so'",
        ),
        ("<body><svg><title>Icon</title></svg><p>x", "Icon"),
        ("<h1></h1>", None),
    ],
)
def test_titles(html, title):
    assert metadata(page_of(html)).title == title


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ada", ["Ada"]),
        ({"name": " Ada  Okafor "}, ["Ada Okafor"]),
        ([{"name": "Ada"}, {"name": "Ada"}, "Lars"], ["Ada", "Lars"]),
        ({"name": ["Ada", "Lars"]}, ["Ada"]),
        ("by Ada", ["Ada"]),
        ("Byron", ["Byron"]),
        ("https://gazette.example/ada", []),
        ({"@id": "https://gazette.example/#ada"}, []),
        ("x" * 200, []),
        (None, []),
        ([None, {}], []),
    ],
)
def test_authors(author, names):
    data = json.dumps({"@type": "Article", "author": author})
    assert metadata(page_of(f'<script type="application/ld+json">{data}</script>')).authors == names


def test_authors_of_meta_elements_stand_in():
    assert metadata(page_of('<meta name="author" content="Ada Okafor">')).authors == ["Ada Okafor"]
    assert metadata(page_of('<meta property="article:author" content="https://facebook.example/ada">')).authors == []


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"), ("EN", "en"), ("en_us", "en-US"), ("de-at", "de-AT"), ("zh-hans-cn", "zh-Hans-CN"), ("es-419", "es-419"),
        ("sr_Latn", "sr-Latn"), ("de-CH-1996", "de-CH-1996"), (" pt-BR ", "pt-BR"), ("en, fr", "en"), ("gsw", "gsw"),
        ("english", None), ("", None), (None, None), ("x-default", None), ("und", None), ("mul", None), ("1", None), ("e", None),
        ("en-", None), ("{{lang}}", None), ("en us", None),
    ],
)  # fmt: skip
def test_language_tags(text, tag):
    assert language_tag(text) == tag


@pytest.mark.parametrize(
    ("html", "headers", "tag"),
    [
        ('<html lang="fr">', {}, "fr"),
        ('<html xml:lang="fr-CA">', {}, "fr-CA"),
        ('<html lang=""><meta property="og:locale" content="nl_BE">', {}, "nl-BE"),
        ('<meta http-equiv="content-language" content="xx"><meta name="content-language" content="it">', {}, "it"),
        ("<p>x", {"content_language": "sv, en"}, "sv"),
        (
            '<script type="application/ld+json">{"@type":"Article","inLanguage":{"@type":"Language","name":"da"}}</script>',
            {},
            "da",
        ),
        ("<p>x", {}, None),
    ],
)
def test_the_language_that_is_declared(html, headers, tag):
    assert metadata(page_of(html, **headers)).language == tag


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<link rel="canonical" href="/a">', "https://site.example/a"),
        ('<link rel="Canonical nofollow" href=" https://site.example/b c ">', "https://site.example/b%20c"),
        (
            '<link rel="canonical" href=""><meta property="og:url" content="https://site.example/o">',
            "https://site.example/o",
        ),
        ('<meta property="og:url" content="//site.example/o">', "https://site.example/o"),
        ('<link rel="canonical" href="javascript:1">', None),
        ('<link rel="canonical" href="http://[">', None),
        ('<link rel="alternate" href="/a" title="canonical">', None),
        ('<link rel="next\tCANONICAL" href="/a">', "https://site.example/a"),
        ('<link rel="canonical&nbsp;" href="/a">', None),
    ],
)
def test_canonical_addresses(html, url):
    assert metadata(page_of(html)).canonical_url == url


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.299", 1299), ("1,299.00", 1299), ("12,99 €", 12.99), ("1.299,00", 1299), ("£51.77", 51.77), ("0.299", 0.299),
        ("1 299", 1299), ("1\u00a0299,50 kr", 1299.5), ("1\u202f234\u202f567,8 F", 1234567.8), ("1'299.50", 1299.5), ("1’299.50", 1299.5),
        ("1,29,999.00", 129999), ("1.234.567,89", 1234567.89), ("12,345,678", 12345678), ("0,5", 0.5), (".99", 0.99), ("7", 7),
        ("USD 7.-", 7), ("-5 %", -5), ("\u22125", -5), ("from 3 to 5", 3), ("2 for 10", 2), ("12.5000", 12.5), ("1234.567", 1234.567),
        ("A-12", 12), ("5.", 5), ("12.12.2020", None), ("1.2.3", None), ("", None), (None, None), ("free", None), ("9" * 60, None),
        ("٣", None), ("½", None), (".", None), ("-", None), ("1.234,567,8", None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("1.299", "EUR", 1.299), ("129.9000", "EUR", 129.9), ("24.990", "CLP", 24990), ("24990", "JPY", 24990),
        ("1.299,00 €", "EUR", 1299), ("4.625", None, 4.625), ("€ 5", None, 5), ("", None, None), (None, "EUR", None), ("n/a", None, None),
    ],
)  # fmt: skip
def test_numbers_as_machines_write_them(text, currency, value):
    assert stated_number(text, currency) == value


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_every_way_to_write_an_amount_is_read(whole, cents):
    for group, mark in ((",", "."), (".", ","), (" ", ","), ("'", "."), ("\u202f", ",")):
        written = f"{whole:,}".replace(",", group) + f"{mark}{cents:02}"
        assert number(written) == float(f"{whole}.{cents:02}"), written


@given(st.text(max_size=30))
def test_a_number_is_finite_or_none(text):
    for value in (number(text), stated_number(text)):
        assert value is None or math.isfinite(value)


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        ({"price": "19.90", "priceCurrency": "GBP"}, (19.9, "GBP")),
        ([{"price": 19.9, "priceCurrency": "GBP"}, {"price": 5}], (19.9, "GBP")),
        ({"@type": "AggregateOffer", "lowPrice": "10", "highPrice": "20", "priceCurrency": "EUR"}, (10, "EUR")),
        ({"offers": [{"price": 3, "priceCurrency": "EUR"}]}, (3, "EUR")),
        ({"priceSpecification": {"price": "7.5", "priceCurrency": "CHF"}}, (7.5, "CHF")),
        ({"priceSpecification": [{"price": "7.5", "priceCurrency": "CHF"}]}, (7.5, "CHF")),
        ({"priceSpecification": "7.5"}, (None, None)),
        ({"price": "$ 1,299.00"}, (1299, "USD")),
        ({"price": 0, "priceCurrency": "EUR"}, (0, "EUR")),
        ("19.90", (None, None)), ([], (None, None)), ([None, 1], (None, None)), (None, (None, None)),
    ],
)  # fmt: skip
def test_offers_in_all_their_shapes(offers, expected):
    data = json.dumps({"@type": "Product", "name": "Kettle", "offers": offers})
    fields = metadata(page_of(f'<script type="application/ld+json">{data}</script>')).fields
    assert (fields.get("price"), fields.get("currency")) == expected


def test_prices_of_meta_elements_stand_in():
    html = '<meta property="og:type" content="product"><meta property="product:price:amount" content="12.50"><meta property="product:price:currency" content="EUR">'
    found = metadata(page_of(html))
    assert (found.type, found.fields["price"], found.fields["currency"]) == ("Product", 12.5, "EUR")


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (["Article"], "Article"), (["WebPage", "BlogPosting"], "Article"), (["Product", "Article"], "Product"), (["QAPage"], "DiscussionForumPosting"),
        (["Product"] * 2, "Product"), (["Product"] * 12, None), (["Product"] * 12 + ["Article"], "Article"), (["WebSite"], None), ([], None),
    ],
)  # fmt: skip
def test_the_subject_of_a_page(kinds, found):
    name, item = main_object([{"@type": kind} for kind in kinds])
    assert name == found
    assert bool(item) == (found is not None)


ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "price", "url"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["headline", "author", "offers", "datePublished", "dateModified", "aggregateRating", "brand", "image", "license",
        "inLanguage", "itemListElement", "sku", "articleSection", "description"]  # fmt: skip


@given(
    st.sampled_from(["Article", "Product", "QAPage", "BreadcrumbList"]),
    st.dictionaries(st.sampled_from(KEYS), ODD, max_size=6),
)
def test_nothing_that_json_ld_can_hold_breaks_the_reading(kind, values):
    data = json.dumps({"@type": kind, **values}).replace("<", "\\u003c")
    found = metadata(page_of(f'<script type="application/ld+json">{data}</script>'))
    assert json.dumps(found.fields, allow_nan=False)
    for moment in (found.published_at, found.modified_at):
        assert moment is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    assert all(name and "\0" not in name for name in found.authors)


@pytest.mark.parametrize("name", ordinary())
def test_broken_twins_say_less_but_nothing_else(name):
    whole = metadata(saved(name))
    for what, body in broken_twins(saved(name).html).items():
        found = metadata(page_of(body))
        assert found.published_at in {None, whole.published_at}, what
        assert found.fields.get("price") in {None, whole.fields.get("price")} or what == "NUL and controls", what


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("atexit<a href='#module'>¶</a>", "atexit"), ("Learn C#", "Learn C#"), ("Learn C<a href='/x'>#</a>", "Learn C #"),
    ],
)  # fmt: skip
def test_a_title_has_no_link_to_itself(heading, title):
    assert metadata(page_of(f"<h1>{heading}</h1>")).title == title


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"author": "Ada", "article:published_time": "2024-05-05"}, "Article"),
        ({"author": "Ada"}, "WebPage"),
        ({"article:published_time": "2024-05-05"}, "WebPage"),
        ({"author": "Ada", "article:published_time": "2024-05-05", "og:type": "website"}, "WebPage"),
    ],
)
def test_who_wrote_it_and_when_together_make_an_article(said, kind):
    tags = "".join(
        f'<meta {"property" if ":" in name else "name"}="{name}" content="{value}">' for name, value in said.items()
    )
    assert metadata(page_of(f"<head>{tags}</head><article><h1>Tea</h1><p>Good.</p></article>")).type == kind
