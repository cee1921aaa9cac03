"""What kind of page it is: an article, a product, a thread, or a list that only leads to others. No selectors needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.extractors import metadata as meta
from crawlers.extractors import structured
from crawlers.extractors.lists import looks_like_list

if TYPE_CHECKING:
    from crawlers.extractors.page import Page

ARTICLE, PRODUCT, THREAD, LIST, PAGE = "article", "product", "thread", "list", "page"


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
    if looks_like_list(page):
        return LIST
    return ARTICLE if page.elements("article") else PAGE
