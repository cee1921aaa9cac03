"""The demo site holds what :mod:`crawlers.demo.truth` says, and nothing that it does not say."""

from __future__ import annotations

import json
import re
from itertools import combinations
from urllib.parse import urljoin

import pytest
from parsel import Selector

from crawlers.demo import forum, news, shop, truth
from crawlers.demo.site import build
from crawlers.schemas import Schemas

ORIGIN = "http://127.0.0.1:8642"
SITE = build(ORIGIN)
PAGES = {path: answer for path, answer in SITE.items() if answer.content_type.startswith("text/html")}
ARTICLES = {article.path: article for article in news.articles()}


def selector(path: str) -> Selector:
    return Selector(SITE[path].body.decode("utf-8") or "<html></html>")


def links(path: str) -> set[str]:
    """Path with query of each link and picture of a page."""
    found = selector(path).css("a::attr(href), img::attr(src)").getall()
    urls = {urljoin(ORIGIN + path, link).partition("#")[0] for link in found}
    assert all(url.startswith(ORIGIN) for url in urls)
    return {url.removeprefix(ORIGIN) for url in urls}


def data(path: str) -> list[dict]:
    return [json.loads(text) for text in selector(path).css('script[type="application/ld+json"]::text').getall()]


def shingles(article: news.Article) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", " ".join(article.texts).lower())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def jaccard(first: set, second: set) -> float:
    return len(first & second) / len(first | second)


# --- as a whole -----------------------------------------------------------------------------------------------------


def test_the_site_is_the_same_each_time():
    assert build(ORIGIN) == SITE


def test_the_site_has_about_110_pages():
    assert 100 <= len(PAGES) <= 120


def test_every_link_resolves_or_is_planted():
    dead = {link for path in PAGES for link in links(path)} - set(SITE)
    assert dead == set(truth.MISSING)


def test_every_page_can_be_reached_from_the_home_page_but_the_orphan():
    reached, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in PAGES and path not in reached:
            reached.add(path)
            waiting += links(path)
    assert set(PAGES) - reached == {truth.ORPHAN}


def test_the_sitemap_lists_pages_that_exist_and_the_orphan():
    listed = Selector(SITE["/sitemap.xml"].body.decode(), type="xml").xpath("//*[local-name()='loc']/text()").getall()
    paths = {url.removeprefix(ORIGIN) for url in listed}
    assert truth.ORPHAN in paths
    assert paths <= set(PAGES)


def test_robots_refuses_a_page_that_is_linked():
    robots = SITE["/robots.txt"].body.decode()
    assert f"Disallow: {truth.DISALLOWED}\n" in robots
    assert f"Sitemap: {ORIGIN}/sitemap.xml\n" in robots
    assert truth.DISALLOWED in links("/")


def test_a_canonical_address_is_the_page_s_own():
    for path in PAGES:
        canonical = selector(path).css('link[rel="canonical"]::attr(href)').get()
        assert canonical in {None, ORIGIN + path}


# --- the shop -------------------------------------------------------------------------------------------------------


def test_each_category_has_eight_products_in_two_lists():
    assert len(shop.catalogue()) == 5
    for category, (_, goods) in shop.catalogue().items():
        assert len(goods) == 8
        first, second = f"/shop/{category}/", f"/shop/{category}/?page=2"
        assert second in links(first)
        assert {product.path for product in goods} <= links(first) | links(second)
        assert selector(first).css('[aria-label="breadcrumb"] a::text').getall() == ["Home", "Shop"]


@pytest.mark.parametrize("product", shop.products(), ids=lambda product: product.slug)
def test_a_product_says_what_it_is(product):
    [item] = data(product.path)
    assert item["@type"] == "Product"
    assert (item["name"], item["sku"], item["brand"]["name"]) == (product.name, product.sku, product.brand)
    assert item["image"].removeprefix(ORIGIN) in SITE
    offer = item["offers"]
    assert (offer["price"], offer["priceCurrency"]) == (product.price, "EUR")
    assert offer["availability"].rpartition("/")[2] in {"InStock", "OutOfStock", "PreOrder"}


def test_slugs_numbers_and_descriptions_are_all_different():
    for name in ("slug", "sku", "name", "description"):
        assert len({getattr(product, name) for product in shop.products()}) == 40


