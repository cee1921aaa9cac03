"""Lists that only lead to other pages, and pages that look like them and are none."""

from __future__ import annotations

import pytest

from crawlers.extractors.lists import looks_like_list
from tests.webpages import broken_twins, page_of, saved

SENTENCE = "Kettles boil water, and the best of them do it quietly, in a corner of the kitchen that nobody looks at. "
FRAME = "<nav><ul>" + "<li><a href=/a>Section</a></li>" * 20 + "</ul></nav>"


def is_list(html: str) -> bool:
    return looks_like_list(page_of(FRAME + html))


def items(one: str, number: int = 12) -> str:
    return "".join(one.replace("@", str(i)) for i in range(number))


LISTS = {
    "titles": f"<ul>{items('<li><a href=/@>Story number @</a></li>')}</ul>",
    "cards": items("<div class=card><a href=/@><img src=/@.jpg><h3>Kettle @</h3></a><p>£ @.50</p></div>"),
    "table": f"<table>{items('<tr><td><a href=/@>Order @</a></td><td>open</td></tr>')}</table>",
    "teasers": items(f"<article><h2><a href=/@>Story @</a></h2><p>{SENTENCE * 3}</p></article>"),
    "flat teasers": items(f"<h2><a href=/@>Story @</a></h2><p>{SENTENCE * 3}</p>"),
    "a word before": f"<h1>News</h1><p>All that happened.</p><ul>{items('<li><a href=/@>Story @</a></li>')}</ul>",
    "index": f"<p>{items('<a href=/@>Letter @</a>, ', 40)}</p>",
}
PAGES = {
    "article": f"<h1>Kettles</h1>{items(f'<p>{SENTENCE}</p>', 5)}",
    "article with more to read": f"<article>{items(f'<p>{SENTENCE}</p>', 5)}</article><ul>{items('<li><a href=/@>Story @</a></li>')}</ul>",
    "text in lines": SENTENCE * 20 + f"<ul>{items('<li><a href=/@>Story @</a></li>')}</ul>",
    "references in running text": items(
        f"<dl><dt>name(<a href=/@>type</a>)</dt><dd><p>{SENTENCE} See <a href=/@>this</a>.</p></dd></dl>"
    ),
    "short entries": items("<dl><dt>ERROR_@</dt><dd>Not permitted, mapped to <a href=/@>an exception</a>.</dd></dl>"),
    "the same link again and again": items(
        f"<div><p>{SENTENCE * 3}</p><a href=/@>Part of the stable interface</a></div>"
    ),
    "grammar": f"<p>{SENTENCE * 9}</p><p>{SENTENCE * 9}</p><pre>{items('<a href=/@>rule@</a> ::= x@' + chr(10))}</pre>",
    "few links": f"<h1>Contact</h1><p>Write to us.</p>{items('<li><a href=/@>Office @</a>, open from nine to five o clock</li>', 3)}",
    "nothing": "<p>Not found.</p>",
    "empty": "",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_only_leads_to_others(name):
    assert is_list(LISTS[name])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_its_own_is_no_list(name):
    assert not is_list(PAGES[name])


@pytest.mark.parametrize("name", ["article", "product", "documentation", "blog-de", "thread"])
def test_no_saved_page_is_a_list_whatever_breaks_it(name):
    page = saved(name)
    assert not looks_like_list(page)
    for body in broken_twins(page.html).values():
        looks_like_list(page_of(body))


def test_a_saved_list_is_one():
    assert looks_like_list(saved("listing"))
