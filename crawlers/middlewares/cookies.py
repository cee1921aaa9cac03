"""Cookies: Scrapy's own, within the limits that browsers have (RFC 6265 section 6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.downloadermiddlewares.cookies import CookiesMiddleware as ScrapyCookiesMiddleware

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.http import Response

COOKIE_BYTES, COOKIES_PER_DOMAIN = 4096, 50


class CookiesMiddleware(ScrapyCookiesMiddleware):
    """Drops what no browser would keep, so that no site fills our memory or makes us send it megabytes.

    Settings:
        COOKIES_ENABLED, COOKIES_DEBUG: as in Scrapy.

    Stats:
        cookies/dropped
    """

    def process_response(self, request: Request, response: Response) -> Response:  # type: ignore[override]
        """Keep the cookies that are small enough, and of each domain not too many."""
        values = response.headers.getlist("Set-Cookie")
        if not values:
            return response
        small = [value for value in values if len(value) <= COOKIE_BYTES][:COOKIES_PER_DOMAIN]
        dropped = len(values) - len(small)
        if dropped:
            response.headers.setlist("Set-Cookie", small)
        super().process_response(request, response)
        dropped += self._prune(self.jars[request.meta.get("cookiejar")])
        if dropped and self.crawler.stats is not None:
            self.crawler.stats.inc_value("cookies/dropped", dropped)
        return response

    @staticmethod
    def _prune(jar: Any) -> int:
        """Let go of the oldest cookies of each domain that has too many."""
        dropped = 0
        for paths in jar._cookies.values():
            extra = sum(map(len, paths.values())) - COOKIES_PER_DOMAIN
            for cookies in paths.values():
                for name in list(cookies)[: max(0, extra)]:
                    del cookies[name]
                    extra -= 1
                    dropped += 1
        return dropped