def test_the_impossible_price_is_the_only_one_that_the_schema_refuses(request):
    schema = Schemas([request.config.rootpath / "schemas"]).load_source("demo")
    assert schema is not None
    refused = {
        product.slug
        for product in shop.products()
        if not schema.is_valid(
            {"price": float(product.price), "currency": "EUR", "sku": product.sku, "availability": "InStock"}
        )
    }
    assert refused == set(truth.IMPOSSIBLE_PRICES)


# --- the news -------------------------------------------------------------------------------------------------------


def test_there_are_36_articles_in_three_languages():
    assert len(news.articles()) == len(ARTICLES) == 36
    by_language = {code: {a.path for a in news.articles() if a.language == code} for code in ("de", "fr")}
    assert by_language == {"de": truth.GERMAN, "fr": truth.FRENCH}
    assert (len(truth.GERMAN), len(truth.FRENCH), len(truth.OFF_TOPIC)) == (3, 2, 6)


@pytest.mark.parametrize("article", news.articles(), ids=lambda article: article.path)
def test_an_article_is_long_enough_and_says_what_it_is(article):
    assert 200 <= len(" ".join(article.texts).split()) <= 450
    if article.path != truth.BROKEN_JSON_LD:
        [item] = data(article.path)
        assert item["@type"] == "NewsArticle"
        assert (item["headline"], item["author"]["name"]) == (article.title, article.author)
        assert item["datePublished"].startswith(article.date)


def test_exact_duplicates_have_the_same_story_and_do_not_say_whose():
    assert len(truth.EXACT_DUPLICATES) == 3
    for copy, original in truth.EXACT_DUPLICATES.items():
        assert selector(copy).css("article").get() == selector(original).css("article").get()
        assert selector(copy).css('link[rel="canonical"]').get() is None


def test_near_duplicates_are_near_and_not_the_same():
    assert [copy.path for copy in news.near_copies()] == list(truth.NEAR_DUPLICATES)
    for copy in news.near_copies():
        similarity = jaccard(shingles(copy), shingles(ARTICLES[truth.NEAR_DUPLICATES[copy.path]]))
        assert 0.85 <= similarity < 1


def test_other_articles_have_nothing_in_common():
    sets = [shingles(article) for article in news.articles()]
    assert max(jaccard(first, second) for first, second in combinations(sets, 2)) < 0.05


def test_the_excluded_words_stand_in_off_topic_articles_alone():
    wanted = re.compile("|".join(truth.EXCLUDE), re.IGNORECASE)
    found = {path for path in PAGES if path in ARTICLES and wanted.search(" ".join(ARTICLES[path].texts))}
    assert found == truth.OFF_TOPIC
    others = [*shop.products(), *(post for thread in forum.threads() for post in thread.posts)]
    assert not [item for item in others if wanted.search(repr(item))]


def test_one_article_s_json_ld_is_broken():
    with pytest.raises(json.JSONDecodeError):
        data(truth.BROKEN_JSON_LD)


def test_one_article_says_that_it_is_latin_and_is_not():
    answer = SITE[truth.WRONG_CHARSET]
    assert "iso-8859-1" in answer.content_type
    assert 'charset="iso-8859-1"' in answer.body.decode("utf-8")
    assert "\u00c3" in answer.body.decode("iso-8859-1")


def test_one_article_refuses_use_for_ai():
    refusing = {
        path for path in PAGES if "noai" in (selector(path).css('meta[name="robots"]::attr(content)').get() or "")
    }
    assert refusing == {truth.OPT_OUT}


def test_one_article_hides_a_paragraph():
    hiding = {path for path in PAGES if selector(path).css('[style*="display:none"]')}
    assert hiding == {truth.HIDDEN_TEXT}


def test_one_page_is_empty():
    assert {path for path, answer in SITE.items() if not answer.body} == {truth.EMPTY}


# --- the forum ------------------------------------------------------------------------------------------------------


def test_each_thread_has_posts_with_author_and_time_and_one_that_quotes_another():
    assert len(forum.threads()) == 4
    for thread in forum.threads():
        assert thread.path in links("/forum/")
        page = selector(thread.path)
        assert page.css(".post .author::text").getall() == [post.author for post in thread.posts]
        assert page.css(".post time::attr(datetime)").getall() == [post.time for post in thread.posts]
        earlier = ""
        for post in thread.posts:
            assert post.quote in earlier
            earlier += post.text
        assert any(post.quote for post in thread.posts)
