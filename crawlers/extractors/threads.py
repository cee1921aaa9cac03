"""Posts of a thread, in order, where the page marks them up: JSON-LD, microdata, or elements that call themselves posts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crawlers.extractors import structured
from crawlers.extractors.dates import rfc3339
from crawlers.extractors.metadata import THREADS
from crawlers.extractors.nesting import apart
from crawlers.extractors.structured import first_text, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_POSTS = 'article.post, li.post, div.post, .comment, [itemtype$="Comment"], [itemtype$="Answer"], [id^="post-"]'
_TEXT = '[itemprop="text"], .post-body, .post-content, .content, .message, .body, blockquote + p'
_AUTHOR = '[itemprop="author"], [rel~="author"], .author, .username, .user'
_POSTS_MAX = 500
_QUOTES_MAX = 50
_LEVELS = 3
"""Posts within posts: replies that are marked up inside of what they answer."""
_SPACE = re.compile(r"[ \t\r\f\v]+")


def posts(page: Page) -> list[dict[str, Any]]:
    """Each post as ``author``, ``published_at``, ``text``, ``quotes`` (what it quotes of others); empty without markup."""
    found = [post for item in structured.objects(page) for post in _of_object(item)]
    return (found or list(_of_elements(page)))[:_POSTS_MAX]


def _of_object(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not THREADS.intersection(types_of(item)):
        return
    yield from _post(item)
    for name in ("comment", "acceptedAnswer", "suggestedAnswer"):
        replies = item.get(name) or []
        for reply in replies if isinstance(replies, list) else [replies]:
            if isinstance(reply, dict):
                yield from _post(reply)


def _post(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    text = first_text(item.get("text") or item.get("articleBody"))
    if text:
        yield _made(first_text(item.get("author")), rfc3339(first_text(item.get("datePublished"))), text, [])


def _of_elements(page: Page) -> Iterator[dict[str, Any]]:
    found = {node.mem_id: node for node in page.tree.css(_POSTS)}  # selectolax gives a node once a selector it fits
    for node in apart(list(found.values())[:_POSTS_MAX], _LEVELS):
        body = node.css_first(_TEXT) or node
        quotes = [_text(quote) for quote in apart(body.css("blockquote")[:_QUOTES_MAX], 0)]
        author, time = node.css_first(_AUTHOR), node.css_first("time[datetime]")
        text = _text(body)
        for quote in quotes:
            text = text.replace(quote, "", 1).strip()
        if text:
            published = rfc3339(time.attributes.get("datetime")) if time is not None else None
            yield _made(_text(author) if author is not None else None, published, text, quotes)


def _made(author: str | None, published: str | None, text: str, quotes: list[str]) -> dict[str, Any]:
    post = {"author": author, "published_at": published, "text": text.strip(), "quotes": quotes}
    return {name: value for name, value in post.items() if value}


def _text(node: LexborNode) -> str:
    return _SPACE.sub(" ", node.text(separator=" ").replace("\n", " ")).strip()
