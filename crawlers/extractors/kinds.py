"""What kind of page it is: an article, a product, a thread, or a list that only leads to others. No selectors needed."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING

from crawlers.extractors import metadata as meta
from crawlers.extractors import structured
from crawlers.extractors.nesting import ancestors, apart

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

ARTICLE, PRODUCT, THREAD, LIST, PAGE = "article", "product", "thread", "list", "page"

_REPEATED = 6
"""Items alike, each with a link, that make a list."""
_PROSE = 200
"""Code points of a paragraph that is prose and not a teaser."""
_LABEL, _COLUMN = 40, 500
"""Code points that a paragraph has, and that all under one parent have, where they are the text of an article."""
_PARAGRAPHS_MAX = 400
_FEW_PARAGRAPHS = 3
_MOSTLY_LINKS = 0.6
_CLIMB = 4
_LINKS_MAX = 600
_BOILERPLATE = "nav, header, footer, aside"


def kind_of(page: Page) -> str:
    """article, product, thread, list or page."""
    return page.remember("kind", _kind_of)


def is_list(page: Page) -> bool:
    """Whether the page only leads to others."""
    return kind_of(page) == LIST


def _kind_of(page: Page) -> str:
    if page.media_type not in {"text/html", "application/xhtml+xml"}:
        return PAGE
    objects = structured.objects(page)
    stated, _ = meta.main_object(objects)
    if stated is not None:
        return {"Product": PRODUCT, "Article": ARTICLE}.get(stated, THREAD)
    types = {kind for item in objects for kind in structured.types_of(item)}
    if types & meta.LISTS or sum(bool(meta.PRODUCTS.intersection(structured.types_of(i))) for i in objects) > 2:
        return LIST
    og_type = structured.meta(page).get("og:type", "").lower()
    if og_type.startswith("article"):
        return ARTICLE
    if og_type.startswith("product"):
        return PRODUCT
    if _looks_like_list(page):
        return LIST
    return ARTICLE if page.tree.css_first("article") is not None else PAGE


def _looks_like_list(page: Page) -> bool:
    """Many items alike with a link each, and hardly any prose beside them."""
    body = page.tree.body
    if body is None:
        return False
    paragraphs = [(node, len(node.text(strip=True))) for node in apart(page.tree.css("p")[:_PARAGRAPHS_MAX], 1)]
    long = [node for node, length in paragraphs if length >= _PROSE]
    if _has_column(paragraphs) or sum(_without_links(node.parent) for node in long) >= _FEW_PARAGRAPHS:
        return False
    return _most_repeated(page) >= _REPEATED or (not long and _link_share(page) >= _MOSTLY_LINKS)


def _has_column(paragraphs: list[tuple[LexborNode, int]]) -> bool:
    """Whether several paragraphs that are no labels stand under one parent, as those of an article do.

    Those of teasers stand alone, each in its item.
    """
    columns: dict[int, list[int]] = {}
    for node, length in paragraphs:
        if length >= _LABEL and node.parent is not None:
            columns.setdefault(node.parent.mem_id, []).append(length)
    return any(len(lengths) >= _FEW_PARAGRAPHS and sum(lengths) >= _COLUMN for lengths in columns.values())


def _without_links(node: LexborNode | None) -> bool:
    return node is not None and node.css_first("a[href]") is None


def _link_share(page: Page) -> float:
    """Share of the visible letters that are in links."""
    body = page.tree.body
    if body is None:
        return 0.0
    total = sum(len(text.strip()) for text in body.text(separator="\n").split("\n"))
    linked = sum(len(node.text(strip=True)) for node in page.tree.css("a[href]"))
    return linked / total if total else 0.0


def _most_repeated(page: Page) -> int:
    """How many elements alike under one parent have a link, at most, outside of navigation."""
    outside = {node.mem_id: True for node in page.tree.css(_BOILERPLATE)}
    seen: set[int] = set()
    counts: Counter[tuple[int, str]] = Counter()
    for link in page.tree.css("a[href]")[:_LINKS_MAX]:
        if _stands_in(link, outside):
            continue
        for item in [link, *takewhile(lambda node: node.tag != "body", islice(ancestors(link), _CLIMB - 1))]:
            parent = item.parent
            if parent is None or item.mem_id in seen:
                continue
            seen.add(item.mem_id)
            counts[(parent.mem_id, f"{item.tag}.{item.attributes.get('class') or ''}")] += 1
    return max(counts.values(), default=0)


def _stands_in(node: LexborNode, known: dict[int, bool]) -> bool:
    """Whether *node* or an element around it is true in *known*; notes in it what it found for each of them."""
    passed = []
    answer = False
    for item in chain((node,), takewhile(lambda item: item.tag != "body", ancestors(node))):
        place = item.mem_id
        if place in known:
            answer = known[place]
            break
        passed.append(place)
    known.update(dict.fromkeys(passed, answer))
    return answer
