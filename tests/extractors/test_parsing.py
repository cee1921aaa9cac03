"""A page that would keep the parser busy is parsed for as long as pages need; ordinary ones are parsed whole."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawlers.extractors import parsing
from crawlers.extractors.parsing import MAX_BYTES, MAX_MEMORY, MAX_SECONDS, MAX_TAGS, parse
from tests.webpages import ordinary, saved

WORDS = b"<p>Some words of an ordinary page.</p>\n"


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
    tree, kept, cut = parse(source)
    assert (len(kept), cut) == (len(source), False)
    assert len(tree.css("*")) == len(LexborHTMLParser(source).css("*"))


def attributes(count):
    return b" ".join(b"a%d" % number for number in range(count))


@pytest.mark.parametrize(
    "source",
    {
        "harmless although never closed": b"<table>" + b"<tr><td><font size=2>words</td><td><b>x</b></td></tr>" * 1500,
        "one drawing": b"<svg>" + b"<circle r=1 />" * 20_000 + b"</svg>" + WORDS * 500,
        "a drawing in each row": b"<table>"
        + b"<tr><td><svg><use href=#a /></svg><td><div>x</div>" * 2000
        + b"</table>",
        "fonts": b"<font size=2>words\n" * 3000,
        "addresses of mail": b"<p>from <b@example.org></p>\n" * 4000,
        "a script": b"<script>" + b"document.write('<b>words</b>');\n" * 80_000 + b"</script>" + WORDS,
    }.items(),
    ids=lambda named: named[0],
)
def test_long_pages_that_only_look_hostile_are_not_cut(source):
    _, kept, cut = parse(source[1])
    assert (kept, cut) == (source[1], False)


NAMES = b"b big code em font i s small strike strong tt u".split()
LARGE = b"v" * 100_000
HOSTILE = {
    "formatting opened anew": b"<p>" + b"".join(b"<b a%d>" % number for number in range(2200)) + b"</p>" + b"<p>x" * 40_000,
    "fonts opened anew": b"<p>" + b"".join(b"<Font color=#%06x>" % number for number in range(700)) + b"</p>" + b"<p>x" * 40_000,
    "attributes opened anew": b"<p><b " + attributes(3000) + b"></p>" + b"<p>x" * 40_000,
    "values opened anew": b"<p>" + b"".join(b"<b a%d=%s>" % (n, LARGE) for n in range(50)) + b"</p>" + b"<p>x" * 1_000_000,
    "paragraphs in fonts": b"".join(b"<p><font a%d=1>" % number for number in range(100_000)),
    "nesting in comments": b"<p><b a=1><!--</b>-->" * 100_000,
    "text added to text": (b"x" * 40 + b"</z a=v>") * 40_000,
    "text moved out of a table": b"<table>" + (b"x" * 40 + b"<tr a=vvv>") * 40_000,
    "attributes added to the body": b"".join(b"<body " + attributes(100).replace(b"a", b"a%d_" % n) + b">" for n in range(1000)),
    "elements compared": b"".join(b"<b " + attributes(100) + b" c%d=1>" % number for number in range(2000)),
    "scopes": b"<object><table></object></table>" * 50_000 + b"</template>" * 100_000,
    "divisions": b"<div>x" * 200_000,
    "end tags": b"<b><div>" * 30_000 + b"</b>" * 60_000,
    "a value cloned eight times for a tag": b"<b a='" + b"v" * 10_400_000 + b"'>" + b"<div>" * 126 + b"</b>" * 40,
    "short attributes opened anew": b"<p>"
    + b"".join(b"<%b %b>" % (NAMES[n % 12], b" ".join(b"%c%d" % (97 + n % 26, a) for a in range(50))) for n in range(1700))
    + b"</p>"
    + b"<p>x" * 300,
    "fonts": b"<font>" * 100_000,
    "a huge tag and millions of small ones": b"<p " + attributes(20_000) + b">" + b"<b>" * 3_200_000,
    "a huge tag and text of elements": b"<p " + attributes(20_000) + b">" + b"<xmp></xmp>" * 900_000,
    "signs that are written longer": b"<p " + attributes(20_000) + b"><script type=json>" + b"<" * 9_800_000,
    "formatting and blocks": b"<a><div>" * 100_000,
    "ten million tags": b"<br>" * 2_500_000,
    "no tags at all": b"<" * 10_000_000,
    "references": b"&notit;" * 1_400_000,
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is limited")
@pytest.mark.parametrize("name", HOSTILE)
def test_no_page_takes_the_parser_much_time_or_memory(name, tmp_path):
    """In a process that may use four times as much as is promised; without limits these take up to minutes or 8 GB."""
    (tmp_path / "page").write_bytes(HOSTILE[name])
    code = """
import pathlib, resource, sys
from crawlers.extractors.page import Page
mapped = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_CPU, (6, 6))
resource.setrlimit(resource.RLIMIT_AS, (mapped + (1 << 30), mapped + (1 << 30)))
page = Page(pathlib.Path(sys.argv[1]).read_bytes(), "https://site.example/", {"content-type": ["text/html"]})
page.tree
assert page.flags in ([], ["truncated"])
assert len(page.markup) < 11_000_000
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "page")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-500:])


