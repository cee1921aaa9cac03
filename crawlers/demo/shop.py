"""The shop of the demo site: five categories in lists of six, forty products with their picture and JSON-LD."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawlers.demo import truth
from crawlers.demo.pages import Answer, Frame, pagination
from crawlers.demo.pictures import picture

if TYPE_CHECKING:
    from collections.abc import Iterator

CURRENCY = "EUR"
_PER_PAGE = 6
_HOME = ("Home", "/")
_SHOP = ("Shop", "/shop/")
_AVAILABLE = {
    "InStock": "In stock, sent tomorrow",
    "OutOfStock": "Sold out",
    "PreOrder": "Ordered for you, three weeks",
}


@dataclass(frozen=True)
class Product:
    """One thing to buy."""

    category: str
    number: int
    name: str
    brand: str
    price: str
    availability: str
    description: str

    @property
    def slug(self) -> str:
        """The name as an address has it."""
        return re.sub(r"[^a-z]+", "-", self.name.lower()).strip("-")

    @property
    def sku(self) -> str:
        """The shop's own number."""
        return f"MB-{self.category[:2].upper()}{self.number:02}"

    @property
    def path(self) -> str:
        """Address of its page."""
        return f"/shop/{self.category}/{self.slug}"

    @property
    def picture_path(self) -> str:
        """Address of its picture."""
        return f"/pictures/{self.slug}.png"


@cache
def catalogue() -> dict[str, tuple[str, list[Product]]]:
    """Category to its name and products, as ``goods.txt`` lists them."""
    found: dict[str, tuple[str, list[Product]]] = {}
    category = ""
    for line in Path(__file__).with_name("goods.txt").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.removeprefix("#").split(" | ")]
        if line.startswith("#"):
            category, name = cells
            found[category] = (name, [])
        else:
            goods = found[category][1]
            product = Product(category, len(goods) + 1, *cells)
            price = truth.IMPOSSIBLE_PRICES.get(product.slug, product.price)
            goods.append(Product(category, product.number, product.name, product.brand, price, *cells[3:]))
    return found


def products() -> list[Product]:
    """Every product, in the order of the catalogue."""
    return [product for _, goods in catalogue().values() for product in goods]


def pages(origin: str) -> Iterator[tuple[str, Answer]]:
    """Path and answer of everything in the shop, pictures too."""
    yield "/shop/", _entrance().answer(origin)
    for category, (name, goods) in catalogue().items():
        yield from _lists(category, name, goods, origin)
        for product in goods:
            yield product.path, _product_page(product, name, origin).answer(origin)
            body = picture(
                product.slug, blurred=product.slug in truth.BLURRED, truncated=product.slug == truth.TRUNCATED
            )
            yield product.picture_path, Answer(body, "image/png")


def _entrance() -> Frame:
    items = "\n".join(
        f'<li class="category"><a href="/shop/{category}/">{name}</a> ({len(goods)})</li>'
        for category, (name, goods) in catalogue().items()
    )
    body = f'<h1>Shop</h1>\n<ul class="categories">\n{items}\n</ul>'
    return Frame(
        title="Shop", body=body, path="/shop/", crumbs=[_HOME], data=[{"@type": "CollectionPage", "name": "Shop"}]
    )


def _lists(category: str, name: str, goods: list[Product], origin: str) -> Iterator[tuple[str, Answer]]:
    parts = list(_batches(goods))
    paths = [f"/shop/{category}/" + (f"?page={number + 1}" if number else "") for number in range(len(parts))]
    for number, (path, part) in enumerate(zip(paths, parts, strict=True)):
        cards = "\n".join(_card(product) for product in part)
        gone = f'<p><a href="{truth.MISSING[1]}">Looking for the stool?</a></p>\n' if category == "chairs" else ""
        body = f'<h1>{name}</h1>\n<ol class="products">\n{cards}\n</ol>\n{gone}{pagination(paths, number)}'
        yield (
            path,
            Frame(
                title=name,
                body=body,
                path=path,
                crumbs=[_HOME, _SHOP],
                data=[{"@type": "CollectionPage", "name": name}],
            ).answer(origin),
        )


def _batches(goods: list[Product]) -> Iterator[list[Product]]:
    for start in range(0, len(goods), _PER_PAGE):
        yield goods[start : start + _PER_PAGE]


def _card(product: Product) -> str:
    return (
        f'<li class="product"><a href="{product.path}"><img src="{product.picture_path}" alt="{escape(product.name)}" '
        f'width="160" height="160"></a>\n<h2><a href="{product.path}">{escape(product.name)}</a></h2> '
        f'<span class="price">€{product.price}</span></li>'
    )


def _product_page(product: Product, category: str, origin: str) -> Frame:
    body = f"""<article class="product">
<h1>{escape(product.name)}</h1>
<figure><img src="{product.picture_path}" alt="{escape(product.name)}" width="160" height="160"></figure>
<p class="price">€{product.price}</p>
<p class="availability">{_AVAILABLE[product.availability]}</p>
<div class="description"><p>{escape(product.description)}</p></div>
<table><tr><th>Brand</th><td>{escape(product.brand)}</td></tr><tr><th>Number</th><td>{product.sku}</td></tr></table>
</article>"""
    return Frame(
        title=product.name,
        body=body,
        path=product.path,
        crumbs=[_HOME, _SHOP, (category, f"/shop/{product.category}/")],
        data=[_as_data(product, category, origin)],
    )


def _as_data(product: Product, category: str, origin: str) -> dict[str, Any]:
    return {
        "@type": "Product",
        "name": product.name,
        "description": product.description,
        "sku": product.sku,
        "category": category,
        "brand": {"@type": "Brand", "name": product.brand},
        "image": origin + product.picture_path,
        "offers": {
            "@type": "Offer",
            "price": product.price,
            "priceCurrency": CURRENCY,
            "availability": f"https://schema.org/{product.availability}",
        },
    }
