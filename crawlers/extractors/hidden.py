"""Text that a reader would not see: what it hides is no part of the main text, and a person should know that it is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawlers.extractors.page import Page

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|$)|"
    r"opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_WORDS = 12
"""Fewer hidden words than this are menus and labels, which every page has."""
_SKIPPED = "script, style, noscript, template, select, nav, dialog, form"


def has_hidden_text(page: Page) -> bool:
    """Whether the page hides prose by inline style or the ``hidden`` attribute."""
    source = page.html
    if "style=" not in source and " hidden" not in source:
        return False
    for node in page.tree.css("[style], [hidden]")[:400]:
        attributes = node.attributes
        hidden = "hidden" in attributes or _HIDING.search(attributes.get("style") or "")
        if not hidden or node.tag not in {"p", "div", "span", "li", "section", "article", "td"}:
            continue
        if node.css_first(_SKIPPED) is None and node.css_first("a") is None and _is_prose(node.text(separator=" ")):
            return True
    return False


def _is_prose(text: str) -> bool:
    words = text.split()
    return len(words) >= _WORDS and any(word.endswith((".", "!", "?")) for word in words)
