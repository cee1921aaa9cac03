"""Title, authors, dates, language, canonical address and a product's facts: only what the page says, never a guess."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crawlers.extractors import dates, structured
from crawlers.extractors.links import absolute, related
from crawlers.extractors.outline import PERMALINKS
from crawlers.extractors.structured import first_text, types_of

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

ARTICLES = frozenset(
    {"Article", "NewsArticle", "BlogPosting", "Report", "ScholarlyArticle", "TechArticle", "OpinionNewsArticle",
     "ReportageNewsArticle", "AnalysisNewsArticle", "LiveBlogPosting", "Recipe", "HowTo"}
)  # fmt: skip
PRODUCTS = frozenset({"Product", "IndividualProduct", "ProductGroup", "Book", "Vehicle", "SoftwareApplication"})
THREADS = frozenset({"DiscussionForumPosting", "QAPage", "Question"})
LISTS = frozenset({"ItemList", "CollectionPage", "SearchResultsPage"})

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_AVAILABILITY = re.compile(r"(?:https?://schema\.org/)?(\w+)")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_GROUPS = " '\u2019\u00a0\u202f\u2009"
_NUMBER = re.compile(
    rf"(?:(?<!\w)[-\u2212])?(?:[0-9]{{1,3}}(?:[{_GROUPS}][0-9]{{3}})+(?![0-9])(?:[.,][0-9]{{1,2}}(?![0-9]))?|[0-9]+(?:[.,][0-9]+)*|[.,][0-9]{{1,2}}(?![0-9]))"
)
_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]+)?")
_DIGITS_MAX = 30
_WITHOUT_CENTS = frozenset({
    "BIF", "CLP", "COP", "CRC", "DJF", "GNF", "HUF", "IDR", "IQD", "IRR", "ISK", "JPY", "KMF", "KRW", "LAK", "PYG",
    "RWF", "UGX", "UZS", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
_BY = re.compile(r"by\s+(?=\S)", re.IGNORECASE)
_AUTHOR_MAX = 100
_TRAILS_MAX, _CRUMBS_MAX = 20, 20


@dataclass
class Metadata:
    """What a page says of itself."""

    type: str = "WebPage"
    title: str | None = None
    authors: list[str] = field(default_factory=list)
    published_at: str | None = None
    modified_at: str | None = None
    language: str | None = None
    canonical_url: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """description, site, section, tags; price, currency, availability, sku, brand, rating for a product; posts of a thread."""


def metadata(page: Page) -> Metadata:
    """Read the page's own statements."""
    objects, meta = structured.objects(page), structured.meta(page)
    kind, main = main_object(objects)
    found = Metadata(type=kind or _type_of_meta(meta))
    found.title = _title(page, main, meta)
    found.authors = _authors(main, meta)
    found.published_at = dates.published_at(page, main)
    found.modified_at = dates.modified_at(page, main)
    found.language = _language(page, main, meta)
    found.canonical_url = _canonical(page, meta)
    found.fields = _fields(page, found.type, main, meta)
    return found


def main_object(objects: list[dict[str, Any]]) -> tuple[str | None, dict[str, Any]]:
    """schema.org type of the page's subject, as records have it, and the object itself; None and ``{}`` without one."""
    for kinds, name in ((PRODUCTS, "Product"), (ARTICLES, "Article"), (THREADS, "DiscussionForumPosting")):
        matching = [item for item in objects if kinds.intersection(types_of(item))]
        if len(matching) == 1 or (matching and name != "Product"):
            return name, matching[0]
        if 1 < len(matching) <= 2:
            return name, matching[0]
    return None, {}


def _type_of_meta(meta: dict[str, str]) -> str:
    kind = meta.get("og:type", "").lower()
    if kind.startswith("article"):
        return "Article"
    if kind.startswith(("product", "og:product")):
        return "Product"
    # An author alone is on many a front page, and so is a day; who wrote something and when is said of articles.
    return "Article" if not kind and meta.get("author") and meta.get("article:published_time") else "WebPage"


def _clean(text: str | None) -> str | None:
    return (" ".join(html.unescape(text).split()) or None) if text else None


def _title(page: Page, main: dict[str, Any], meta: dict[str, str]) -> str | None:
    stated = first_text(main.get("headline") or main.get("name")) or meta.get("og:title")
    if stated:
        return _clean(stated)
    headings = page.elements("h1")
    if len(headings) == 1 and (text := _clean(_without_permalink(headings[0]))):
        return text
    titles = page.elements("title")
    node = next((node for node in titles if node.parent and node.parent.tag == "head"), titles[0] if titles else None)
    return _clean(node.text()) if node is not None else None


def _without_permalink(heading: LexborNode) -> str:
    text = heading.text(separator=" ").strip()
    links = (node.text(strip=True) for node in heading.css('a[href^="#"]'))
    return text[:-1] if text[-1:] in PERMALINKS and text[-1:] in links else text


def _authors(main: dict[str, Any], meta: dict[str, str]) -> list[str]:
    value = main.get("author") or main.get("creator")
    found = [first_text(item) for item in (value if isinstance(value, list) else [value])]
    if not any(found):
        found = [meta.get("author") or meta.get("article:author") or meta.get("dc.creator")]
    names = [_BY.sub("", name, count=1) if _BY.match(name) else name for item in found if (name := _clean(item))]
    return list(dict.fromkeys(name for name in names if "://" not in name and len(name) <= _AUTHOR_MAX))


def _language(page: Page, main: dict[str, Any], meta: dict[str, str]) -> str | None:
    root = page.tree.css_first("html")
    attributes = root.attributes if root is not None else {}
    stated = attributes.get("lang") or attributes.get("xml:lang") or first_text(main.get("inLanguage"))
    stated = stated or page.header("content-language") or meta.get("og:locale") or meta.get("content-language")
    return language_tag(stated)


