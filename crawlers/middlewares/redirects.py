"""Redirects: followed within the web and within limits; where they lead elsewhere, the request ends there, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.downloadermiddlewares.redirect import BaseRedirectMiddleware
from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware as ScrapyMetaRefreshMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware as ScrapyRedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.utils.httpobj import urlparse_cached

from crawlers.middlewares.outcomes import Failed, Skipped

if TYPE_CHECKING:
    from scrapy.http import Response

_HEAD = 4 * 4096
"""Bytes in which a redirect is looked for: Scrapy reads 4,096 characters, which are at most so many."""

_COOKIES, _BOUNCED = "redirect_cookies", "redirect_bounced"


class _Careful(BaseRedirectMiddleware):
    """What both kinds of redirect have in common."""

    def _build_redirect_request(
        self, source_request: Request, response: Response, *, url: str, **kwargs: Any
    ) -> Request:
        redirected = super()._build_redirect_request(source_request, response, url=url, **kwargs)
        scheme = urlparse_cached(redirected).scheme
        if scheme not in {"http", "https"}:
            raise Skipped(
                "forbidden-scheme",
                f"{source_request.url} redirects to a {scheme}: URL, which is never followed",
                response,
            )
        # Scrapy writes the slot of the first host into meta, and would hold the second host's requests to it.
        if redirected.meta.get("download_slot") == urlparse_cached(source_request).hostname:
            del redirected.meta["download_slot"]
        return redirected

    def _redirect(self, redirected: Request, request: Request, reason: Any) -> Request:
        try:
            return super()._redirect(redirected, request, reason)
        except IgnoreRequest as exc:
            raise Failed(
                "redirect-loop",
                f"expected an answer after at most REDIRECT_MAX_TIMES={self.max_redirect_times} redirects, "
                f"got another one to {redirected.url}",
            ) from exc


class RedirectMiddleware(_Careful, ScrapyRedirectMiddleware):
    """Redirects by status (301, 302, 303, 307, 308).

    A redirect back to where it came from is a loop, which a duplicate filter would end in silence. It is how many
    sites see whether cookies come back, though: where one was set on the way, the first URL is asked once more.

    Settings:
        REDIRECT_ENABLED, REDIRECT_MAX_TIMES, REDIRECT_PRIORITY_ADJUST: as in Scrapy.

    Stats:
        redirects/bounced
    """

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Follow, or end in a reason."""
        result = super().process_response(request, response)
        if not isinstance(result, Request):
            return result
        if "Set-Cookie" in response.headers:
            result.meta[_COOKIES] = True
        if result.url not in result.meta["redirect_urls"]:
            return result
        if not result.meta.get(_COOKIES) or request.meta.get(_BOUNCED):
            raise Failed("redirect-loop", f"{request.url} redirects back to {result.url}")
        result.meta[_BOUNCED] = True
        if self.crawler.stats is not None:
            self.crawler.stats.inc_value("redirects/bounced")
        assert self.crawler.engine is not None
        return await self.crawler.engine.download_async(result)


class MetaRefreshMiddleware(_Careful, ScrapyMetaRefreshMiddleware):
    """Redirects by ``<meta http-equiv=refresh>``.

    Settings:
        METAREFRESH_ENABLED, METAREFRESH_MAXDELAY, METAREFRESH_IGNORE_TAGS: as in Scrapy.

    Stats:
        None.
    """

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Follow where the beginning of the page says so; most do not have the word."""
        head = response.body[:_HEAD]
        if b"refresh" not in head.lower() and b"\0" not in head:  # UTF-16 has a NUL in each letter
            return response
        return super().process_response(request, response)
