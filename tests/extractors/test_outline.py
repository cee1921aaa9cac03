"""Outlines: what a reader sees as one piece is one piece, and it is known where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.extractors.hints import HINTS
from crawlers.extractors.outline import AREAS, BLOCKS_MAX, HIDDEN, ROLES, Outline, Row, outline
from tests.webpages import broken_twins, ordinary, page_of, saved


def of(html: str) -> Outline:
    return outline(page_of(f"<!doctype html><body>{html}"))


def rows(html: str) -> list[Row]:
    return [Row(*row) for row in of(html).rows]


@pytest.mark.parametrize(
    ("html", "texts"),
    [
        ("<p>one <b>two</b> <i>three</i></p>", ["one two three"]),
        ("<p>un<b>believ</b>able</p>", ["unbelievable"]),
        ("<p>one\n   two\t three</p>", ["one two three"]),
        ("<p>one<p>two", ["one", "two"]),
        ("before<p>one</p>between<p>two</p>after", ["before", "one", "between", "two", "after"]),
        ("<p>a line<br>and another</p>", ["a line\nand another"]),
        ("<p>a verse<br><br>and another<br> <br/>third</p>", ["a verse", "and another", "third"]),
        ("<p><br>one<br></p>", ["one"]),
        ("one<hr>two", ["one", "two"]),
        ("one<div></div>two", ["one", "two"]),
        ("<ul><li>one<li>two<ul><li>three</ul></ul>", ["one", "two", "three"]),
        ("<table><tr><th>a<th>b<tr><td>1<td><b>2</b></table>", ["a b", "1 2"]),
        ("<table><tr><td><p>one</p><p>two</p></table>", ["one", "two"]),
        ("<pre>  a\n    b\n</pre>", ["  a\n    b"]),
        ("<pre><code>if x:\n\n    <span>y</span></code></pre>", ["if x:\n\n    y"]),
        ("<pre>  <span>if</span> x:\n    <span><span>y</span></span></pre>", ["  if x:\n    y"]),
        ("<pre><span>a</span><!-- no --> <span>b</span></pre>c", ["a b", "c"]),
        ("<pre><span>a</span><br>  b<script>no</script></pre>", ["a\n  b"]),
        ("<pre>one <a href=/x>two</a> <span>three</span></pre>", ["one two three"]),
        ("<pre>one<pre>two</pre>three</pre>", ["one", "two", "three"]),
        ("one<pre><span> </span>\n</pre>two", ["one", "two"]),
        ("<p>x<script>var y</script>z</p>", ["xz"]),
        ("<p>x<!-- y -->z</p>", ["xz"]),
        ("<style>p{}</style><noscript>on</noscript><template><p>t</template><p>seen", ["seen"]),
        ("<svg><title>icon</title><text>no</text></svg><p>seen", ["seen"]),
        ("<select><option>one<option>two</select><p>seen", ["seen"]),
        ("<p> &nbsp; </p><p>\u200b</p>", ["\u200b"]),
        ("<div><span><p>inside</p></span> tail</div>", ["inside", "tail"]),
        (
            "<p>x<b><script>no</script></b><b><i></i></b><b><i><!-- no --></i></b><b><br></b><u><svg>no</svg></u>y",
            ["x\ny"],
        ),
        ("<b><i><div>in</div></i></b><b><i>on</i></b>", ["in", "on"]),
        ("<details><summary>more</summary>text</details>", ["more", "text"]),
        ("<figure><img alt=x><figcaption>a picture</figcaption></figure>", ["a picture"]),
        ("", []),
        ("   ", []),
    ],
)
def test_pieces_are_what_a_reader_sees(html, texts):
    assert of(html).texts == texts


@pytest.mark.parametrize(
    ("html", "role", "level"),
    [
        ("<p>x", "paragraph", 0),
        ("<h3>x", "heading", 3),
        ("<h2><div>x</div></h2>", "heading", 2),
        ("<ul><li>x</ul>", "list-item", 0),
        ("<ul><li><div>x</div></ul>", "list-item", 0),
        ("<ul><li><p>x</p></ul>", "paragraph", 0),
        ("<dl><dt>x</dl>", "term", 0),
        ("<blockquote>x</blockquote>", "quote", 0),
        ("<table><tr><td>x</table>", "row", 0),
        ("<table><tr><td><div>x</div></table>", "row", 0),
        ("<pre>x</pre>", "code", 0),
        ("<figure><figcaption>x</figure>", "caption", 0),
        ("<button>x</button>", "button", 0),
        ("<div>x</div>", "other", 0),
        ("<h1>t</h1><div>x</div>", "other", 0),
    ],
)
def test_roles(html, role, level):
    row = rows(html)[-1]
    assert (ROLES[row.role], row.level) == (role, level)


def test_numbers_of_a_piece():
    row = rows('<p>See <a href="/">the second, longer</a> chapter.</p>')[0]
    assert (row.words, row.chars, row.linked, row.stops, row.ends, row.upper) == (
        5, len("See the second, longer chapter."), len("the second, longer"), 2, True, True,
    )  # fmt: skip
    assert rows('<a href="/"><div>all of it</div></a>')[0].linked == len("all of it")
    for linked in ("<a><code>it</code></a>", "<code><a>it</a></code>", "<a><b><i>it</i></b></a>", "<a>i<i>t</i></a>"):
        assert [(row.chars, row.linked) for row in rows(f"<p>see {linked} there")] == [(len("see it there"), 2)]
    assert rows("<p>LOUD</p>")[0].shout
    assert rows("<p>3 apples</p>")[0].digit
    assert rows("<p>Subscribe to our newsletter</p>")[0].chrome
    assert not rows("<p>" + "a long text in which the word newsletter stands, as it may in any text, " * 2)[0].chrome


@pytest.mark.parametrize(
    ("html", "area"),
    [
        ("<nav><ul><li>x</ul></nav>", "nav"),
        ("<footer><div><p>x</div></footer>", "footer"),
        ("<main><p>x</main>", "main"),
        ("<ol><li>x</ol>", "ul"),
        ("<div role=navigation><p>x</div>", "nav"),
        ("<div role=contentinfo>x</div>", "footer"),
    ],
)
def test_areas_are_those_of_all_ancestors(html, area):
    assert rows(html)[0].areas >> AREAS.index(area) & 1
    assert not rows(f"{html}<p>after")[-1].areas


@pytest.mark.parametrize("style", ["style='display:none'", "style='font-size: 0'", "hidden", "style='left:-9999px'"])
def test_hidden_elements_hide_what_is_in_them(style):
    assert rows(f"<div {style}><p>x</p></div>")[0].areas & HIDDEN
    assert not rows(f"<div {style}><p>x</p></div><p>seen")[1].areas & HIDDEN


def test_classes_and_ids_say_what_an_element_is_for():
    def bits(number: int) -> set[str]:
        return {words.split("|")[0] for place, words in enumerate(HINTS) if number >> place & 1}

    row = rows('<div id="sidebar"><div class="share-buttons">x</div></div>')[0]
    assert bits(row.near) == {"share"}
    assert bits(row.far) == {"side"}


def test_a_place_is_a_path_of_tags_and_classes():
    found = of('<main><div class="text wide"><p>x</p></div></main>')
    assert found.place(found.rows[0][Row._fields.index("path")]) == "main > div.text.wide > p"
    assert found.place(0) == ""


def test_the_same_path_has_the_same_number():
    first, second, other = (row.path for row in rows("<ul><li>1<li>2</ul><ul class=x><li>3</ul>"))
    assert first == second != other


def test_depth_costs_no_stack():
    found = of("<i>" * 3000 + "deep" + "</i>" * 3000 + "<section>" * 900 + "<p>deeper")
    assert found.texts == ["deep", "deeper"]


@pytest.mark.parametrize("block", ["<div><p>x</p></div>", "<pre>x</pre>", "x<hr>", "<pre>x<hr></pre>", "x<br><br>"])
def test_a_page_of_too_many_blocks_is_read_as_far_as_allowed(block):
    page = page_of("<main><p>x</p>" + block * (BLOCKS_MAX + 500) + "</main><p>end")
    found = outline(page)
    assert len(found.texts) == BLOCKS_MAX
    assert page.flags == ["truncated"]
    assert found.ends[0] == found.ends[1] == len(found.texts)


def holds(found: Outline) -> None:
    """What is true of every outline."""
    assert len(found.texts) == len(found.rows)
    assert len(found.parents) == len(found.starts) == len(found.ends)
    assert all(parent < place for place, parent in enumerate(found.parents) if place)
    for number, (start, end) in enumerate(zip(found.starts, found.ends, strict=True)):
        assert 0 <= start <= end <= len(found.texts)
        if number < 200:
            inside = [place for place, row in enumerate(found.rows) if _within(found, row[12], number)]
            assert inside == list(range(start, end))
    for text, values in zip(found.texts, found.rows, strict=True):
        row = Row(*values)
        assert text.split()
        assert row.chars == len(text)
        assert 0 <= row.linked <= row.chars
        assert 0 <= row.path < found.paths


def _within(found: Outline, container: int, number: int) -> bool:
    while container > number:
        container = found.parents[container]
    return container == number


@pytest.mark.parametrize("name", ordinary())
def test_laws_on_saved_pages_and_their_broken_twins(name):
    page = saved(name)
    holds(outline(page))
    for body in broken_twins(page.html).values():
        found = outline(page_of(body))
        if len(found.parents) < 2000:
            holds(found)


TAGS = ["p", "div", "ul", "li", "table", "tr", "td", "a", "b", "br", "h2", "pre", "nav", "span", "hr", "script", "dl", "dd", "svg"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
            st.text("ab .,é\n", max_size=6),
        ),
        max_size=60,
    )
)
def test_laws_on_any_soup(parts):
    holds(of("".join(parts)))


@pytest.mark.parametrize("mark", ["¶", "#", "§", "🔗"])
def test_a_link_to_its_own_heading_is_no_part_of_it(mark):
    for inner in (mark, f"<span>{mark}</span>"):
        link = f"<a class=headerlink href='#usage'>{inner}</a>"
        found = outline(page_of(f"<h2>Usage{link}</h2><p>C<a href=/sharp>#</a></p>"))
        assert found.texts == ["Usage", "C#"]
