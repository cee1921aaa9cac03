"""The normal form of a record's text, for comparing: lower case, single spaces. Computed once and shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crawlers.items import Record

_ASCII = bytes(range(128))
_PLAIN = bytes(ord(" " if chr(code).isspace() else chr(code).lower()) for code in range(128)) + bytes(range(128, 256))
"""ASCII in lower case, white space as a space; the bytes of other characters as they are."""


def normal(text: str) -> str:
    """*text* in lower case with every run of white space as one space."""
    encoded = text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        others = set(encoded.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
        if any(char.isspace() or char.lower() != char for char in others):
            return " ".join(text.lower().split())
    codes = np.frombuffer(encoded.translate(_PLAIN), dtype=np.uint8)
    is_space = codes == ord(" ")
    kept = np.ones(codes.size, dtype=bool)
    np.logical_and(is_space[1:], is_space[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    return codes[kept].tobytes().strip(b" ").decode("utf-8", "surrogatepass")


def folded(record: Record) -> str:
    """The normal form of the record's text; computed again only where another text has taken its place."""
    text = record.text or ""
    kept = record.cache.get("folded")
    if kept is None or kept[0] is not text:
        kept = record.cache["folded"] = (text, normal(text))
    return str(kept[1])
