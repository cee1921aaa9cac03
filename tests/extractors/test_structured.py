"""JSON-LD, microdata and meta elements: everything that can be read, nothing that is broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors import structured
from tests.webpages import broken_twins, ordinary, page_of, saved


def ld(*texts):
    return page_of("".join(f'<script type="application/ld+json">{text}</script>' for text in texts))


def test_objects_of_a_graph_are_found_outer_ones_first():
    kinds = [structured.types_of(item) for item in structured.json_ld(saved("article"))]
    assert kinds == [[], ["WebSite"], ["NewsArticle"], ["BreadcrumbList"]]


@pytest.mark.parametrize(
    "text",
    [
        '{"@type": "Article", "name": "A"}',
        '[{"@type": "Article", "name": "A"}]',
        '{"@type": "Article", "name": "A",}',
        '{"@type": "Article", "name": "A"};',
        '<!-- {"@type": "Article", "name": "A"} -->',
        '//<![CDATA[\n{"@type": "Article", "name": "A"}\n//]]>',
        '/*<![CDATA[*/{"@type": "Article", "name": "A"}/*]]>*/',
        '{"@type": "Article",\n "name": "A",\n "text": "two\nlines"}',
        '{"@type": "Article", "name": "A", "tags": ["x", ],}',
        '{"@type": "WebPage", "mainEntity": {"@type": "Article", "name": "A"}}',
    ],
)
def test_the_liberties_that_pages_take_are_read(text):
    page = ld(text)
    assert any(structured.types_of(item) == ["Article"] and item["name"] == "A" for item in structured.json_ld(page))
    assert page.flags == []


@pytest.mark.parametrize(
    "text", ["{", '{"a" "b"}', "undefined", "{{ template }}", '{"a": "\\ud800"}', "{'a': 1}", "NaN"]
)
def test_what_is_broken_is_left_out_and_said(text):
    page = ld(text, '{"@type": "Article"}')
    assert structured.json_ld(page) == [{"@type": "Article"}]
    assert page.flags == ["broken-json-ld"]


def test_scalars_and_empty_scripts_are_nothing():
    page = ld("", "  ", "1", '"x"', "null", "true", "[]", "[[1, null]]")
    assert (structured.json_ld(page), page.flags) == ([], [])


@pytest.mark.parametrize(
    "kind", ["application/ld+json", "application/LD+JSON", "application/ld&#x2B;json", "application/ld&#43;json"]
)
def test_the_type_of_the_script_may_be_written_in_other_ways(kind):
    page = page_of(f'<script type="{kind}">{{"@type": "Article"}}</script>')
    assert structured.json_ld(page) == [{"@type": "Article"}]


def test_objects_deep_inside_do_not_end_the_reading():
    deep = "[" * 500 + '{"@type": "Article"}' + "]" * 500
    assert structured.json_ld(ld(deep)) == []
    assert structured.first_text(json.loads("[" * 400 + '"x"' + "]" * 400)) is None


def test_no_more_objects_than_a_page_can_be_about():
    assert len(structured.json_ld(ld(json.dumps([{"a": n} for n in range(3000)])))) == 500


def test_microdata_has_the_shape_of_json_ld():
    (item,) = structured.microdata(saved("product"))
    assert item["@type"] == "Product"
    assert (item["name"], item["sku"], item["brand"]) == ("Kupferkessel 2 l", "KK-2000", "Schmiede Holm")
    assert item["image"] == "bilder/kessel.jpg"
    assert item["offers"] == {"@type": "Offer", "price": "1.299,00 €", "availability": "https://schema.org/InStock"}
    assert item["aggregateRating"]["ratingValue"] == "4.5"


def test_values_of_microdata_come_from_where_each_element_has_them():
    html = """<div itemscope itemtype="https://schema.org/Thing/"><time itemprop=t datetime="2026-01-01">yesterday</time>
    <data itemprop=d value="7">seven</data><a itemprop=a href="/x">x</a><meta itemprop=m content=" c "><span itemprop=s
    content="9.90">9,90</span><span itemprop="p q"> two <b>names</b></span><i itemprop=r>1</i><i itemprop=r>2</i><i itemprop=r>3</i></div>
    <i itemprop=orphan>x</i>"""
    (item,) = structured.microdata(page_of(html))
    assert item == {"@type": "Thing", "t": "2026-01-01", "d": "7", "a": "/x", "m": "c", "s": "9.90", "p": "two  names",
                    "q": "two  names", "r": ["1", "2", "3"]}  # fmt: skip


def test_properties_in_properties_in_properties_are_read_to_a_bound():
    html = "<div itemscope>" + "".join(f"<div itemprop=p{n}>" for n in range(50)) + "text"
    (item,) = structured.microdata(page_of(html))
    assert 1 <= sum(name.startswith("p") for name in item) <= 5


def test_the_first_meta_element_that_says_something_counts():
    html = """<meta property="og:title" content=""><meta property="OG:Title" content=" One "><meta name="og:title" content="Two">
    <meta name=author><meta itemprop="datePublished" content="2026-01-01"><meta charset=utf-8>"""
    assert structured.meta(page_of(html)) == {"og:title": "One", "datepublished": "2026-01-01"}
    assert structured.statements(page_of(html))[0] == ("og:title", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"), (" a\0b ", "ab"), ("", None), (None, None), (True, None), (False, None), (0, "0"), (1.5, "1.5"),
        ([], None), ([None, "", {"name": "x"}], "x"), ({"name": ["y"]}, "y"), ({"@value": "z"}, "z"), ({"@id": "i"}, "i"),
        ({"other": "w"}, None), ({}, None),
    ],
)  # fmt: skip
def test_the_first_text_of_anything(value, text):
    assert structured.first_text(value) == text


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Article", ["Article"]), ("https://schema.org/Article", ["Article"]), ("schema:Article", ["Article"]),
        (["Article", 1, None, "Product"], ["Article", "Product"]), (None, []), (7, []), ({}, []),
    ],
)  # fmt: skip
def test_types_lose_their_namespace(kind, names):
    assert structured.types_of({"@type": kind}) == names


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["@type", "@graph", "name", "@id", "url", "mainEntity", "author"]), inner, max_size=4
        ),
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_gives_objects_with_types_and_texts(value):
    page = ld(json.dumps(value).replace("<", "\\u003c"))
    for item in structured.objects(page):
        assert isinstance(item, dict)
        assert all(isinstance(kind, str) for kind in structured.types_of(item))
        text = structured.first_text(item)
        assert text is None or (text == text.strip() and "\0" not in text)


@pytest.mark.parametrize("name", ordinary())
def test_broken_twins_are_read_as_far_as_they_go(name):
    for body in broken_twins(saved(name).html).values():
        page = page_of(body)
        assert all(isinstance(item, dict) for item in structured.objects(page))
        assert all(name == name.lower() and content for name, content in structured.meta(page).items())
