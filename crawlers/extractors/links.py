"""Links of a page, from the shared tree: absolute, without fragment, each once, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    from crawlers.extractors.page import Page

_STRIPPED = " \t\n\r\f\v\u00a0"
_NEVER = ("javascript:", "mailto:", "tel:", "data:", "file:", "ftp:", "about:", "blob:", "sms:")
_FILES = frozenset(
    [
        "7z",
        "avi",
        "bmp",
        "css",
        "csv",
        "doc",
        "docx",
        "dmg",
        "eot",
        "epub",
        "exe",
        "gif",
        "gz",
        "ico",
        "iso",
        "jpeg",
        "jpg",
        "js",
        "json",
        "m4a",
        "m4v",
        "mov",
        "mp3",
        "mp4",
        "mpg",
        "ods",
        "odt",
        "ogg",
        "otf",
        "pdf",
        "png",
        "ppt",
        "pptx",
        "rar",
        "rpm",
        "rss",
        "svg",
        "tar",
        "tgz",
        "tif",
        "tiff",
        "ttf",
        "wav",
        "webm",
        "webp",
        "woff",
        "woff2",
        "wmv",
        "xls",
        "xlsx",
        "xml",
        "zip",
    ]
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another page."""

    url: str
    rel: str = ""
    """The link's rel attribute in lower case."""


def base_url(page: Page) -> str:
    """What relative addresses are relative to."""
    node = page.tree.css_first("base[href]")
    href = node.attributes.get("href") if node is not None else None
    return urljoin(page.url, href.strip(_STRIPPED)) if href else page.url


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
    if href[0] == "/" and not href.startswith("//") and "/." not in href:
        url = root + href
    elif href.startswith(("http://", "https://")) and "[" not in href:
        url = href
    elif href.lower().startswith(_NEVER):
        return None
    else:
        try:
            url = urljoin(base, href)
        except ValueError:
            return None
        if not url.startswith(("http://", "https://")):
            return None
    return None if _is_file(url) else url


def _is_file(url: str) -> bool:
    path = url.partition("?")[0]
    name = path.rpartition("/")[2]
    return "." in name and path.count("/") > 2 and name.rpartition(".")[2].lower() in _FILES


def _asks_not_to_follow(page: Page) -> bool:
    header = page.header("x-robots-tag") or ""
    if "nofollow" in header.lower():
        return True
    return any(
        "nofollow" in (node.attributes.get("content") or "").lower() for node in page.tree.css('meta[name="robots" i]')
    )
