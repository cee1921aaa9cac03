"""A page: bytes and what is known of them, decoded once and parsed once, shared by all that read it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Page:
    """An answer as the extractors see it.

    Args:
        body: the bytes, uncompressed.
        url: where it was fetched, after redirects.
        headers: header name in lower case to its values, decoded as latin-1.
        encoding: character encoding, where the caller already knows it; else it is found in the bytes.
        html: the decoded text, where the caller already has it.
    """

    def __init__(
        self,
        body: bytes,
        url: str,
        headers: Mapping[str, Sequence[str]] | None = None,
        encoding: str | None = None,
        html: str | None = None,
    ) -> None:
        self.body = body
        self.url = url
        self.headers: Mapping[str, Sequence[str]] = headers or {}
        self.encoding = encoding
        if html is not None:
            self.html = html

    def header(self, name: str) -> str | None:
        """First value of a header, or None."""
        values = self.headers.get(name.lower())
        return values[0] if values else None

    @cached_property
    def media_type(self) -> str:
        """Media type of the Content-Type header in lower case, without parameters; ``""`` where there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def html(self) -> str:
        """The body as text."""
        return self.body.decode(self.encoding or "utf-8", "replace")

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """The one parse of the page. Read it; a step that must change it works on its own copy."""
        return LexborHTMLParser(self.html)
