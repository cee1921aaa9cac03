"""Links of a page, from the shared tree: absolute, without fragment, each once, in the order of the page."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from crawlers.extractors.structured import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_STRIPPED = " \t\n\r\f\v\u00a0"
_NEVER = ("javascript:", "mailto:", "tel:", "data:", "file:", "ftp:", "about:", "blob:", "sms:")
_FILES = frozenset({
    "7z", "avi", "bmp", "css", "csv", "doc", "docx", "dmg", "eot", "epub", "exe", "gif", "gz", "ico", "iso", "jpeg",
    "jpg", "js", "json", "m4a", "m4v", "mov", "mp3", "mp4", "mpg", "ods", "odt", "ogg", "otf", "pdf", "png", "ppt",
    "pptx", "rar", "rpm", "rss", "svg", "tar", "tgz", "tif", "tiff", "ttf", "wav", "webm", "webp", "woff", "woff2",
    "wmv", "xls", "xlsx", "xml", "zip",
})  # fmt: skip
_NOT_FOLLOWED = frozenset({"nofollow", "none"})
"""Robots rules that ask not to follow links; ``none`` is short for noindex and nofollow."""


_ORIGIN = re.compile(
    r"(https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?:[1-5][0-9]{4}|6[0-4][0-9]{3}|[1-9][0-9]{0,3}))?)((?:/[A-Za-z0-9_-]+)*/?)"
)
_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9_/%+,=&~-]|(?<!/)\.)*")
"""What needs no library to be joined, and is most of all there is: a plain host, and a path without dots as segments."""


_HTML_SPACE = re.compile(r"[ \t\n\f\r]+")


class Link(NamedTuple):
    """A link to another page."""

    url: str
    rel: str = ""
    """The link's rel attribute in lower case."""


def base_url(page: Page) -> str:
    """What relative addresses are relative to."""
    return page.remember("base_url", _base_url)


def _base_url(page: Page) -> str:
    stated = (node.attributes for node in page.elements("base"))
    href = next((attributes["href"] for attributes in stated if "href" in attributes), None)
    return (absolute(href, page.url) if href else None) or page.url


def absolute(href: str, base: str) -> str | None:
    """*href* as an http or https address with a host; None where it is none, whatever a page puts there."""
    href = href.strip(_STRIPPED)
    if plain := _joined(href, base):
        return plain
    try:
        parts = urlsplit(href if href.startswith(_ROOTED[1:]) else urljoin(base, href))
        fine = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.geturl().replace(" ", "%20") if fine else None


def _joined(href: str, base: str) -> str | None:
    """*href* at the host of *base*, where both are plain; None for all that the library must take apart."""
    origin = _ORIGIN.match(base) if _PATH.fullmatch(href) else None
    if origin is None or base[origin.end(1) : origin.end(1) + 1] not in {"", "/", "?", "#"}:
        return None
    return origin[1] + href


def related(nodes: Iterable[LexborNode], kind: str) -> Iterator[LexborNode]:
    """Those of *nodes* with an address that say by their ``rel`` that it is of *kind*, in lower case."""
    for node in nodes:
        rel = node.attrs.get("rel")
        if rel and kind in _HTML_SPACE.split(rel.lower()) and "href" in node.attributes:
            yield node


def links(page: Page) -> list[Link]:
    """Links of ``a`` and ``area`` to http and https addresses that may be pages; none on a page that asks not to follow."""
    if _asks_not_to_follow(page):
        return []
    base = base_url(page)
    folder, root = _places(base)
    found: dict[str, Link] = {}
    known: set[str] = set()
    for node in page.elements("a, area"):
        attributes = node.attrs  # looks up one, where ``attributes`` decodes all of them
        try:
            href = (attributes["href"] or "").strip(_STRIPPED).partition("#")[0]
        except KeyError:
            continue
        if not href or href in known:
            continue
        rel = (attributes.get("rel") or "").lower()
        if "nofollow" in rel:
            continue
        known.add(href)
        if href[:1] == "?":
            url = _resolve.__wrapped__(href, base)
        else:
            url = _resolve(href, root if href.startswith(_ROOTED) else folder)
        if url is not None and url not in found:
            found[url] = Link(url, rel)
    return list(found.values())


def _places(base: str) -> tuple[str, str]:
    """What relative addresses on a page at *base* are relative to: its folder, and the root of its host."""
    plain = _ORIGIN.fullmatch(base)
    if plain is None:
        return urljoin(base, "."), urljoin(base, "/")
    return plain[1] + (plain[2] or "/").rpartition("/")[0] + "/", plain[1] + "/"


_ROOTED = ("/", "http://", "https://")


@lru_cache(maxsize=20_000)
def _resolve(href: str, base: str) -> str | None:
    """*href* as an absolute address; None where it leads to no page of the web.

    Menu and footer are the same on all pages of a site, and so are these: found once, not on each page.

    Args:
        href: without fragment and outer white space.
        base: what it is relative to.
    """
    if "\n" in href or "\t" in href or "\r" in href:
        href = "".join(href.split())  # browsers take white space out of the middle of an address
    if not href or href.lower().startswith(_NEVER):
        return None
    try:
        url = href if href.startswith(_ROOTED[1:]) else _joined(href, base) or urljoin(base, href)
    except ValueError:
        return None
    return url if _has_host(url) and not _is_file(url) else None


def _has_host(url: str) -> bool:
    """Whether *url* is http or https and names a host; only unusual ones are taken apart."""
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https"}:
        return False
    host = rest.partition("/")[0].partition("?")[0]
    return (host.isascii() and host.replace("-", "").replace(".", "").isalnum()) or absolute(url, url) is not None


def _is_file(url: str) -> bool:
    path = url.partition("?")[0]
    name = path.rpartition("/")[2]
    return "." in name and path.count("/") > 2 and name.rpartition(".")[2].lower() in _FILES


def _asks_not_to_follow(page: Page) -> bool:
    stated = [*page.headers.get("x-robots-tag", ()), *(c for name, c in statements(page) if name == "robots")]
    return any(_NOT_FOLLOWED & {word.strip() for word in text.lower().split(",")} for text in stated)
