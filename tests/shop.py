"""An ordinary page of a shop, for benchmarks: menu, trail, related goods and a footer around a description.

The 77 pages between 12 and 32 KB in the development half of WCXB have 23.8 KB, 49 links, 634 nodes, 14 ``<meta>`` and 1,075
words on average. ``tests/test_server.py`` holds the page of 20 KB here to its share of each.
"""

from __future__ import annotations

import json
import random

from tests.pages import NAV, paragraphs_of, sentences, title_of

_CATEGORIES = 18
_CUSTOMERS = ("Ada", "Bo", "Cem", "Dora", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jan")
_PROPERTIES = ("Brand", "Material", "Width", "Height", "Weight", "Colour", "Origin", "Warranty")
_SHARED = ("og:title", "og:description", "twitter:title", "twitter:description")
_STATIC = (
    ("viewport", "width=device-width, initial-scale=1"), ("theme-color", "#204060"), ("format-detection", "telephone=no"),
    ("apple-mobile-web-app-title", "Mill Street Stores"), ("robots", "index, follow"), ("generator", "ShopWorks 7.2"),
    ("referrer", "origin-when-cross-origin"), ("color-scheme", "light dark"),
)  # fmt: skip
_STYLE = (
    ".menu li{display:inline-block;padding:0 .5em}.price{font-weight:bold;color:#204060}.card{border:1px solid #ddd}\n"
)


def shop_html(
    path: str, links: list[str], lists: int, *, is_list: bool, seed: int, version: int, size: int, meta: bool
) -> str:
    """The page at *path*, with an inline style that fills it up to *size* bytes."""
    title = title_of(path, seed)
    pick = int(path.rpartition("/")[2] or 0) if path != "/" else 0
    categories = [(f"/list/{k}" if k > 1 else "/") for k in range(1, min(lists, _CATEGORIES) + 1)]
    menu = "".join(
        f'<li class="menu-item"><a href="{url}">{title_of(url, seed).rpartition(" ")[0]}</a></li>\n'
        for url in categories
    )
    cards = "".join(
        f'<li class="card"><a class="card-link" href="{link}">{title_of(link, seed)}</a><span class="price">£{i + 3}.50</span></li>\n'
        for i, link in enumerate(links)
    )
    page = (
        f'<!doctype html>\n<html lang="en">\n{_head(path, title, pick, product=not is_list, meta=meta)}<body class="shop">\n<header class="top">'
        '<a class="logo" href="/">Mill Street Stores</a><form action="/search"><input name="q" placeholder="Search">'
        f'<button type="submit">Go</button></form><nav><ul class="menu">\n{menu}</ul></nav></header>\n'
    )
    if is_list:
        page += f'<main><h1>{title}</h1><ul class="items">\n{cards}</ul></main>\n'
    else:
        page += _product(path, title, categories, cards, pick, seed, version)
    page += _foot(categories)
    filling = max(0, size - len(page) - 60) // len(_STYLE)
    return page.replace("</head>", f"<style>{_STYLE * filling}</style>\n</head>", 1)


def _head(path: str, title: str, pick: int, *, product: bool, meta: bool) -> str:
    metas = "".join(f'<meta name="{name}" content="{value}">\n' for name, value in _STATIC)
    metas += "".join(f'<meta property="{name}" content="{title}, from stock">\n' for name in _SHARED)
    charset = "<meta charset=utf-8>\n" if meta else ""
    offer = {
        "@type": "Offer",
        "price": f"{pick % 90 + 9}.50",
        "priceCurrency": "GBP",
        "availability": "https://schema.org/InStock",
    }
    about = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "sku": f"MS-{pick:05}",
        "offers": offer,
    }
    data = f'<script type="application/ld+json">{json.dumps(about)}</script>\n' if product else ""
    return (
        f'<head>\n{charset}<title>{title} | Mill Street Stores</title>\n<meta name="description" content="{title}, described">\n'
        f'{metas}<link rel="canonical" href="{path}">\n<link rel="stylesheet" href="/static/shop.css">\n{data}</head>\n'
    )


def _product(path: str, title: str, categories: list[str], cards: str, pick: int, seed: int, version: int) -> str:
    trail = "".join(f'<li><a href="{url}">{title_of(url, seed).partition(" ")[0]}</a></li>' for url in categories[:2])
    text = "".join(f"<p>{part}</p>\n" for part in paragraphs_of(path, seed, version))
    rows = "".join(
        f"<tr><th>{name}</th><td>{pick % 40 + i} {name.lower()[:3]}</td></tr>\n" for i, name in enumerate(_PROPERTIES)
    )
    return (
        f'<main><ol class="trail">{trail}</ol><article class="product"><h1>{title}</h1>\n'
        f'<p class="price"><b>£{pick % 90 + 9}.50</b> <small>including VAT</small></p><div class="description">\n{text}</div>\n'
        f'<h2>Details</h2><table class="properties">\n{rows}</table>\n'
        f'<section class="reviews"><h2>Reviews</h2>\n{_reviews(path, seed)}</section></article>\n'
        f'<aside><h2>You may also like</h2><ul class="related">\n{cards}</ul></aside></main>\n'
    )


def _reviews(path: str, seed: int) -> str:
    rng = random.Random(f"reviews:{seed}:{path}")
    return "".join(
        f'<div class="review"><h4>{sentences(rng, 4)}</h4>\n<p class="by"><b>{name}</b> <small>in {1990 + rng.randrange(30)}</small></p>\n'
        f"<p>{sentences(rng, 18)}</p></div>\n"
        for name in _CUSTOMERS
    )


def _foot(categories: list[str]) -> str:
    columns = "".join(
        f'<div class="column"><h3>{name}</h3><ul>' + "".join(
            f'<li><a href="{categories[(3 * place + k) % len(categories)]}#{name.lower()}">{name} {k + 1}</a></li>' for k in range(3)
        ) + "</ul></div>\n"
        for place, name in enumerate(NAV)
    )  # fmt: skip
    return (
        f'<footer>\n{columns}<p class="legal">© Mill Street Stores. All rights reserved.</p></footer>\n</body></html>\n'
    )
