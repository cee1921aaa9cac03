"""A page: bytes and what is known of them, decoded once and parsed once, shared by all that read it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from crawlers.extractors import encodings, mediatypes, parsing, tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selectolax.lexbor import LexborHTMLParser, LexborNode

T = TypeVar("T")

INDEXED = ("a, area", "article", "base", "h1", "img", "link", "meta", "pre", "script", "time", "title")
"""Kinds of elements that extractors look for on every page, each a tag or several."""

_KIND_OF = tags.numbered({tag: kind for kind in INDEXED for tag in kind.split(", ")})


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
        self._known = encoding
        self._given = html
        self.flags: list[str] = []
        """What a person should know of the reading: ``decoding-replaced``, ``truncated``. Complete once read."""
        self.memo: dict[str, object] = {}
        """What extractors computed from the tree and share with each other."""

    def header(self, name: str) -> str | None:
        """First value of a header, or None."""
        values = self.headers.get(name.lower())
        return values[0] if values else None

    @cached_property
    def media_type(self) -> str:
        """Media type in lower case without parameters: the header's, unless the bytes say otherwise."""
        return mediatypes.effective(self.declared_type, self.body)

    @cached_property
    def declared_type(self) -> str:
        """Media type of the Content-Type header in lower case, without parameters; ``""`` where there is none."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def _decoded(self) -> encodings.Decoded:
        if self._given is not None:
            return encodings.given(self._given, self._known)
        decoded = encodings.decode(self.body, self._known, self.header("content-type"))
        if decoded.replaced:
            self.flag("decoding-replaced")
        return decoded

    @property
    def encoding(self) -> str:
        """Name of the codec that the body was read with."""
        return self._decoded.encoding

    @property
    def html(self) -> str:
        """The body as text, without byte order mark, NUL and lone surrogates."""
        return self._decoded.text

    @cached_property
    def _parsed(self) -> tuple[LexborHTMLParser, bytes | None]:
        """The tree, and what it was made from where that is not the page as it came."""
        decoded = self._decoded
        source = self.body if decoded.valid else decoded.text.encode()
        tree, parsed, cut = parsing.parse(source)
        if cut:
            self.flag("truncated")
        return tree, None if parsed is source else parsed

    @property
    def markup(self) -> str:
        """What :attr:`tree` was parsed from: ``html``, or what is left of it where it was cut.

        Parsers beside the shared tree are given this, since what freezes one of them freezes most.
        """
        source = self._parsed[1]
        return self.html if source is None else source.decode("utf-8", "replace")

    @property
    def tree(self) -> LexborHTMLParser:
        """The one parse of the page. Read it; a step that must change it works on its own copy.

        Of a page that would keep the parser busy the rest is left out, and it is flagged ``truncated``.
        """
        return self._parsed[0]

    def elements(self, kind: str) -> list[LexborNode]:
        """The elements of one of ``INDEXED``, in the order of the page; not to be changed."""
        return self._elements[kind]

    @cached_property
    def _elements(self) -> dict[str, list[LexborNode]]:
        """One look at the tree instead of a query for each kind, most of which a page has nothing of."""
        found: dict[str, list[LexborNode]] = {kind: [] for kind in INDEXED}
        add_to = {number: found[kind].append for number, kind in _KIND_OF.items()}.get
        root = self.tree.root
        for node in root.traverse() if root is not None else ():
            add = add_to(node.tag_id)
            if add is not None:
                add(node)
        return found

    def remember(self, name: str, make: Callable[[Page], T]) -> T:
        """What *make* finds in the page, computed once and shared by all extractors that ask for *name*."""
        if name not in self.memo:
            self.memo[name] = make(self)
        return self.memo[name]  # type: ignore[return-value]

    def flag(self, slug: str) -> None:
        """Add *slug* to the flags, once."""
        if slug not in self.flags:
            self.flags.append(slug)
