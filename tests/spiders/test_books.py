"""What golden pages cannot say of the spider `books`: stars, stock and addresses, one by one."""

from __future__ import annotations

import pytest
from scrapy.http import HtmlResponse

from crawlers.spiders.books import BooksSpider

URL = "https://books.toscrape.com/catalogue/a_1/index.html"
PAGE = """<body><article class="product_page"><div id="product_gallery"><img src="../../media/a.jpg" alt="A"></div>
<div class="product_main"><h1>A</h1><p class="price_color">{price}</p><p class="availability"><i></i> {stock} </p>
<p class="star-rating {stars}"></p></div><table><tr><th>UPC</th><td>0123456789abcdef</td></tr></table></article></body>"""


def record(price: str = "£9.99", stock: str = "In stock (3 available)", stars: str = "Two"):
    body = PAGE.format(price=price, stock=stock, stars=stars)
    [found] = BooksSpider().parse_page(HtmlResponse(URL, body=body.encode(), encoding="utf-8"))
    return found


@pytest.mark.parametrize(("stars", "rating"), [("One", 1), ("Five", 5), ("Zero", 0), ("Seven", None), ("", None)])
def test_stars_are_a_number(stars, rating):
    assert record(stars=stars).fields["rating"] == rating


@pytest.mark.parametrize(
    ("stock", "availability", "copies"),
    [("In stock (22 available)", "InStock", 22), ("In stock", "InStock", 0), ("Out of stock", "OutOfStock", 0)],
)
def test_stock(stock, availability, copies):
    fields = record(stock=stock).fields
    assert (fields["availability"], fields["stock"]) == (availability, copies)


@pytest.mark.parametrize(("price", "number"), [("£51.77", 51.77), ("£1,051.00", 1051.0), ("soon", None)])
def test_price(price, number):
    assert record(price=price).fields["price"] == number


def test_the_cover_has_an_absolute_address():
    [cover] = record().media
    assert (cover.url, cover.role, cover.alt) == ("https://books.toscrape.com/media/a.jpg", "main", "A")


def test_a_list_is_no_record():
    response = HtmlResponse(URL, body=b"<body><ol><li><article class='product_pod'></article></li></ol></body>")
    assert list(BooksSpider().parse_page(response)) == []


def test_reviews_are_not_followed():
    response = HtmlResponse(URL, body=b'<body><a href="reviews/">r</a><a href="../b_2/index.html">b</a></body>')
    followed = [request.url for request in BooksSpider().parse(response)]
    assert followed == ["https://books.toscrape.com/catalogue/b_2/index.html"]
