"""Pictures of a page: the best version of each, the page's own first, and no noise."""

from __future__ import annotations

import pytest

from crawlers.extractors.page import Page
from crawlers.extractors.references import media


def found(html, **options):
    page = Page(html.encode(), "http://a.example/dir/", {"content-type": ["text/html"]})
    return media(page, **options)


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<img src="a.png">', "http://a.example/dir/a.png"),
        ('<img src="tiny.png" srcset="s.png 300w, l.png 1200w, m.png 600w">', "http://a.example/dir/l.png"),
        ('<img src="data:image/gif;base64,x" data-src="/lazy.jpg">', "http://a.example/lazy.jpg"),
        ('<picture><source srcset="/x2.webp 2x, /x1.webp"><img src="/x.png"></picture>', "http://a.example/x2.webp"),
    ],
)
def test_the_best_version(html, url):
    assert [item.url for item in found(html)] == [url]


@pytest.mark.parametrize(
    "html",
    [
        '<img src="data:image/png;base64,xx">',
        '<img src="/p.png" width="1" height="1">',
        '<img src="/sprite.png">',
        '<header><img src="/x.png"></header>',
        '<img src="javascript:x">',
        "<img>",
        '<img src="file:///etc/passwd">',
    ],
)
def test_what_is_no_picture_of_the_page(html):
    assert found(html) == []


def test_what_the_page_says_of_a_picture():
    html = '<meta property="og:image" content="/main.png"><figure><img src="/f.png" alt=" A fox "><figcaption>Fox\nat dusk</figcaption></figure>'
    main, fox = found(html)
    assert (main.role, main.url) == ("main", "http://a.example/main.png")
    assert (fox.role, fox.alt, fox.caption) == ("illustration", "A fox", "Fox at dusk")


def test_the_same_picture_comes_once_and_no_more_than_asked():
    html = "".join(f'<img src="/{i % 3}.png">' for i in range(9))
    assert [item.url[-5:] for item in found(html)] == ["0.png", "1.png", "2.png"]
    assert len(found(html, limit=2)) == 2
