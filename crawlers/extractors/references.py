"""Pictures that a page shows: the best version of each, with what the page says of it. Nothing is fetched here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crawlers.extractors import structured
from crawlers.extractors.links import absolute, base_url
from crawlers.extractors.metadata import main_object
from crawlers.extractors.nesting import ancestors
from crawlers.items import Media

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_LAZY = ("data-src", "data-original", "data-lazy-src", "data-full", "data-zoom-image")
_SMALL = 48
_SEEN_MAX = 1000
_SOURCES_MAX = 50
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_NOISE = re.compile(r"(?:sprite|spacer|pixel|blank|icon|logo|avatar|badge|button|loader|tracking)", re.IGNORECASE)
_BOILERPLATE = frozenset({"nav", "header", "footer", "aside"})
_BOILERPLATE_ROLES = frozenset({"navigation", "banner", "contentinfo", "complementary"})
_DRAWING = re.compile(r"\.svgz?(?:$|\?)", re.IGNORECASE)


def media(page: Page, limit: int = 20) -> list[Media]:
    """The pictures of a page: the one it names as its own first, as ``main``.

    Args:
        page: the page.
        limit: at most so many.
    """
    base = base_url(page)
    found: dict[str, Media] = {}
    seen: set[str] = set()
    for url in _stated(page):
        address = _address(url, base)
        if address and not any(item.role == "main" for item in found.values()):
            found[address] = Media(url=address, role="main")
    versions: dict[int, list[tuple[float, str]]] = {}
    for node in page.elements("img")[:_SEEN_MAX]:
        address = _address(_best(node, versions), base)
        if address is None or _is_noise(node, address):
            continue
        if address in seen:
            continue
        seen.add(address)
        item = found.setdefault(address, Media(url=address))
        item.alt = item.alt or (node.attributes.get("alt") or "").strip() or None
        item.caption = item.caption or _caption(node)
        if len(found) >= limit:
            break
    return list(found.values())


def _stated(page: Page) -> list[str]:
    _, main = main_object(structured.objects(page))
    image: Any = main.get("image")
    first = image[0] if isinstance(image, list) and image else image
    stated = first.get("url") or first.get("contentUrl") if isinstance(first, dict) else first
    return [url for url in (stated, structured.meta(page).get("og:image")) if isinstance(url, str) and url]


def _address(url: str | None, base: str) -> str | None:
    if not url or url.startswith("data:"):
        return None
    return absolute(url.partition("#")[0], base)


def _best(node: LexborNode, versions: dict[int, list[tuple[float, str]]]) -> str | None:
    """The largest version in ``srcset``, else what is loaded late, else ``src``.

    Args:
        node: the ``img``.
        versions: those of each ``picture`` so far, filled in here: thousands of images may stand in one.
    """
    attributes = node.attributes
    candidates = _candidates(attributes.get("srcset") or attributes.get("data-srcset") or "")
    parent = node.parent
    if not candidates and parent is not None and parent.tag == "picture":
        if parent.mem_id not in versions:
            sources = parent.css("source[srcset]")[:_SOURCES_MAX]
            versions[parent.mem_id] = [c for s in sources for c in _candidates(s.attributes.get("srcset") or "")]
        candidates = versions[parent.mem_id]
    if candidates:
        return max(candidates)[1]
    return next((attributes[name] for name in _LAZY if attributes.get(name)), attributes.get("src"))


def _candidates(srcset: str) -> list[tuple[float, str]]:
    found = []
    for part in re.split(r",\s+|,(?=https?://)", srcset):
        words = part.split()
        if words and not words[0].startswith("data:"):
            size = words[1][:-1] if len(words) > 1 else "1"
            found.append((float(size) if _NUMBER.fullmatch(size) else 1.0, words[0]))
    return found


def _is_noise(node: LexborNode, address: str) -> bool:
    attributes = node.attributes
    for name in ("width", "height"):
        size = (attributes.get(name) or "").removesuffix("px")
        if _NUMBER.fullmatch(size) and float(size) < _SMALL:
            return True
    if (
        _DRAWING.search(address)
        or _NOISE.search(address.rpartition("/")[2])
        or _NOISE.search(attributes.get("class") or "")
    ):
        return True
    return any(
        parent.tag in _BOILERPLATE or parent.attributes.get("role") in _BOILERPLATE_ROLES for parent in ancestors(node)
    )


def _caption(node: LexborNode) -> str | None:
    parent = node.parent
    for _ in range(3):
        if parent is None:
            return None
        if parent.tag == "figure":
            caption = parent.css_first("figcaption")
            return " ".join(caption.text(separator=" ").split()) or None if caption is not None else None
        parent = parent.parent
    return None
