"""Links: absolute, without fragment, each once, in the order of the page, and only what may be a page."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.links import _places, absolute, base_url, links
from tests.webpages import broken_twins, ordinary, page_of, saved

URL = "https://site.example/folder/page?x=1"


def urls(html, url=URL, **headers):
    return [link.url for link in links(page_of(html, url, **headers))]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("next", "https://site.example/folder/next"),
        ("./next", "https://site.example/folder/next"),
        ("../up", "https://site.example/up"),
        ("/root", "https://site.example/root"),
        ("/a/../b", "https://site.example/b"),
        ("?page=2", "https://site.example/folder/page?page=2"),
        ("//cdn.example/a", "https://cdn.example/a"),
        ("http://other.example", "http://other.example"),
        ("HTTPS://Other.example/A", "https://Other.example/A"),
        ("/a#part", "https://site.example/a"),
        (" \n /a\t", "https://site.example/a"),
        ("/a\n/b", "https://site.example/a/b"),
        ("/preis-1.5", "https://site.example/preis-1.5"),
        ("/v1.0/", "https://site.example/v1.0/"),
        ("/search?file=a.pdf", "https://site.example/search?file=a.pdf"),
        ("https://site.example:8443/a", "https://site.example:8443/a"),
        ("https://bücher.example/a", "https://bücher.example/a"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ],
)
def test_addresses_are_made_absolute(href, url):
    assert urls(f'<a href="{href}">x</a>') == [url]


@pytest.mark.parametrize(
    "href",
    ["", " ", "#", "#top", "javascript:void(0)", "JavaScript:alert(1)", "mailto:a@b.example", "tel:+1", "data:text/html,x",
     "file:///etc/passwd", "ftp://a.example/b", "blob:x", "about:blank", "sms:1", "http://", "https:///path", "http://?x", "http://[",
     "http://[::1", "http://a:port/", "https://a:0/", "urn:isbn:1", "/report.pdf", "/a.JPG", "/feed.xml?x=1",
     "/a.tar.gz", "gopher://a.example/"],
)  # fmt: skip
def test_what_is_no_page_is_left_out(href):
    assert urls(f'<a href="{href}">x</a>') == []


def test_each_once_in_the_order_of_the_page():
    html = '<a href="/b">1</a><map><area href="/a"></map><a href="/b#x">2</a><a href="/c">3</a><a>no</a><a href>no</a>'
    assert urls(html) == [f"https://site.example/{name}" for name in "bac"]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("/other/", "https://site.example/other/next"),
        ("https://elsewhere.example/x/y", "https://elsewhere.example/x/next"),
        ("//elsewhere.example/", "https://elsewhere.example/next"),
        ("javascript:1", "https://site.example/folder/next"),
        ("http://[", "https://site.example/folder/next"),
        ("ftp://a.example/", "https://site.example/folder/next"),
        ("", "https://site.example/folder/next"),
    ],
)
def test_relative_links_follow_the_base(base, url):
    page = page_of(f'<base href="{base}"><a href="next">x</a>', URL)
    assert [link.url for link in links(page)] == [url]
    assert urlsplit(base_url(page)).scheme == "https"


def test_root_relative_links_follow_the_host_of_the_base():
    assert urls('<base href="https://elsewhere.example/x/y"><a href="/a">x</a>') == ["https://elsewhere.example/a"]
    assert urls('<BASE HREF="/deep/"><a href="a">x</a>') == ["https://site.example/deep/a"]


def test_nofollow_links_are_left_out_unless_another_link_leads_there():
    html = '<a rel="NoFollow ugc" href="/a">x</a><a rel=next href="/b">x</a><a rel=nofollow href="/c">x</a><a href="/c">x</a>'
    found = links(page_of(html, URL))
    assert [(link.url[-1], link.rel) for link in found] == [("b", "next"), ("c", "")]


@pytest.mark.parametrize("rule", ["nofollow", "noindex, NoFollow", "none", "index,nofollow,noarchive"])
def test_a_page_that_asks_not_to_follow_has_no_links(rule):
    assert urls(f'<meta name="Robots" content="{rule}"><a href="/a">x</a>') == []
    assert urls('<a href="/a">x</a>', x_robots_tag=rule) == []


@pytest.mark.parametrize("rule", ["noindex", "index, follow", "noai", "max-image-preview:none-at-all", ""])
def test_other_rules_do_not_matter_to_links(rule):
    assert urls(f'<meta name="robots" content="{rule}"><a href="/a">x</a>', x_robots_tag=rule) == [
        "https://site.example/a"
    ]


def test_a_page_of_another_scheme_may_still_link_to_the_web():
    assert urls('<a href="/local">x</a><a href="b">x</a><a href="https://a.example/">x</a>', "folder:docs/a.html") == [
        "https://a.example/"
    ]


def test_absolute_keeps_only_addresses_of_the_web():
    assert absolute("a b", URL) == "https://site.example/folder/a%20b"
    assert absolute("ftp://x/", URL) is None
    assert absolute("http://a:99999/", URL) is None
    assert absolute("x", "not an address") is None


@pytest.mark.parametrize("name", ordinary())
def test_saved_pages_and_their_broken_twins_give_addresses_only(name):
    page = saved(name)
    assert bool(links(page)) == ("<a " in page.html)
    for what, body in broken_twins(page.html).items():
        for link in links(page_of(body)):
            parts = urlsplit(link.url)
            assert parts.scheme in {"http", "https"}, what
            assert parts.netloc, what


HREFS = st.one_of(
    st.text(max_size=30),
    st.text("ahtps:/?#[]@.:%&= \\\t\n0é", max_size=20),
    st.builds("http://{}".format, st.text("a.:[]@/?#1", max_size=12)),
)


@given(st.lists(HREFS, max_size=5), st.one_of(st.none(), HREFS))
def test_any_href_and_any_base_give_addresses_only(hrefs, base):
    quoted = [href.replace("&", "&amp;").replace('"', "&quot;") for href in hrefs]
    head = "" if base is None else '<base href="{}">'.format(base.replace("&", "&amp;").replace('"', "&quot;"))
    page = page_of(head + "".join(f'<a href="{href}">x</a>' for href in quoted), URL)
    found = [link.url for link in links(page)]
    assert len(found) == len(set(found))
    for url in found:
        parts = urlsplit(url)
        assert parts.scheme in {"http", "https"}
        assert parts.hostname
        assert "#" not in url
        assert url.startswith(("http://", "https://"))


@given(st.text("abc/.?=", min_size=1, max_size=20))
def test_relative_links_are_joined_as_the_standard_says(href):
    found = urls(f'<a href="{href}">x</a>')
    if found and "//" not in href:
        assert [url.rstrip("?") for url in found] == [urljoin(URL, href).rstrip("?")]


BASES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "//"]),
    st.sampled_from(
        [
            "h.example",
            "h.example:8080",
            "h:0",
            "h:99999",
            "h:",
            "u:p@h",
            "[::1]",
            "H.example",
            "h_x",
            "-h",
            "h.",
            "hü",
            "",
        ]
    ),
    st.text("ab/-_A9.?#;: ", max_size=10),
)


@given(
    st.builds("{}{}".format, st.sampled_from(["/", "//", "", "/a"]), st.text("ab/.-_%3?#:;,=&~+@ é", max_size=10)),
    BASES,
)
def test_what_is_joined_without_the_library_is_what_the_library_gives(href, base):
    try:
        parts = urlsplit(urljoin(base, href.strip()))
        given_by_it = parts.geturl().replace(" ", "%20") if parts.hostname and parts.port != 0 else None
    except ValueError:
        return
    assert absolute(href, base) == (given_by_it if parts.scheme in {"http", "https"} else None)


@given(BASES)
def test_links_on_any_page_are_relative_to_its_folder_and_its_host(base):
    try:
        expected = urljoin(base, "."), urljoin(base, "/")
    except ValueError:
        return
    assert _places(base) == expected
