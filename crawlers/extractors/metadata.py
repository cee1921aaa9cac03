"""Title, authors, dates, language, canonical address and a product's facts: only what the page says, never a guess."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from crawlers.extractors import structured
from crawlers.extractors.structured import first_text, types_of

if TYPE_CHECKING:
    from crawlers.extractors.page import Page

ARTICLES = frozenset(
    {"Article", "NewsArticle", "BlogPosting", "Report", "ScholarlyArticle", "TechArticle", "OpinionNewsArticle",
     "ReportageNewsArticle", "AnalysisNewsArticle", "LiveBlogPosting", "Recipe", "HowTo"}
)  # fmt: skip
PRODUCTS = frozenset({"Product", "IndividualProduct", "ProductGroup", "Book", "Vehicle", "SoftwareApplication"})
THREADS = frozenset({"DiscussionForumPosting", "QAPage", "Question"})
LISTS = frozenset({"ItemList", "CollectionPage", "SearchResultsPage", "ImageGallery"})

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_SPACE = re.compile(r"\s+")
_AVAILABILITY = re.compile(r"(?:https?://schema\.org/)?(\w+)")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_NUMBER = re.compile(r"-?\d[\d.,'\u00a0 ]*")


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
    published = main.get("datePublished") or meta.get("article:published_time") or meta.get("datepublished")
    published = published or meta.get("dc.date") or meta.get("date")
    found.published_at = rfc3339(first_text(published)) or _time_element(page)
    found.modified_at = rfc3339(first_text(main.get("dateModified") or meta.get("article:modified_time")))
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
    return "WebPage"


def _clean(text: str | None) -> str | None:
    return (_SPACE.sub(" ", html.unescape(text)).strip() or None) if text else None


def _title(page: Page, main: dict[str, Any], meta: dict[str, str]) -> str | None:
    stated = first_text(main.get("headline") or main.get("name")) or meta.get("og:title")
    if stated:
        return _clean(stated)
    headings = page.tree.css("h1")
    if len(headings) == 1 and (text := _clean(headings[0].text(separator=" "))):
        return text
    node = page.tree.css_first("head > title") or page.tree.css_first("title")
    return _clean(node.text()) if node is not None else None


def _authors(main: dict[str, Any], meta: dict[str, str]) -> list[str]:
    value = main.get("author") or main.get("creator")
    found = [first_text(item) for item in (value if isinstance(value, list) else [value])]
    if not any(found):
        found = [meta.get("author") or meta.get("article:author") or meta.get("dc.creator")]
    names = [name for item in found if (name := _clean(item)) and not name.startswith(("http://", "https://"))]
    return list(dict.fromkeys(names))


def rfc3339(text: str | None) -> str | None:
    """An ISO 8601 date or time as RFC 3339 in UTC; a time without a zone is taken as UTC, a date stays at midnight.

    None where it is not ISO 8601: other forms are not guessed.
    """
    if not text:
        return None
    text = text.strip().replace("Z", "+00:00") if text.strip().endswith("Z") else text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= 1000 else None


def _time_element(page: Page) -> str | None:
    nodes = page.tree.css("article time[datetime], main time[datetime]")
    dates = {found for node in nodes if (found := rfc3339(node.attributes.get("datetime")))}
    return dates.pop() if len(dates) == 1 else None


def _language(page: Page, main: dict[str, Any], meta: dict[str, str]) -> str | None:
    root = page.tree.css_first("html")
    attributes = root.attributes if root is not None else {}
    stated = attributes.get("lang") or attributes.get("xml:lang") or first_text(main.get("inLanguage"))
    stated = stated or page.header("content-language") or meta.get("og:locale") or meta.get("content-language")
    return language_tag(stated)


def language_tag(text: str | None) -> str | None:
    """*text* as a BCP 47 tag: ``de_AT`` is ``de-AT``; None where it is none."""
    match = _LANGUAGE.fullmatch((text or "").strip().partition(",")[0])
    if match is None:
        return None
    first, *rest = match[0].replace("_", "-").split("-")
    parts = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest]
    return "-".join([first.lower(), *parts])


def _canonical(page: Page, meta: dict[str, str]) -> str | None:
    node = page.tree.css_first('link[rel~="canonical" i][href]')
    href = node.attributes.get("href") if node is not None else meta.get("og:url")
    if not href:
        return None
    url = urljoin(page.url, href.strip())
    return url if url.startswith(("http://", "https://")) else None


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
    offers = main.get("offers")
    offer: Any = (offers[0] if offers else {}) if isinstance(offers, list) else offers or {}
    offer = offer if isinstance(offer, dict) else {}
    specification = offer.get("priceSpecification")
    specification = (specification[0] if specification else {}) if isinstance(specification, list) else specification
    price = offer.get("price") or offer.get("lowPrice") or (specification or {}).get("price") or main.get("price")
    price = first_text(price) or meta.get("product:price:amount") or meta.get("og:price:amount")
    currency = first_text(offer.get("priceCurrency") or (specification or {}).get("priceCurrency"))
    available = _AVAILABILITY.fullmatch(first_text(offer.get("availability")) or "")
    rating = main.get("aggregateRating")
    return {
        "price": number(price),
        "currency": currency or meta.get("product:price:currency") or meta.get("og:price:currency") or _symbol(price),
        "availability": available[1] if available else meta.get("product:availability"),
        "sku": first_text(main.get("sku") or main.get("productID") or offer.get("sku") or main.get("mpn")),
        "gtin": first_text(main.get("gtin13") or main.get("gtin") or main.get("gtin12") or main.get("isbn")),
        "brand": _clean(first_text(main.get("brand"))),
        "category": _clean(first_text(main.get("category"))),
        "rating": number(first_text(rating.get("ratingValue"))) if isinstance(rating, dict) else None,
    }


def _symbol(text: str | None) -> str | None:
    return next((code for sign, code in _CURRENCIES.items() if sign in (text or "")), None)


def number(text: str | None) -> float | None:
    """A number as people write it: ``1.299,00``, ``1,299.00``, ``1 299``. None where there is none."""
    match = _NUMBER.search(text or "")
    if match is None:
        return None
    digits = re.sub(r"['\u00a0 ]", "", match[0]).rstrip(".,")
    point, comma = digits.rfind("."), digits.rfind(",")
    if comma > point:
        decimal = len(digits) - comma - 1 != 3 or (digits.count(",") == 1 and point >= 0)
        digits = digits.replace(".", "")
        digits = digits.replace(",", ".") if decimal and digits.count(",") == 1 else digits.replace(",", "")
    else:
        digits = digits.replace(",", "")
        if digits.count(".") > 1:
            digits = digits.replace(".", "")
    try:
        return float(digits)
    except ValueError:
        return None


def _breadcrumbs(page: Page) -> list[str]:
    for item in structured.objects(page):
        if "BreadcrumbList" in types_of(item):
            elements = item.get("itemListElement") or []
            names = [first_text(e.get("name") or e.get("item")) for e in elements if isinstance(e, dict)]
            return [name for text in names if (name := _clean(text))]
    nodes = page.tree.css('nav[aria-label*="breadcrumb" i] a, [class*="breadcrumb" i] a')
    unique = {node.mem_id: node for node in nodes[:20]}.values()  # a node that both alternatives match comes twice
    return [text for node in unique if (text := _clean(node.text(separator=" ")))]
