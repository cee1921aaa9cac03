"""Links of a page, from the shared tree: absolute, without fragment, each once, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from crawlers.extractors.structured import statements

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another page."""

    url: str
    rel: str = ""
    """The link's rel attribute in lower case."""


def base_url(page: Page) -> str:
    """What relative addresses are relative to."""
    if "<base" not in page.html and "<BASE" not in page.html:
        return page.url
    node = page.tree.css_first("base[href]")
    href = node.attributes.get("href") if node is not None else None
    return (absolute(href, page.url) if href else None) or page.url


def absolute(href: str, base: str) -> str | None:
    """*href* as an http or https address with a host; None where it is none, whatever a page puts there."""
    try:
        parts = urlsplit(urljoin(base, href.strip(_STRIPPED)))
        fine = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.geturl().replace(" ", "%20") if fine else None


def links(page: Page) -> list[Link]:
    """Links of ``a`` and ``area`` to http and https addresses that may be pages; none on a page that asks not to follow."""
    if _asks_not_to_follow(page):
        return []
    base = base_url(page)
    parts = urlsplit(base)
    root = f"{parts.scheme}://{parts.netloc}"
    found: dict[str, Link] = {}
    for node in page.tree.css("a[href],area[href]"):
        attributes = node.attributes
        url = resolve(attributes.get("href") or "", base, root)
        if url is None or url in found:
            continue
        rel = (attributes.get("rel") or "").lower()
        if "nofollow" not in rel:
            found[url] = Link(url, rel)
    return list(found.values())


def resolve(href: str, base: str, root: str) -> str | None:
    """*href* as an absolute address without fragment; None where it leads to no page of the web.

    Args:
        href: as it stands in the page.
        base: what it is relative to.
        root: scheme and host of *base*.
    """
    href = href.strip(_STRIPPED).partition("#")[0]
    if not href:
        return None
    if any(c in href for c in "\n\r\t"):
        href = "".join(href.split())  # browsers take white space out of the middle of an address
    known = href[0] == "/" and root.startswith("http") and not href.startswith("//") and "/." not in href
    if known:
        url = root + href
    elif href.startswith(("http://", "https://")):
        url = href
    elif href.lower().startswith(_NEVER):
        return None
    else:
        try:
            url = urljoin(base, href)
        except ValueError:
            return None
    return url if (known or _has_host(url)) and not _is_file(url) else None


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
