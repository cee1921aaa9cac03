"""What a page says of its licence and of use for AI, each statement with its place.

Sources: schema.org ``license``, ``rel=license`` (WHATWG), Creative Commons addresses, meta robots ``noai`` and
``noimageai``, the TDM Reservation Protocol (W3C community group), Content-Signal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from crawlers.extractors import structured
from crawlers.extractors.structured import first_text
from crawlers.items import Signal

if TYPE_CHECKING:
    from crawlers.extractors.page import Page

_CREATIVE_COMMONS = re.compile(
    r"https?://creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)/(\d\.\d)", re.IGNORECASE
)
_NO_AI = frozenset({"noai", "noimageai", "noml", "notrain"})
_CONTAINERS = 'meta[name="robots" i], meta[name="googlebot" i], meta[name="tdm-reservation" i], meta[name="ccbot" i]'


def license_of(page: Page) -> tuple[str | None, str | None]:
    """The licence as SPDX identifier or address, and where it stood; None, None where the page names none."""
    for item in structured.objects(page):
        stated = first_text(item.get("license"))
        if stated:
            return spdx(stated), f"schema.org license: {stated}"
    node = page.tree.css_first('a[rel~="license" i][href], link[rel~="license" i][href]')
    if node is not None:
        address = urljoin(page.url, node.attributes.get("href") or "")
        return spdx(address), f"rel=license: {address}"
    for node in page.tree.css('footer a[href*="creativecommons.org/"], main a[href*="creativecommons.org/"]')[:3]:
        address = node.attributes.get("href") or ""
        if _CREATIVE_COMMONS.match(address):
            return spdx(address), f"link: {address}"
    return None, None


def spdx(address: str) -> str:
    """The SPDX identifier of a Creative Commons address; any other address as it is."""
    match = _CREATIVE_COMMONS.match(address)
    if match is None:
        return address
    kind, name, number = match[1].lower(), match[2].lower(), match[3]
    if kind == "publicdomain":
        return f"CC0-{number}" if name == "zero" else "PDDC" if name == "mark" else address
    return f"CC-{name.upper()}-{number}"


def signals_of(page: Page) -> list[Signal]:
    """Statements on use for AI in the page's own elements; those of headers and robots.txt are read elsewhere."""
    found = []
    for node in page.tree.css(_CONTAINERS):
        name = (node.attributes.get("name") or "").lower()
        content = (node.attributes.get("content") or "").strip()
        if name == "tdm-reservation":
            found.append(Signal("meta-robots", f"{name}: {content}", {"1": True, "0": False}.get(content)))
            continue
        words = {word.strip().lower() for word in content.split(",")}
        refused = sorted(words & _NO_AI)
        if refused:
            found.append(Signal("meta-robots", f"{name}: {', '.join(refused)}", True))
    return found
