"""Passwords in what people write on a command line: what is kept, logged or shown has them masked."""

from __future__ import annotations

import re

MASK = "***"

# In a web address a password ends at the first slash; database URLs let it have one.
_IN_WEB_ADDRESS = re.compile(r"(\bhttps?://[^\s/:@?#]*):[^\s/@?#]+@", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(\b(?!https?:)[a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s@]+@", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"([?&;](?:[a-z_]*passw(?:or)?d|pwd|secret|client_secret|token|access_token|api_?key)=)[^\s&;#'\"]+", re.IGNORECASE
)


def masked(text: str) -> str:
    """*text* with ``***`` in the place of passwords in addresses and in their queries."""
    if "://" not in text:
        return text
    text = _IN_WEB_ADDRESS.sub(rf"\1:{MASK}@", text)
    text = _IN_ADDRESS.sub(rf"\1:{MASK}@", text)
    return _IN_QUERY.sub(rf"\g<1>{MASK}", text)
