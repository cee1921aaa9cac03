"""How a page of the demo site is put together: one frame around each, and what it says of itself for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HTML = "text/html; charset=utf-8"
NAME = "Millbrook"
"""Name of the town whose shop, newspaper and forum this is."""
CHANGED = "Mon, 02 Nov 2026 08:00:00 GMT"
"""Last-Modified of every page: the site never changes."""


@dataclass(frozen=True)
class Answer:
    """What the server says at one address."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A page before it is bytes.

    Attributes:
        title: of the window and, where ``body`` has no heading of its own, of the page.
        body: HTML inside of ``main``.
        path: the address that the page calls itself; empty: it says nothing of it.
        crumbs: name and path of the pages above, from the top.
        data: objects of JSON-LD.
        head: further HTML of the head.
    """

    title: str
    body: str
    path: str = ""
    language: str = "en"
    crumbs: Sequence[tuple[str, str]] = ()
    data: Sequence[dict[str, Any]] = ()
    head: str = ""

    def answer(self, origin: str, content_type: str = HTML, **headers: str) -> Answer:
        """The page as bytes, with absolute addresses below *origin*."""
        return Answer(self.html(origin).encode(), content_type, headers=headers)

    def html(self, origin: str) -> str:
        """The page as text."""
        canonical = f'<link rel="canonical" href="{origin}{self.path}">\n' if self.path else ""
        scripts = "".join(json_ld(item) for item in self.data)
        return (
            f'<!DOCTYPE html>\n<html lang="{self.language}">\n<head>\n<meta charset="utf-8">\n'
            f"<title>{escape(self.title)} | {NAME}</title>\n{canonical}"
            f'<meta property="og:site_name" content="{NAME}">\n{self.head}{scripts}</head>\n<body>\n{_HEADER}'
            f"{breadcrumb(self.crumbs)}<main>\n{self.body}\n</main>\n{_FOOTER}</body>\n</html>\n"
        )


_HEADER = (
    '<header><a class="logo" href="/">Millbrook</a>\n<nav><a href="/shop/">Shop</a> <a href="/news/">News</a> '
    '<a href="/forum/">Forum</a> <a href="/about">About</a></nav></header>\n'
)
_FOOTER = (
    '<footer><p>This site was made to be crawled.</p>\n<p><a href="/about">About</a> <a href="/admin/">Administration'
    "</a></p></footer>\n"
)


def json_ld(item: dict[str, Any]) -> str:
    """*item* as a script element; ``<`` is escaped, so that no text in it can end the element."""
    text = json.dumps({"@context": "https://schema.org", **item}, ensure_ascii=False, indent=1).replace("<", "\\u003c")
    return f'<script type="application/ld+json">{text}</script>\n'


def breadcrumb(crumbs: Iterable[tuple[str, str]]) -> str:
    """The way from the top down to a page."""
    links = " › ".join(f'<a href="{path}">{escape(name)}</a>' for name, path in crumbs)
    return f'<nav class="breadcrumb" aria-label="breadcrumb">{links}</nav>\n' if links else ""


def paragraphs(texts: Iterable[str]) -> str:
    """Each text as a paragraph."""
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)


def pagination(paths: Sequence[str], current: int) -> str:
    """Links to the pages of a list; *current* counts from 0."""
    if len(paths) < 2:
        return ""
    links = [
        f"<strong>{number + 1}</strong>" if number == current else f'<a href="{path}">{number + 1}</a>'
        for number, path in enumerate(paths)
    ]
    if current + 1 < len(paths):
        links.append(f'<a rel="next" href="{paths[current + 1]}">Next</a>')
    return f'<nav class="pagination">{" ".join(links)}</nav>'
