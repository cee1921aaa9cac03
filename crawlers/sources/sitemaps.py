"""Sitemaps: which addresses a site itself lists. Indexes at most three deep, plain or gzipped, bounded."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lxml import etree

from crawlers.middlewares.unpack import Damaged
from crawlers.middlewares.unpack import unpack as undo

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 3
MAX_BYTES = 50 * 1024 * 1024
"""A sitemap's limit by the protocol (sitemaps.org)."""


def from_robots(text: str, base: str) -> list[str]:
    """Addresses on the ``Sitemap:`` lines of a robots.txt."""
    found = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "sitemap" and value.strip():
            found.append(urljoin(base, value.strip()))
    return found


def unpack(body: bytes) -> bytes:
    """*body*, unzipped where it is gzip as far as that goes, and no more than a sitemap may have."""
    if body[:2] != b"\x1f\x8b":
        return body[:MAX_BYTES]
    try:
        return undo(body, ["gzip"], MAX_BYTES, cut=True)
    except Damaged:
        return b""


def entries(body: bytes, base: str) -> Iterator[tuple[str, str]]:
    """Kind (``sitemap`` or ``url``) and absolute address of each entry; a plain list of addresses works too."""
    data = unpack(body)
    if data.lstrip()[:1] != b"<":
        for line in data.decode("utf-8", "replace").splitlines():
            if line.strip().startswith(("http://", "https://")):
                yield "url", line.strip()
        return
    # No entities, no network, and what is broken is read as far as it goes.
    options = {"recover": True, "resolve_entities": False, "no_network": True, "huge_tree": False}
    try:
        for _, element in etree.iterparse(BytesIO(data), events=("end",), **options):
            kind = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if kind in {"sitemap", "url"}:
                where = next((c.text for c in element if isinstance(c.tag, str) and c.tag.endswith("loc")), None)
                if where and where.strip():
                    yield kind, urljoin(base, where.strip())
                element.clear()
    except etree.XMLSyntaxError:
        return