PIECE = parsing._PIECE // WORDS.count(b"<") * len(WORDS)


def test_a_page_is_cut_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(parsing, "_LONG", 0)
    clock = itertools.count()
    monkeypatch.setattr(parsing.time, "thread_time", lambda: next(clock) * MAX_SECONDS / 4.5)
    source = WORDS * 10_000
    tree, kept, cut = parse(source)
    assert cut
    assert source.startswith(kept)
    assert 3 * PIECE < len(kept) < 7 * PIECE
    assert tree.root.html == whole(kept).root.html


def test_a_page_is_cut_when_it_takes_too_much_memory(monkeypatch):
    monkeypatch.setattr(parsing, "_LONG", 0)
    peak = itertools.count()
    monkeypatch.setattr(parsing, "_resident", lambda: next(peak) * MAX_MEMORY / 4.5)
    _, kept, cut = parse(WORDS * 10_000)
    assert cut
    assert 3 * PIECE < len(kept) < 7 * PIECE


def test_a_page_ends_before_the_piece_that_memory_does_not_suffice_for(monkeypatch):
    pieces, chunk = itertools.count(), parsing._chunk
    monkeypatch.setattr(parsing, "_chunk", lambda *given: 2 if next(pieces) == 4 else chunk(*given))
    source = WORDS * 10_000
    tree, kept, cut = parse(source)
    assert cut
    assert kept == source[: 4 * PIECE]
    assert tree.root.html == whole(kept).root.html


def whole(source: bytes) -> LexborHTMLParser:
    """The tree of the page that the parser is given at once."""
    return LexborHTMLParser(source, options=parsing._WITHOUT_EVENTS)


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_pieces_of_any_size_give_the_tree_of_the_whole_page(name, size, monkeypatch):
    monkeypatch.setattr(parsing, "_PIECE", size)
    monkeypatch.setattr(parsing, "_PIECE_MIN", 1)
    monkeypatch.setattr(parsing, "MAX_SECONDS", 60)
    body = saved(name).body
    assert parse(body).tree.root.html == whole(body).root.html


PIECES = [
    "<!DOCTYPE html>", "<!doctype HTML PUBLIC '-//W3C//DTD HTML 4.01 Transitional//EN'>", "<html lang=x>", "<head>", "<title>",
    "</title>", "<body class=y>", "<p>", "</p>", "<table>", "<tr>", "<td>", "</table>", "words ", "é€😀", "&amp;", "&notit;", "&#x41",
    "<b>", "</b>", "<a href='x>y<z'>", "</a>", "<!-- a < b -->", "<!--", "-->", "<script>", "if (a < b) '</p>'", "</script>", "<pre>\n",
    "\r\n", "<textarea>\n", "</textarea>", "<select><option>", "<svg><path/><desc>", "</svg>", "<![CDATA[x<y]]>", "<template>",
    "</template>", "\0", "<", "</", "<p a=\"", "\">", "<frameset>", "<br/>", "</br>", "<form>", "</form>", "<math><mi>",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30), st.integers(1, 5))
def test_no_mixture_of_markup_depends_on_where_it_is_divided(parts, size):
    source = "".join(parts).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_PIECE", size)
        patch.setattr(parsing, "_PIECE_MIN", 1)
        found, expected = parse(source).tree.root, whole(source).root
    assert (found and found.html) == (expected and expected.html)


def test_a_parser_without_the_interface_is_named(monkeypatch):
    with pytest.raises(ImportError, match="exports lxb_missing"):
        parsing._function("lxb_missing")


def test_long_pages_are_cut_at_a_character():
    _, kept, cut = parse("ä".encode() * MAX_BYTES)
    assert cut
    assert len(kept) <= MAX_BYTES
    assert set(kept.decode()) == {"ä"}


def test_pages_with_too_many_tags_are_cut_at_one():
    _, kept, cut = parse(b"<br>x" * (MAX_TAGS + 5000))
    assert cut
    assert kept.count(b"<br>") == MAX_TAGS
    assert kept.endswith(b"<br>x")


@pytest.mark.parametrize("name", ordinary())
def test_what_is_left_of_ordinary_pages_that_are_too_long_is_as_it_was(name):
    body = saved(name).body
    inside = body.partition(b"<body")[2].partition(b">")[2].partition(b"</body>")[0]
    long = inside * (10_000_000 // len(inside))
    assert long.startswith(parse(long).source)


@pytest.mark.parametrize("name", ordinary())
def test_ordinary_pages_are_parsed_whole_however_long(name):
    body = saved(name).body
    assert parse(body)[1:] == (body, False)
    inside = body.partition(b"<body")[2].partition(b">")[2].partition(b"</body>")[0]
    assert not parse(inside * (1_500_000 // len(inside))).cut
