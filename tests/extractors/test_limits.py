"""Pages that would freeze the parser are cut; ordinary ones are not touched."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawlers.extractors import depth
from crawlers.extractors.limits import MAX_BYTES, MAX_TAGS, tame
from tests.webpages import ordinary, saved

TAG = re.compile(rb"<[a-zA-Z][^>]*>")
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
    kept, cut = tame(HOSTILE[name] + WORDS * 10)
    tree = LexborHTMLParser(kept)
    assert max(len(node.attributes) for node in tree.css("*")) < 12_000
    assert cut or kept != HOSTILE[name]


@pytest.mark.parametrize("name", ["one tag", "slashes", "in an end tag", "behind a quote"])
def test_what_follows_the_hostile_tag_is_still_there(name):
    kept, _ = tame(HOSTILE[name] + WORDS * 10)
    assert LexborHTMLParser(kept).text().count("Some words of an ordinary page.") == 10


@pytest.mark.parametrize("tag", [b"<div>", b"<span>", b"<b>", b"<table>", b"<svg>", b"<font>", b"<a><nobr>"])
def test_endless_nesting_is_cut(tag):
    source = tag * 100_000
    kept, cut = tame(source)
    assert cut
    assert len(kept) < len(source)
    assert source.startswith(kept)


SWALLOWED = [
    "<div><!--</div>-->", "<div a='</div>'>", '<div a="</div>">', '<div a =\n"></div>">', "<div></div\x0b>", "<div></y</div>",
    "<div><x</div>", "<div></div\0>", "<div><?x</div>", "<div><script></div></script>", "<div><title></div></title>",
    "<div><textarea></div></textarea>", "<div><iframe></div></iframe>", "<div><svg><![CDATA[></div>]]></svg>",
    "<div><select></div></select>", "<div><template></div></template>", "<div><object></div></object>",
    "<div><marquee></div></marquee>", "<div><table><tr><td></div></td></tr></table>", "<div><svg><desc></div></desc></svg>",
    "<div><math><mi></div></mi></math>", "<div><script><!--<script></script>--></div></script>", "<ul></ulx>", "<x-y></x-z>",
    "<li><dd>", "<rt>", "<optgroup>", "<svg><tr></svg></x>", "<span><div></span></div>", "<label><p><div></label></div>",
    "<div>" * 10 + '<title a="</title>">' + "</div>" * 10 + "</title>",
    "<blockquote></blockquotx>", "<div>", "<div><select></table></div></select>",
]  # fmt: skip


def nested(source: bytes) -> int:
    """Over all elements, how many others each stands in."""
    node, deep, found = LexborHTMLParser(source).root, 0, 0
    while node is not None:
        found += deep
        child = node.first_child
        if child is not None:
            node, deep = child, deep + 1
            continue
        while deep > 0 and node.next is None:
            node, deep = node.parent, deep - 1
        node = node.next if deep > 0 else None
    return found


@pytest.mark.parametrize("unit", SWALLOWED)
def test_end_tags_that_the_parser_does_not_take_for_some_hide_no_nesting(unit):
    source = (unit * (60_000 // unit.count("<"))).encode()
    kept, _ = tame(source)
    assert nested(kept) < 2 * depth.WORK


@pytest.mark.parametrize("seed", range(20))
def test_no_mixture_of_them_does(seed):
    rng = random.Random(seed)
    pieces = [*SWALLOWED, "</div>", "text", "<p>", "</table>", "<td>", "<b>", "-->", "'", "</script>"]
    unit = "".join(rng.choices(pieces, k=6))
    kept, _ = tame((unit * (60_000 // max(unit.count("<"), 1))).encode())
    assert nested(kept) < 4 * depth.WORK


@pytest.mark.parametrize(
    "unit",
    [
        "<div><p>words <a href='/x?a=\"1\"'>link</a></p></div>\n",
        "<table><tr><td><div>x</div></td><td><b>y</b></td></tr></table>\n",
        "<ul><li><DIV>x</div><li>y</ul>",
        "<div><select><option>x</option></select></div>",
        "<svg><g><path d=''></path></g></svg>",
        "<div><template><span>x</span></template></div>",
        "<section><!-- a note --><blockquote>x</blockquote></section>",
        "<div><script>document.write('<div></div>')</script></div>",
        '<div>x == "y"</div>',
        '<form><input value=">"></form>',
        '<div><a href="/x"><img src="data:image/gif;base64,AOw=="></a><p>words</p></div>',
        '<tr><td><a href="/q?a=1&amp;b=">x</a></td><td>y</td></tr>',
        '<div><my-time datetime="x">1 h</my-time><p>words</p></div>',
        '<p class="MsoNormal"><span lang="EN">words<o:p></o:p></span></p>',
        "<div><!-- --><p>words<!-- --></p><span>x</span></div>",
        "<ul><li>x<dl><dt>y<dd>z<dd>z</dl><li>x</ul>",
        "<ruby>x<rt>y</rt></ruby><span>a <em>b</em><span>c</span></span>",
    ],
)
def test_long_pages_whose_tags_are_closed_are_not_cut(unit):
    source = (unit * (60_000 // unit.count("<"))).encode()
    kept, cut = tame(source)
    assert not cut
    assert len(LexborHTMLParser(kept).css("*")) == len(LexborHTMLParser(source).css("*"))


@pytest.mark.parametrize(
    "opened",
    [
        b"".join(b"<b a%d>" % number for number in range(2200)),
        b"".join(b"<Font color=#%06x>" % number for number in range(700)),
        b"<b " + b" ".join(b"a%d" % number for number in range(3000)) + b">",
    ],
)
def test_few_bytes_do_not_become_millions_of_elements(opened):
    """What is left open in a paragraph is opened again in each that follows, with all of its attributes."""
    source = b"<p>" + opened + b"</p>" + b"<p>x" * 4000
    kept, cut = tame(source)
    assert cut
    elements = LexborHTMLParser(kept).css("*")
    assert sum(1 + len(node.attrs) for node in elements) < 1_500_000


def test_equal_elements_that_are_left_open_are_harmless():
    source = b"<table>" + b"<tr><td><font size=2>words</td><td><b>x</b></td></tr>" * 1500 + b"</table>" + WORDS * 500
    assert tame(source) == (source, False)


@pytest.mark.parametrize(
    "source",
    [
        b'=">x' * 600_000, b"=\"'>='\">" * 300_000, (b">" * 100 + b"x" * 200) * 9000, (b"<a>" + b" " * 47 + b'"') * 50_000,
        b"".join(b"<q%x>" % number for number in range(60_000)), b"<" * 300_000, b"x" * 300_000 + b"<", b"<b>" * 20_000 + b"</",
    ],
)  # fmt: skip
def test_pages_that_are_hard_to_weigh_come_to_an_end(source):
    kept, _ = tame(source)
    assert nested(kept) < depth.WORK * 2


def test_long_pages_are_cut_at_a_character():
    kept, cut = tame("ä".encode() * MAX_BYTES)
    assert cut
    assert len(kept) <= MAX_BYTES
    assert set(kept.decode()) == {"ä"}


def test_pages_with_too_many_tags_are_cut_at_one():
    kept, cut = tame(b"<br>x" * (MAX_TAGS + 5))
    assert cut
    assert kept.count(b"<br>") == MAX_TAGS


def test_small_pages_are_left_alone():
    source = b"<p " + attributes(3000) + b">x"
    assert tame(source) == (source, False)


@pytest.mark.parametrize("name", ordinary())
def test_ordinary_pages_are_left_alone_however_long(name):
    body = saved(name).body
    assert tame(body) == (body, False)
    inside = body.partition(b"<body")[2].partition(b">")[2].partition(b"</body>")[0]
    long = inside * (1_500_000 // len(inside))
    kept, cut = tame(long)
    assert not cut
    assert kept is long or LexborHTMLParser(kept).text() is not None


def test_ordinary_markup_of_every_shape_is_left_alone():
    rows = b"".join(
        b'<tr class="a"><td data-x=\'{"a": "b>c"}\'>%d<td><a href=/p?a=1&b=2 title="it\'s">x</a>' % n
        for n in range(3000)
    )
    source = b"<!doctype html><table>" + rows + b"</table><script>if (a<b && c>d) { x = '</p>' }</script>" + WORDS * 500
    assert tame(source) == (source, False)


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
def test_any_mixture_around_a_hostile_tag_is_tamed(parts):
    source = b"".join(parts) + b"<p " + attributes(20_000) + b">" + b"".join(parts)
    kept, _ = tame(source)
    tree = LexborHTMLParser(kept)
    assert max((len(node.attributes) for node in tree.css("*")), default=0) < 12_000
