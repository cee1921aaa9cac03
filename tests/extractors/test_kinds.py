"""Kinds of page: twelve kinds of list and more that are none, without selectors."""

from __future__ import annotations

import pytest

from crawlers.extractors.kinds import is_list, kind_of
from tests.webpages import broken_twins, ordinary, page_of, saved

PROSE = "The harbour bridge opened again on Tuesday, nine months after engineers found cracks in two of its cables, and four hundred people walked across it in the first hour of the day, most of them with umbrellas and a few with dogs. "
SHORT = "The bridge opened to people on foot at seven in the morning, as planned."
MENU = "<nav><ul>" + "".join(f'<li><a href="/m{n}">Menu {n}</a></li>' for n in range(12)) + "</ul></nav>"
RELATED = (
    '<div class="related">'
    + "".join(f'<div class="teaser"><a href="/r{n}">Story number {n}</a></div>' for n in range(14))
    + "</div>"
)


def items(template, count=10):
    return "".join(template.format(n=n) for n in range(count))


LISTS = {
    "cards of a shop": MENU + "<main>" + items('<div class="card"><a href="/p{n}"><img src="/i{n}.jpg"><h3>Kettle {n}</h3></a><span>£{n}.50</span></div>') + "</main>",
    "items of a list": "<ul>" + items('<li><a href="/a{n}">Story {n}</a> <small>2 h ago</small></li>') + "</ul>",
    "rows of a table": "<table>" + items('<tr><td><a href="/t{n}">Topic {n}</a></td><td>7 replies</td></tr>') + "</table>",
    "a forum's topics": items('<div class="topic"><h4><a href="/t{n}">Question {n}</a></h4><span>maria</span></div>'),
    "articles with teasers": items('<article class="teaser"><h2><a href="/a{n}">Story {n}</a></h2><p>' + PROSE + "</p></article>"),
    "search results": items('<div class="hit"><a href="/h{n}">Result {n}</a><p>' + SHORT + "</p></div>"),
    "a gallery": items('<figure><a href="/g{n}"><img src="/g{n}.jpg" alt="x"></a></figure>'),
    "a definition list": "<dl>" + items('<dt><a href="/d{n}">Term {n}</a></dt><dd>Short.</dd>') + "</dl>",
    "a directory": "<pre>" + items('<a href="f{n}.html">f{n}.html</a>   2026-01-01 10:00  4.2K\n') + "</pre>",
    "a calendar": "<table>" + items('<tr><td><time>1 Jan</time></td><td><a href="/e{n}">Concert {n}</a></td></tr>') + "</table>",
    "an archive by month": items('<section><h3>Month {n}</h3><a href="/m{n}a">One of {n}</a> <a href="/m{n}b">Two of {n}</a></section>'),
    "links without markup": items('<a href="/l{n}">A link to something {n}</a><br>'),
    "declared by JSON-LD": '<script type="application/ld+json">{"@type": "CollectionPage"}</script><p>' + PROSE * 4,
    "products in JSON-LD": '<script type="application/ld+json">[' + ",".join(['{"@type": "Product"}'] * 5) + "]</script>",
}  # fmt: skip

OTHERS = {
    "prose": ("page", f"<p>{PROSE}</p>" * 5),
    "prose and a menu": ("page", MENU + f"<p>{PROSE}</p>" * 5),
    "an article with many related stories": (
        "article",
        f"<article><h1>Bridge</h1>{f'<p>{PROSE}</p>' * 4}</article>{RELATED}",
    ),
    "short paragraphs and many related stories": (
        "article",
        f"<article><h1>Bridge</h1>{f'<p>{SHORT}</p>' * 8}</article>{RELATED}",
    ),
    "short paragraphs without an article element": (
        "page",
        f"<div><h1>Bridge</h1>{f'<p>{SHORT}</p>' * 8}</div>{RELATED}",
    ),
    "paragraphs in boxes": ("page", f"<div><p>{PROSE}</p></div>" * 4 + RELATED),
    "prose full of links": ("page", f"<div>{f'<p>{PROSE}<a href=/x>link</a> <a href=/y>link</a></p>' * 4}</div>"),
    "a few links": ("page", '<h1>Contact</h1><p>Write to us, or call.</p><a href="/a">Map</a>'),
    "nothing": ("page", ""),
    "declared article among teasers": (
        "article",
        '<meta property="og:type" content="article">' + LISTS["items of a list"],
    ),
    "declared product among products": (
        "product",
        '<meta property="og:type" content="product.item">' + LISTS["cards of a shop"],
    ),
    "declared question": (
        "thread",
        '<script type="application/ld+json">{"@type": "QAPage"}</script>' + LISTS["a forum's topics"],
    ),
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_lists(name):
    page = page_of(LISTS[name])
    assert kind_of(page) == "list"
    assert is_list(page)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_what_is_no_list(name):
    kind, html = OTHERS[name]
    assert kind_of(page_of(html)) == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("article", "article"), ("product", "product"), ("thread", "thread"), ("listing", "list")]
)
def test_saved_pages(name, kind):
    assert kind_of(saved(name)) == kind


def test_what_is_no_html_is_a_page():
    assert kind_of(page_of(b"%PDF-1.7")) == "page"
    assert not is_list(page_of("<a href=/>x</a>" * 30, content_type="text/plain"))


@pytest.mark.parametrize("name", ordinary())
def test_broken_twins_are_of_some_kind(name):
    for body in broken_twins(saved(name).html).values():
        assert kind_of(page_of(body)) in {"article", "product", "thread", "list", "page"}
