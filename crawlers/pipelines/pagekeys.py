"""Keys for items that bring none of their own: stable in their source, told from the page that they were found on.

The only item of a page is the page: its key is the page's canonical URL, whatever becomes of its values. Items arrive
one at a time, though, and nobody knows of the first whether it is the only one. So the first has the page's URL in any
case, and each further one has behind ``#`` what it is called, or, where it has no name or not one of its own,
``@`` and its place on the page.

URLs are canonical: query in order, no fragment. An item whose own URL is the page's has such a key too. A request that is
more than its URL (a form that was sent, or what else the project's fingerprints tell apart) has its fingerprint in the
keys. An address that was asked for again on purpose (``dont_filter``) says something else each time, so there the key of
an item without a URL is the page's with a digest of the item; as it is, with the source's name, for items without a page.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import Request
from scrapy.utils.request import fingerprint
from w3lib.url import canonicalize_url

from crawlers.hashing import digest

if TYPE_CHECKING:
    from crawlers.ledger.settlement import Lease

_OWN = ("key", "id", "guid", "sku")
_NAMES = ("name", "title", "headline")
_NAME_MAX = 200
_DIGITS = 16


class PageKeys:
    """Keys for the items of one page, in the order in which the spider gives them.

    Args:
        source: the spider's name.
        lease: the request whose answer the page is; None for items without one.
    """

    def __init__(self, source: str, lease: Lease | None = None) -> None:
        self._source = source
        self._lease = lease
        self._number = 0
        self._taken: set[str] = set()

    def key(self, data: dict[str, Any]) -> str:
        """The item's own ``key``, ``id``, ``guid``, ``sku`` or ``url``, else one of the page's.

        Args:
            data: the item as plain values.
        """
        own = next((data[name] for name in _OWN if data.get(name) not in (None, "")), None)
        if own is not None:
            return str(own)
        if data.get("url") not in (None, ""):
            url = _canonical(str(data["url"]))
            return self._next(data) if self._is_page(str(data["url"]), url) else url
        if self._of_content:
            return f"{self._page}#{digest(data)[7 : 7 + _DIGITS]}"
        return self._next(data)

    @cached_property
    def _page(self) -> str:
        return self._source if self._lease is None else _of_page(self._lease)

    @cached_property
    def _of_content(self) -> bool:
        return self._lease is None or _asked_again(self._lease)

    def _is_page(self, url: str, canonical: str) -> bool:
        """Whether *url* is that of the page itself: a fragment makes another one of it, unless the link here had it too."""
        if self._lease is None:
            return False
        return url == self._lease.url or canonical == self._page.partition("#")[0]

    def _next(self, data: dict[str, Any]) -> str:
        self._number += 1
        if self._number == 1:
            return self._page
        name = next((data[name] for name in _NAMES if isinstance(data.get(name), str)), "")
        name = " ".join(name.split())[:_NAME_MAX]
        if not name or name.startswith("@") or name in self._taken:
            name = f"@{self._number}"
        self._taken.add(name)
        return f"{self._page}{'/' if '#' in self._page else '#'}{name}"


def _canonical(url: str) -> str:
    """*url* with its query in order; what is no address of the web stays as it is."""
    if not url.startswith(("http://", "https://")):
        return url
    try:
        return canonicalize_url(url, keep_fragments=True)
    except ValueError:
        return url


def _of_page(lease: Lease) -> str:
    """The page's canonical URL, with its fingerprint where it is not that of the URL."""
    url = canonicalize_url(lease.url)
    own = lease.fingerprint.partition(":")[0]
    return url if own == fingerprint(Request(lease.url)).hex() else f"{url}#{own[:_DIGITS]}"


def _asked_again(lease: Lease) -> bool:
    """Whether the request was made regardless of an earlier one.

    What Scrapy asks for at the start is so too, but has no callback. Refine has the request without its number.
    """
    if ":" in lease.fingerprint:
        return True
    if "dont_filter" not in lease.payload:
        return False
    data = orjson.loads(lease.payload)
    return bool(data.get("dont_filter") and data.get("callback"))
