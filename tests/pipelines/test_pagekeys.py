"""Keys of items that bring none: the page's, canonical, and the same however the page was linked and whatever changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import FormRequest, Request, Spider
from scrapy.utils.request import fingerprint

from crawlers.ledger.requests import entry_of
from crawlers.ledger.settlement import Lease
from crawlers.pipelines.pagekeys import PageKeys

PAGE = "http://a.example/p"


class Shop(Spider):
    name = "shop"


def lease_of(request, again=""):
    entry = entry_of(request, Shop(), fingerprint(request).hex() + again)
    return Lease(1, entry.fingerprint, entry.url, entry.host, entry.payload, 0, 0, 0)


def keys(*items, request=None, again=""):
    page = PageKeys("shop", lease_of(request or Request(PAGE), again))
    return [page.key(item) for item in items]


@pytest.mark.parametrize("name", ["key", "id", "guid", "sku"])
def test_an_own_key_is_the_key(name):
    assert keys({name: 7, "url": "http://a.example/x"}, {name: "", "url": "http://a.example/x"}) == [
        "7",
        "http://a.example/x",
    ]


@pytest.mark.parametrize("linked", ["?b=2&a=1", "?a=1&b=2", "?a=1&b=2#top", "?b=2&a=1#"])
@pytest.mark.parametrize("item", [{"h": 1}, {"h": 2}, {"h": 1, "title": "T"}])
def test_the_only_item_of_a_page_is_the_page(linked, item):
    assert keys(item, request=Request(PAGE + linked)) == [f"{PAGE}?a=1&b=2"]
    assert keys({**item, "url": PAGE + linked}, request=Request(PAGE + linked)) == [f"{PAGE}?a=1&b=2"]


def test_further_items_are_known_by_their_names_wherever_they_stand():
    first, *rest = keys({"title": "New"}, {"title": " Tea  pot "}, {"name": "Cup"})
    assert first == PAGE
    assert rest == [f"{PAGE}#Tea pot", f"{PAGE}#Cup"]
    assert keys({"x": 1}, {"x": 2}, {"name": "Cup"}, {"title": "Tea pot"})[2:] == [f"{PAGE}#Cup", f"{PAGE}#Tea pot"]


def test_those_without_a_name_or_with_one_of_another_are_known_by_their_place():
    found = keys({"x": 1}, {"x": 2}, {"name": "A"}, {"name": "A"}, {"name": "@5"}, {"name": ["A"]}, {"name": " "})
    assert found == [PAGE, f"{PAGE}#@2", f"{PAGE}#A", f"{PAGE}#@4", f"{PAGE}#@5", f"{PAGE}#@6", f"{PAGE}#@7"]


def test_items_that_all_name_the_page_as_theirs_are_told_apart():
    assert keys({"url": PAGE, "quote": "a"}, {"url": PAGE, "quote": "b"}) == [PAGE, f"{PAGE}#@2"]


def test_an_own_url_is_canonical_and_keeps_the_fragment_that_tells_it_apart():
    found = keys(
        {"url": "http://a.example/x?b=2&a=1"}, {"url": f"{PAGE}#c2"}, {"url": "/relative"}, {"url": "http://[bad"}
    )
    assert found == ["http://a.example/x?a=1&b=2", f"{PAGE}#c2", "/relative", "http://[bad"]


def test_answers_to_two_forms_are_two_pages():
    one, two = (FormRequest(PAGE, formdata={"page": number}) for number in "12")
    found = keys({"x": 1}, {"x": 2}, {"name": "A"}, request=one)
    assert found[0].startswith(f"{PAGE}#")
    assert found[1:] == [f"{found[0]}/@2", f"{found[0]}/A"]
    assert not set(found) & set(keys({"x": 1}, {"x": 2}, {"name": "A"}, request=two))
    assert found == keys({"x": 5}, {"x": 6}, {"name": "A"}, request=one)


def test_what_was_asked_for_again_is_known_by_its_content():
    again = Request(PAGE, dont_filter=True)
    first, second = (keys({"x": number}, request=again, again=f":{number}.0")[0] for number in (1, 2))
    assert first != second
    assert keys({"x": 1}, request=again, again=":9.9") == [first]
    assert keys({"x": 1}, request=again) == [PAGE], "what Scrapy asks for at the start is made so too"
    shop = Shop()
    entry = entry_of(again.replace(callback=shop.parse), shop, fingerprint(again).hex())
    refined = PageKeys("shop", Lease(1, entry.fingerprint, PAGE, "", entry.payload, 0, 0, 0))
    assert refined.key({"x": 1}) == first, "refine has the request without the number that tells it apart"


def test_without_a_page_the_content_is_the_key():
    one, two = (PageKeys("shop").key({"x": number}) for number in (1, 2))
    assert one.startswith("shop#")
    assert one != two
    assert PageKeys("shop").key({"url": PAGE, "x": 1}) == PAGE


@given(st.lists(st.dictionaries(st.sampled_from(["name", "title", "x"]), st.text(max_size=3)), max_size=12))
def test_no_two_items_of_a_page_have_one_key(items):
    found = keys(*items)
    assert len(set(found)) == len(items)
    assert found == keys(*items)
