"""Pictures that a page shows: the best version of each, and no noise."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.references import media
from tests.webpages import broken_twins, ordinary, page_of, saved


def found(html, **options):
    return [item.url for item in media(page_of(html), **options)]


def test_the_page_s_own_picture_comes_first():
    items = media(saved("article", "https://gazette.example/news/1"))
    assert [(item.url, item.role) for item in items] == [
        ("https://gazette.example/img/bridge.jpg", "main"),
        ("https://gazette.example/img/bridge-1280.jpg", "illustration"),
    ]
    assert (items[1].alt, items[1].caption) == ("The bridge at dawn", "The bridge at dawn. Photo: M. Reyes")


def test_pictures_follow_the_base():
    (item,) = media(saved("product"))
    assert (item.url, item.role, item.alt) == ("https://topfladen.example/kueche/bilder/kessel.jpg", "main", "Kessel")


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ('<img src="a.jpg">', "a.jpg"),
        ('<img src="small.jpg" srcset="a.jpg 1x, b.jpg 2x">', "b.jpg"),
        ('<img src="small.jpg" srcset="b.jpg 1200w,https://site.example/folder/a.jpg 600w">', "b.jpg"),
        ('<img srcset="a.jpg">', "a.jpg"),
        ('<img srcset="a.jpg ²x, b.jpg 1.5x">', "b.jpg"),
        ('<img srcset="data:image/gif;base64,xx 3x, a.jpg 2x">', "a.jpg"),
        ('<picture><source srcset="a.webp 800w, b.webp 1600w"><img src="a.jpg"></picture>', "b.webp"),
        ('<img src="data:image/gif;base64,xx" data-src="a.jpg">', "a.jpg"),
        ('<img data-original="a.jpg" src="loading.gif">', "a.jpg"),
        ('<img src="a.jpg#x" width="300px" height="²">', "a.jpg"),
        ('<img src="a.jpg" width="100%" height="">', "a.jpg"),
        ('<img src="a.jpg" width="' + "9" * 5000 + '">', "a.jpg"),
    ],
)
def test_the_best_version_is_taken(html, name):
    assert found(html) == [f"https://site.example/folder/{name}"]


@pytest.mark.parametrize(
    "html",
    [
        "<img>", '<img src="">', '<img src="data:image/png;base64,xx">', '<img src="http://[">', '<img src="ftp://a/b.jpg">',
        '<img src="file:///a.jpg">', '<img src="a.jpg" width="1">', '<img src="a.jpg" height="16px">', '<img src="/sprite.png">',
        '<img src="/a/logo-big.png">', '<img src="a.jpg" class="user-avatar">', '<nav><a><img src="a.jpg"></a></nav>',
        '<header><div><img src="a.jpg"></div></header>', '<footer><img src="a.jpg"></footer>', '<aside><img src="a.jpg"></aside>',
    ],
)  # fmt: skip
def test_noise_is_left_out(html):
    assert found(html) == []


def test_each_picture_once_with_what_its_first_place_says():
    items = media(
        page_of(
            '<img src="a.jpg" alt=" One "><figure><img src="b.jpg"><figcaption> Two\n words</figcaption></figure><img src="a.jpg" alt="x">'
        )
    )
    assert [(item.url[-5:], item.alt, item.caption) for item in items] == [
        ("a.jpg", "One", None),
        ("b.jpg", None, "Two words"),
    ]


def test_a_picture_that_is_stated_and_shown_is_one():
    (item,) = media(page_of('<meta property="og:image" content="/a.jpg"><img src="/a.jpg" alt="A">'))
    assert (item.role, item.alt) == ("main", "A")


def test_the_limit_holds():
    assert len(found("".join(f'<img src="{n}.jpg">' for n in range(50)), limit=7)) == 7


@pytest.mark.parametrize(
    "image", ['"/a.jpg"', '["/a.jpg", "/b.jpg"]', '{"url": "/a.jpg"}', '[{"contentUrl": "/a.jpg"}]']
)
def test_json_ld_names_pictures_in_many_ways(image):
    assert found(f'<script type="application/ld+json">{{"@type": "Article", "image": {image}}}</script>') == [
        "https://site.example/a.jpg"
    ]


@pytest.mark.parametrize("image", ["1", "[]", "{}", "null", "[[]]", '[{"url": 1}]', '{"url": ["/a.jpg"]}'])
def test_what_names_no_picture_is_passed_over(image):
    assert found(f'<script type="application/ld+json">{{"@type": "Article", "image": {image}}}</script>') == []


@given(st.lists(st.one_of(st.text(max_size=20), st.text("abc.,: /x12w[]", max_size=25)), max_size=4))
def test_any_srcset_gives_addresses_only(values):
    quoted = [value.replace("&", "&amp;").replace('"', "&quot;") for value in values]
    for url in found("".join(f'<img srcset="{value}" src="{value}" width="{value}">' for value in quoted)):
        assert urlsplit(url).scheme in {"http", "https"}
        assert "#" not in url


@pytest.mark.parametrize("name", ordinary())
def test_broken_twins_give_addresses_only(name):
    for body in broken_twins(saved(name).html).values():
        assert all(item.url.startswith("http") for item in media(page_of(body)))


@pytest.mark.parametrize("role", ["navigation", "banner", "contentinfo", "complementary"])
def test_pictures_of_the_frame_are_known_by_its_roles_too(role):
    page = page_of(f"<div role={role}><img src=/py.jpg></div><p><img src=/a.jpg>")
    assert [item.url for item in media(page)] == ["https://site.example/a.jpg"]


def test_drawings_are_no_pictures():
    page = page_of("<img src=/a.svg><img src=/b.SVG?v=1><img src=/svg.png>")
    assert [item.url for item in media(page)] == ["https://site.example/svg.png"]
