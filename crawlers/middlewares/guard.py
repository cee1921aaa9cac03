"""Guard: what can be told from the URL alone. Forbidden addresses and schemes are refused before anything is asked.

The download handler looks at every address again when it connects (``downloads.py``); here it saves the look-up of
robots.txt, and is the only look there is where a proxy connects for us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.utils.httpobj import urlparse_cached

from crawlers.middlewares.downloads import ForbiddenAddress
from crawlers.middlewares.outcomes import Skipped, marked
from crawlers.network import AddressPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy import Request
    from scrapy.crawler import Crawler


class GuardMiddleware:
    """Skips requests to forbidden addresses and schemes, and those that a spider middleware marked.

    Args:
        policy: decides on addresses.
        schemes: URL schemes that have a download handler.
        stats: collector with ``inc_value``.

    Settings:
        NETWORK_ALLOW: networks allowed besides public addresses.
        DOWNLOAD_HANDLERS: schemes without a handler are forbidden (by default file, data, ftp and s3).

    Stats:
        guard/skipped/<reason>
    """

    def __init__(self, policy: AddressPolicy, schemes: Iterable[str] = ("http", "https"), *, stats: Any = None) -> None:
        self._policy = policy
        self._schemes = frozenset(schemes)
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        """Read the settings."""
        handlers = crawler.settings.getwithbase("DOWNLOAD_HANDLERS")
        schemes = [scheme for scheme, path in handlers.items() if path is not None]
        return cls(AddressPolicy(crawler.settings.get("NETWORK_ALLOW") or ""), schemes, stats=crawler.stats)

    def process_request(self, request: Request) -> None:
        """Raise Skipped where the URL itself is the reason."""
        try:
            self._check(request)
        except Skipped as exc:
            if self._stats is not None:
                self._stats.inc_value(f"guard/skipped/{exc.reason}")
            raise

    def _check(self, request: Request) -> None:
        mark = marked(request)
        if mark is not None:
            raise Skipped(*mark)
        parts = urlparse_cached(request)
        if parts.scheme not in self._schemes:
            raise Skipped(
                "forbidden-scheme",
                f"expected one of {', '.join(sorted(self._schemes))}, got {parts.scheme}: in {request.url[:200]}; "
                "DOWNLOAD_HANDLERS says which schemes can be fetched",
            )
        if parts.scheme in {"http", "https"}:
            host = parts.hostname or ""
            what = self._policy.forbids_host(host) if host else "no host"
            if what is not None:
                raise ForbiddenAddress(host, what)
