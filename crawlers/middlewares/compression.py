"""Compression: bodies are unpacked once, with a limit, and nobody guesses a charset from packed bytes.

Scrapy's own middleware asks the packed answer for its encoding when it copies it, which runs a charset detection over
compressed bytes wherever the header names no charset: a third of the CPU of such a page (measured).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured
from scrapy.responsetypes import responsetypes

from crawlers.middlewares.outcomes import CUT, CutShort, Failed, Skipped
from crawlers.middlewares.unpack import CODINGS, Cut, Damaged, TooLarge, unpack

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

logger = logging.getLogger(__name__)

META_CUT = "gristmill_unpacked_max"
"""Key in ``request.meta``: so many bytes of the unpacked body are wanted, and that there are more is no failure."""

_META_WHOLE, _STOPPED = "download_fail_on_dataloss", "download_stopped"  # Scrapy's


class CompressionMiddleware:
    """Asks for compressed answers and unpacks them.

    Args:
        limit: bytes that may come out of one answer.
        whole: fail what ends in its middle (``cut``), instead of taking what there is.
        retried: mark such an answer for the retry middleware, which has it after this one, instead of failing it here.
        stats: collector with ``inc_value``.

    Settings:
        COMPRESSION_ENABLED: as in Scrapy.
        HTTP_DECOMPRESS_MAXSIZE: the limit in bytes (32 MiB).
        DOWNLOAD_FAIL_ON_DATALOSS: as in Scrapy, also for what is cut in its compressed form.

    Stats:
        httpcompression/response_bytes, httpcompression/response_count: as Scrapy counts them;
        compression/too_large, compression/damaged, compression/cut
    """

    def __init__(
        self, limit: int = 32 * 1024 * 1024, *, whole: bool = True, retried: bool = False, stats: Any = None
    ) -> None:
        self._limit = limit
        self._whole = whole
        self._retried = retried
        self._stats = stats
        self._accept = ", ".join(CODINGS).encode()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CompressionMiddleware:
        """Read the settings."""
        if not crawler.settings.getbool("COMPRESSION_ENABLED"):
            raise NotConfigured("COMPRESSION_ENABLED is off: set it to True to ask for compressed answers")
        return cls(
            crawler.settings.getint("HTTP_DECOMPRESS_MAXSIZE", 32 * 1024 * 1024),
            whole=crawler.settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS"),
            retried=crawler.settings.getbool("RETRY_ENABLED"),
            stats=crawler.stats,
        )

    def process_request(self, request: Request) -> None:
        """Say what can be unpacked."""
        if request.url.startswith(("http:", "https:")):
            request.headers.setdefault(b"Accept-Encoding", self._accept)

    def process_response(self, request: Request, response: Response) -> Response:
        """The answer with its body unpacked, as a new response that was never asked for its encoding."""
        packed = response.headers.getlist(b"Content-Encoding")
        if not packed or request.method == "HEAD" or not response.body:
            return response
        codings = [c.strip().lower() for value in packed for c in value.decode("latin-1").split(",")]
        body, flags = self._unpack(response, codings, request.meta)
        headers = response.headers.copy()
        del headers[b"Content-Encoding"]
        self._count("httpcompression/response_bytes", len(body))
        self._count("httpcompression/response_count")
        cls = responsetypes.from_args(headers=headers, url=response.url, body=body)
        return cls(
            response.url,
            status=response.status,
            headers=headers,
            body=body,
            flags=flags,
            request=response.request,
            certificate=response.certificate,
            ip_address=response.ip_address,
            protocol=response.protocol,
        )

    def _unpack(self, response: Response, codings: list[str], meta: dict[str, Any]) -> tuple[bytes, list[str]]:
        """The body, and the answer's flags."""
        most, flags = meta.get(META_CUT), response.flags
        partial = not meta.get(_META_WHOLE, self._whole) or response.status >= 400 or _STOPPED in flags
        try:
            if most is not None:
                return unpack(response.body, codings, most, cut=True), flags
            return unpack(response.body, codings, self._limit, partial=partial), flags
        except TooLarge as exc:
            self._count("compression/too_large")
            raise Skipped("too-large", f"{exc}; HTTP_DECOMPRESS_MAXSIZE sets the limit", response) from exc
        except Cut as exc:
            self._count("compression/cut")
            if not self._retried:
                raise CutShort(response) from exc
            return b"", [*flags, CUT]
        except Damaged as exc:
            self._count("compression/damaged")
            raise Failed("bad-encoding", f"{response.url}: {exc}", response) from exc

    def _count(self, key: str, number: int = 1) -> None:
        if self._stats is not None:
            self._stats.inc_value(key, number)