def language_tag(text: str | None) -> str | None:
    """*text* as a BCP 47 tag: ``de_AT`` is ``de-AT``; None where it is none."""
    match = _LANGUAGE.fullmatch((text or "").strip().partition(",")[0])
    if match is None or match[0].lower() in {"und", "zxx", "mul", "xxx"}:
        return None
    first, *rest = match[0].replace("_", "-").split("-")
    parts = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest]
    return "-".join([first.lower(), *parts])


def _canonical(page: Page, meta: dict[str, str]) -> str | None:
    node = next(related(page.elements("link"), "canonical"), None)
    href = (node.attributes.get("href") if node is not None else None) or meta.get("og:url")
    return absolute(href, page.url) if href else None


def _fields(page: Page, kind: str, main: dict[str, Any], meta: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": _clean(
            first_text(main.get("description")) or meta.get("og:description") or meta.get("description")
        ),
        "site": _clean(meta.get("og:site_name")),
        "section": _clean(first_text(main.get("articleSection")) or meta.get("article:section")),
    }
    if kind == "Product":
        found.update(_product(main, meta))
    breadcrumbs = _breadcrumbs(page)
    if breadcrumbs:
        found["breadcrumbs"] = breadcrumbs
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _product(main: dict[str, Any], meta: dict[str, str]) -> dict[str, Any]:
    offer = _object(main.get("offers"))
    offer = offer if "price" in offer or "lowPrice" in offer else {**_object(offer.get("offers")), **offer}
    specification = _object(offer.get("priceSpecification"))
    prices = (offer.get("price"), offer.get("lowPrice"), specification.get("price"), main.get("price"))
    price = next((text for value in prices if (text := first_text(value))), None)
    price = price or meta.get("product:price:amount") or meta.get("og:price:amount")
    currency = first_text(offer.get("priceCurrency") or specification.get("priceCurrency"))
    currency = currency or meta.get("product:price:currency") or meta.get("og:price:currency") or _symbol(price)
    available = _AVAILABILITY.fullmatch(first_text(offer.get("availability")) or "")
    return {
        "price": stated_number(price, currency),
        "currency": currency,
        "availability": available[1] if available else meta.get("product:availability"),
        "sku": first_text(main.get("sku") or main.get("productID") or offer.get("sku") or main.get("mpn")),
        "gtin": first_text(main.get("gtin13") or main.get("gtin") or main.get("gtin12") or main.get("isbn")),
        "brand": _clean(first_text(main.get("brand"))),
        "category": _clean(first_text(main.get("category"))),
        "rating": stated_number(first_text(_object(main.get("aggregateRating")).get("ratingValue"))),
    }


def _object(value: Any) -> dict[str, Any]:
    """The first object in what may be one, a list of them, or nothing of use."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            return item
    return {}


def _symbol(text: str | None) -> str | None:
    return next((code for sign, code in _CURRENCIES.items() if sign in (text or "")), None)


def stated_number(text: str | None, currency: str | None = None) -> float | None:
    """A number written for machines, where schema.org has a full stop before decimals; else as :func:`number`.

    Args:
        text: the number.
        currency: its currency; one without cents has no decimals, so that its full stop parts thousands.
    """
    text = (text or "").strip()
    if _PLAIN_NUMBER.fullmatch(text) and (currency or "").upper() not in _WITHOUT_CENTS:
        return float(text)
    return number(text)


def number(text: str | None) -> float | None:
    """A number as people write it: ``1.299,00``, ``1,299.00``, ``1 299``, ``12,99 €``. None where there is none.

    A single mark before exactly three digits parts thousands: ``1.299`` is 1299, ``0.299`` is not.
    """
    match = _NUMBER.search(text or "")
    if match is None or len(match[0]) > _DIGITS_MAX:
        return None
    written = re.sub(f"[{_GROUPS}]", "", match[0]).replace("\u2212", "-")
    mark = "." if written.rfind(".") > written.rfind(",") else ","
    whole, _, rest = written.rpartition(mark)
    other = "," if mark == "." else "."
    if not whole.strip("-"):
        return float(f"{whole}0.{rest}" if mark in written else rest)
    if other in whole and mark not in whole:  # 1.299,00 and 1,299.00
        return float(f"{whole.replace(other, '')}.{rest}")
    if other in whole:
        return None
    groups = whole.lstrip("-").split(mark)
    grouped = (
        len(rest) == 3 and len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(g) in {2, 3} for g in groups[1:])
    )
    if grouped:
        return float("".join(written.split(mark)))
    return float(f"{whole}.{rest}") if len(groups) == 1 else None


def _breadcrumbs(page: Page) -> list[str]:
    for item in structured.objects(page):
        if "BreadcrumbList" in types_of(item):
            elements = item.get("itemListElement") or []
            elements = elements if isinstance(elements, list) else [elements]
            names = [first_text(e.get("name") or e.get("item")) for e in elements if isinstance(e, dict)]
            return [name for text in names if (name := _clean(text))]
    if "readcrumb" not in page.html:
        return []
    trails = page.tree.css('nav[aria-label*="breadcrumb" i], [class*="breadcrumb" i]')[:_TRAILS_MAX]
    unique = {
        node.mem_id: node for trail in trails for node in trail.css("a")[:_CRUMBS_MAX] if node.mem_id != trail.mem_id
    }
    return [text for node in list(unique.values())[:_CRUMBS_MAX] if (text := _clean(node.text(separator=" ")))]
