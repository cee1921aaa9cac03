"""Tags with more attributes than the parser can take are cut; ordinary ones are not touched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawlers.extractors import hugetags
from tests.webpages import ordinary, saved

WORDS = b"<p>Some words of an ordinary page.</p>\n"
MANY = 40_000


def attributes(count, sep=b" "):
    return sep.join(b"a%d=1" % number for number in range(count))


HOSTILE = {
    "one tag": b"<p " + attributes(MANY) + b">x</p>",
    "slashes": b"<p/" + attributes(MANY, b"/") + b">x</p>",
    "lines": b"<p\n" + attributes(MANY, b"\n") + b">x</p>",
    "behind a quote": b"<a title='>'><p " + attributes(MANY) + b">x</p>",
    "in an open quote": b'<a title="><p ' + attributes(MANY) + b'">x</a>',
    "after a fake script": b"<script>'<!--</script><p " + attributes(MANY) + b">x</p>",
    "after a comment that ends at once": b"<!--><p " + attributes(MANY) + b"> -->",
    "after a bogus comment": b"<!x '><p " + attributes(MANY) + b">x</p>",
    "in an end tag": b"<p>x</p " + attributes(MANY) + b">",
    "in a textarea that is none": b"<svg><style><p " + attributes(MANY) + b"></style></svg>",
    "never closed": b"<p " + attributes(MANY),
    "unequal quotes": b"<p a=\"'\" b='\"' " + attributes(MANY) + b">",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_no_reading_leaves_a_tag_with_thousands_of_attributes(name):
    kept, fewer = hugetags.cut(HOSTILE[name] + WORDS * 10)
    tree = LexborHTMLParser(kept)
    assert max(len(node.attributes) for node in tree.css("*")) < 12_000
    assert fewer or kept != HOSTILE[name]


@pytest.mark.parametrize("name", ["one tag", "slashes", "in an end tag", "behind a quote"])
def test_what_follows_the_hostile_tag_is_still_there(name):
    kept, _ = hugetags.cut(HOSTILE[name] + WORDS * 10)
    assert LexborHTMLParser(kept).text().count("Some words of an ordinary page.") == 10


def test_small_pages_are_left_alone():
    source = b"<p " + attributes(3000) + b">x"
    assert hugetags.cut(source) == (source, False)


@pytest.mark.parametrize("name", ordinary())
def test_ordinary_pages_are_left_alone_however_long(name):
    body = saved(name).body
    assert hugetags.cut(body) == (body, False)
    inside = body.partition(b"<body")[2].partition(b">")[2].partition(b"</body>")[0]
    long = inside * (1_500_000 // len(inside))
    kept, fewer = hugetags.cut(long)
    assert not fewer
    assert kept is long


def test_ordinary_markup_of_every_shape_is_left_alone():
    rows = b"".join(
        b'<tr class="a"><td data-x=\'{"a": "b>c"}\'>%d<td><a href=/p?a=1&b=2 title="it\'s">x</a>' % n
        for n in range(3000)
    )
    source = b"<!doctype html><table>" + rows + b"</table><script>if (a<b && c>d) { x = '</p>' }</script>" + WORDS * 500
    assert hugetags.cut(source) == (source, False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"<p ",
                b"a=1 ",
                b"'",
                b'"',
                b">",
                b"<!--",
                b"-->",
                b"<script>",
                b"</script>",
                b"=",
                b" x ",
                b"<![CDATA[",
                b"/",
                b"<div>",
            ]
        ),
        max_size=40,
    )
)
def test_any_mixture_around_a_hostile_tag_is_cut(parts):
    source = b"".join(parts) + b"<p " + attributes(20_000) + b">" + b"".join(parts)
    kept, _ = hugetags.cut(source)
    tree = LexborHTMLParser(kept)
    assert max((len(node.attributes) for node in tree.css("*")), default=0) < 12_000
