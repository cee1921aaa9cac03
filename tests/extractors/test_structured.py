"""What a page says of itself for machines is read, however badly it says it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors import structured
from crawlers.extractors.page import Page


def page(html):
    return Page(html.encode("utf-8", "replace"), "http://a.example/", {"content-type": ["text/html; charset=utf-8"]})


def ld(text):
    return page(f'<script type="application/ld+json">{text}</script>')


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ('{"@type": "Article"}', [["Article"]]),
        ('[{"@type": "Article"}, {"@type": "Product"}]', [["Article"], ["Product"]]),
        ('{"@graph": [{"@type": "NewsArticle"}]}', [[], ["NewsArticle"]]),
        ('{"@type": ["Product", "http://schema.org/Book"]}', [["Product", "Book"]]),
        ('{"@type": "WebPage", "mainEntity": {"@type": "Question"}}', [["WebPage"], ["Question"]]),
        ('{"@type": "Article",}', [["Article"]]),
        ('{"@type": "Article", "headline": "two\nlines"}', [["Article"]]),
        ('// <![CDATA[\n{"@type": "Article"}\n// ]]>', [["Article"]]),
        ("", []),
    ],
)
def test_json_ld(text, types):
    assert [structured.types_of(item) for item in structured.json_ld(ld(text))] == types


def test_broken_json_ld_is_flagged_and_costs_nothing_else():
    broken = page(
        '<script type="application/ld+json">{"@type": </script><script type="application/ld+json">{"@type": "Article"}</script>'
    )
    assert [structured.types_of(item) for item in structured.json_ld(broken)] == [["Article"]]
    assert broken.flags == ["broken-json-ld"]


def test_depth_is_bounded():
    nested = '{"@graph": [' * 60 + '{"@type": "Article"}' + "]}" * 60
    assert structured.json_ld(ld(nested)) is not None


def test_microdata_in_the_shape_of_json_ld():
    html = """<div itemscope itemtype="https://schema.org/Product"><h1 itemprop="name">Lamp</h1>
    <div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="price" content="12.50">
    <span itemprop="priceCurrency" content="EUR">€</span></div>
    <img itemprop="image" src="/1.png"><img itemprop="image" src="/2.png"></div>"""
    [item] = structured.microdata(page(html))
    assert item["name"] == "Lamp"
    assert item["offers"] == {"@type": "Offer", "price": "12.50", "priceCurrency": "EUR"}
    assert item["image"] == ["/1.png", "/2.png"]


def test_meta_takes_the_first_that_is_not_empty():
    html = (
        '<meta property="og:title" content=""><meta property="OG:Title" content="A"><meta name="og:title" content="B">'
    )
    assert structured.meta(page(html))["og:title"] == "A"


@given(st.text(max_size=200))
def test_nothing_that_stands_in_a_script_breaks_it(text):
    assert isinstance(structured.objects(ld(text)), list)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (["", {"name": "b"}], "b"), ({"@value": "c"}, "c"), (3, "3"), (None, None), (True, None), ({}, None)],
)
def test_the_first_text(value, text):
    assert structured.first_text(value) == text
