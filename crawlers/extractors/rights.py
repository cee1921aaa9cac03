"""What a page says of its licence and of use for AI, each statement with its place.

Sources: schema.org ``license``, ``rel=license`` (WHATWG), Creative Commons addresses, meta robots ``noai`` and
``noimageai``, the TDM Reservation Protocol (W3C community group), Content-Signal.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from crawlers.extractors import structured
from crawlers.extractors.links import absolute, related
from crawlers.extractors.nesting import ancestors
from crawlers.extractors.structured import first_text, types_of
from crawlers.items import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_CREATIVE_COMMONS = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)/(\d\.\d)", re.IGNORECASE
)
_LICENSES = frozenset({"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd"})
_NO_AI = frozenset({"noai", "noimageai", "noml", "notrain"})
_ROBOTS = frozenset({"robots", "googlebot", "ccbot"})
_RESERVATION = "tdm-reservation"
_LICENSED = 'a[rel~="license" i][href], link[rel~="license" i][href]'
_AREAS = frozenset({"footer", "main"})
_LINKS_MAX = 50
_PARTS = frozenset({"ImageObject", "VideoObject", "AudioObject", "MediaObject"})
"""What stands in a page; its licence is not the page's."""


def license_of(page: Page) -> tuple[str | None, str | None]:
    """The licence as SPDX identifier or address, and where it stood; None, None where the page names none."""
    for item in structured.objects(page):
        stated = first_text(item.get("license")) if not _PARTS.intersection(types_of(item)) else None
        if stated:
            return spdx(stated), f"schema.org license: {stated}"
    node = next(related(page.elements("link"), "license"), None)
    if node is None or node.parent is None or node.parent.tag != "head":
        node = page.tree.css_first(_LICENSED)
    address = absolute(node.attributes.get("href") or "", page.url) if node is not None else None
    if address:
        return spdx(address), f"rel=license: {address}"
    if "creativecommons.org/" in page.html:
        for node in islice(_linked(page), _LINKS_MAX):
            address = node.attributes.get("href") or ""
            if _CREATIVE_COMMONS.match(address) and any(parent.tag in _AREAS for parent in ancestors(node)):
                return spdx(address), f"link: {address}"
    return None, None


def _linked(page: Page) -> Iterator[LexborNode]:
    """The page's links to Creative Commons."""
    return (node for node in page.elements("a, area") if "creativecommons.org/" in (node.attributes.get("href") or ""))


def spdx(address: str) -> str:
    """The SPDX identifier of a Creative Commons address; any other address as it is."""
    match = _CREATIVE_COMMONS.match(address)
    if match is None:
        return address
    kind, name, number = match[1].lower(), match[2].lower(), match[3]
    if kind == "publicdomain":
        return {"zero": f"CC0-{number}", "mark": f"CC-PDM-{number}"}.get(name, address)
    return f"CC-{name.upper()}-{number}" if name in _LICENSES else address


def signals_of(page: Page) -> list[Signal]:
    """Statements on use for AI in the page's own elements; those of headers and robots.txt are read elsewhere."""
    found = []
    for name, content in structured.statements(page):
        if name == _RESERVATION:
            found.append(Signal("meta-robots", f"{name}: {content}", {"1": True, "0": False}.get(content)))
        elif name in _ROBOTS:
            refused = sorted(_NO_AI & {word.strip().lower() for word in content.split(",")})
            if refused:
                found.append(Signal("meta-robots", f"{name}: {', '.join(refused)}", True))
    return found
