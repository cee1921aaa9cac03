"""Login pages: what a site shows instead of its content to those whom it does not know.

The password field is what they have in common. A page may have one and be more than that, a box in its header for
instance, so it must stand in the main part of a page that has hardly any text, or little where the address tells too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from crawlers.extractors import metadata, structured
from crawlers.extractors.hints import is_hidden
from crawlers.extractors.nesting import ancestors

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_FIELD = 'input[type="password" i]'
_FIELDS_MAX = 20
_SHORT, _SHORT_WHERE_TOLD = 200, 1000
"""Code points of main text from which on a page is more than its form: any page, and one whose address tells of a login."""

_ADDRESS = re.compile(
    r"/(?:(?:wp[-_]?)?log[-_]?[io]n|sign[-_]?[io]n|auth|sso|session|sessions?/new|anmeldung|anmelden|connexion)(?:\.\w+)?/?$",
    re.IGNORECASE,
)
_FRAMES = frozenset(("header", "nav", "aside", "footer", "dialog"))
_FRAME = re.compile(
    r"(?<![a-z])(?:header|headerspace|nav|navbar|navigation|menu|menubar|top|topbar|toolbar|upper_section|sidebar|side|footer|modal|popup"
    r"|dropdown|drawer|dialog|offcanvas|guest_form|quick[-_]?(?:login|connect))(?![a-z])",
    re.IGNORECASE,
)


def is_login_page(page: Page, text: str, asked: str | None = None, *, typed: bool = False) -> bool:
    """Whether the page is a login form and hardly anything besides.

    Args:
        page: an HTML page.
        text: its main text.
        asked: the address that was asked for, where the site may have sent us to another one.
        typed: whether the page says that it is an article, a product or a thread in its head, as some do on every page.
    """
    body = page.body
    if b"assword" not in body and b"ASSWORD" not in body:
        return False
    told = _tells(page.url, asked)
    if (typed and not told) or len(text) >= (_SHORT_WHERE_TOLD if told else _SHORT):
        return False
    fields = page.tree.css(_FIELD)[:_FIELDS_MAX]
    return any(map(_is_in_main_part, fields)) and metadata.main_object(structured.objects(page))[0] is None


def _tells(url: str, asked: str | None) -> bool:
    """Whether *url* calls itself a login, or is where we were sent with the way back to what was *asked* for.

    That we were sent to another page says nothing by itself: articles move.
    """
    parts = urlsplit(url)
    if _ADDRESS.search(parts.path):
        return True
    back = urlsplit(asked).path if asked else ""
    return len(back) > 1 and back != parts.path and back in unquote(parts.query)


def _is_in_main_part(field: LexborNode) -> bool:
    return not any(_is_frame(node) for node in (field, *ancestors(field)) if node.tag not in {"html", "body"})


def _is_frame(node: LexborNode) -> bool:
    attributes = node.attributes
    if node.tag in _FRAMES or is_hidden(attributes):
        return True
    return _FRAME.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}") is not None
