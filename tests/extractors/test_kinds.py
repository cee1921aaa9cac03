"""List pages only lead to others; articles, products and threads are not taken for them."""

from __future__ import annotations

import pytest

from crawlers.extractors.kinds import kind_of
from crawlers.extractors.page import Page

PROSE = "<p>" + "The council met on Tuesday and spoke for three hours about the bridge and its price. " * 4 + "</p>"
NAV = "<nav>" + "".join(f'<a href="/n{i}">Section {i}</a>' for i in range(12)) + "</nav>"


def items(template, count=8):
    return "".join(template.format(i=i) for i in range(count))


PAGES = {
    "list": [
        "<ul>" + items('<li class="row"><a href="/p/{i}">Item number {i}</a><span>teaser</span></li>') + "</ul>",
        "<div>" + items('<div class="card"><h2><a href="/p/{i}">Item {i}</a></h2><p>short</p></div>') + "</div>",
        "<table>" + items('<tr><td><a href="/p/{i}">Item {i}</a></td><td>{i} EUR</td></tr>') + "</table>",
        '<script type="application/ld+json">{"@type": "CollectionPage"}</script><p>x</p>',
        items('<article><a href="/p/{i}"><img src="/{i}.png"></a><a href="/p/{i}">Item {i}</a></article>'),
        '<ul><li><a href="/a">The first story of the day</a></li><li><a href="/b">The second story</a></li></ul>',
    ],
    "article": [
        '<meta property="og:type" content="article">' + PROSE,
        '<script type="application/ld+json">{"@type": "BlogPosting"}</script>' + PROSE,
        "<article>" + PROSE * 4 + "</article><aside>" + items('<li><a href="/r/{i}">Related {i}</a></li>') + "</aside>",
    ],
    "product": [
        '<script type="application/ld+json">{"@type": "Product", "name": "Lamp"}</script>'
        + items('<li><a href="/p/{i}">Also bought {i}</a></li>'),
        '<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Lamp</h1></div>',
    ],
    "thread": ['<script type="application/ld+json">{"@type": "DiscussionForumPosting", "text": "x"}</script>'],
    "page": ["<main>" + PROSE * 4 + "</main>"],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in PAGES.items() for body in bodies])
def test_what_a_page_is(kind, body):
    html = f"<html><body>{NAV}{body}<footer><a href='/imprint'>Imprint</a></footer></body></html>"
    page = Page(html.encode(), "http://a.example/", {"content-type": ["text/html"]})
    assert kind_of(page) == kind


def test_what_is_no_page_of_html_is_no_list():
    assert kind_of(Page(b"%PDF-1.4", "http://a.example/x", {"content-type": ["application/pdf"]})) == "page"
