"""The normal form of a record's text, for comparing: lower case, single spaces. Computed once and shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawlers.items import Record

_ASCII = bytes(range(128))
_PLAIN = bytes(ord(" " if chr(code).isspace() else chr(code).lower()) for code in range(128)) + bytes(range(128, 256))
"""ASCII in lower case, white space as a space; the bytes of other characters as they are."""

_LONG = 1 << 20
"""Bytes that are not taken apart into words, which take a dozen times the room."""


def normal(text: str) -> str:
    """*text* in lower case with every run of white space as one space."""
    encoded = text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        others = set(encoded.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
        if any(char.isspace() or char.lower() != char for char in others):
            return " ".join(text.lower().split())
    spaced = b" ".join(filter(None, encoded.split(b"\n"))).translate(_PLAIN).strip(b" ")
    while b"  " in spaced:
        spaced = b" ".join(spaced.split()) if len(spaced) < _LONG else spaced.replace(b"  ", b" ")
    return spaced.decode("utf-8", "surrogatepass")


def folded(record: Record) -> str:
    """The normal form of the record's text; computed again only where another text has taken its place."""
    text = record.text or ""
    kept = record.cache.get("folded")
    if kept is None or kept[0] is not text:
        kept = record.cache["folded"] = (text, normal(text))
    return str(kept[1])
