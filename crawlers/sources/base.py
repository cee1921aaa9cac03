"""What all sources share: checked arguments, and records that know where they came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakKeyDictionary

import scrapy

from crawlers import __version__
from crawlers.extractors.page import Page
from crawlers.hashing import sha256
from crawlers.items import Provenance, Record, Rights, Signal
from crawlers.ledger.settlement import current
from crawlers.sources.arguments import CommonArguments, parse

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class Source(scrapy.Spider):
    """Base of all sources.

    Class attributes:
        Arguments: dataclass of the spider's arguments, see :mod:`crawlers.sources.arguments`.
        version: of the spider's code; written into each record's provenance.

    Attributes:
        args: the arguments, typed and checked.
    """

    Arguments: ClassVar[type[CommonArguments]] = CommonArguments
    version: ClassVar[str] = __version__

    def __init__(self, name: str | None = None, **given: Any) -> None:
        super().__init__(name)
        self.args: Any = parse(self.Arguments, given, self.name)
        self._pages: WeakKeyDictionary[Response, Page] = WeakKeyDictionary()

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Source:
        """Build the spider; wrong arguments stop here, before anything else is opened."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        assert isinstance(spider, Source)
        return spider

    def page(self, response: Response) -> Page:
        """The answer as the extractors see it: decoded and parsed at most once, whoever asks."""
        page = self._pages.get(response)
        if page is None:
            headers = {
                name.decode("latin-1").lower(): [value.decode("latin-1") for value in values]
                for name, values in response.headers.items()
            }
            page = self._pages[response] = Page(response.body, response.url, headers)
        return page

    def record(self, response: Response, key: str | None = None, **values: Any) -> Record:
        """A record found in *response*, with its provenance and what the answer says of its rights.

        Args:
            response: where it was found.
            key: what is stable in the source; the answer's URL where it is not given.
            values: fields of the record that the spider knows better than the extractors.
        """
        record = Record(
            source=self.name,
            key=key or public(response.url),
            url=values.pop("url", public(response.url)),
            rights=_rights(response),
            provenance=self._provenance(response),
            **values,
        )
        record.page = self.page(response)
        return record

    def _provenance(self, response: Response) -> Provenance:
        request = response.request
        settlement = current.get()
        answer = settlement.answer if settlement is not None else None
        header = response.headers.get
        etag, modified, content_type = header("ETag"), header("Last-Modified"), header("Content-Type")
        meta = request.meta if request is not None else {}
        return Provenance(
            spider=self.name,
            spider_version=self.version,
            request_fingerprint=meta.get("gristmill_fingerprint") or self._fingerprint(response),
            request_url=public(
                (meta.get("redirect_urls") or [request.url if request is not None else response.url])[0]
            ),
            response_url=public(response.url),
            status=response.status,
            fetched_at=meta.get("gristmill_fetched_at") or _now(),
            etag=etag.decode("latin-1") if etag else None,
            last_modified=modified.decode("latin-1") if modified else None,
            content_type=content_type.decode("latin-1") if content_type else None,
            body_sha256=(answer.body_sha256 if answer is not None else None) or self._body_hash(response),
        )

    def _fingerprint(self, response: Response) -> str | None:
        """Where no frontier gave the request its fingerprint."""
        crawler = getattr(self, "crawler", None)
        if response.request is None or crawler is None or crawler._request_fingerprinter is None:
            return None
        return str(crawler.request_fingerprinter.fingerprint(response.request).hex())

    def _body_hash(self, response: Response) -> str:
        memo = self.page(response).memo
        if "body_sha256" not in memo:
            memo["body_sha256"] = sha256(response.body)
        return str(memo["body_sha256"])


def public(url: str) -> str:
    """*url* without the user name and password that may stand in it: records are handed around."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rights(response: Response) -> Rights:
    hints = response.meta.get("gristmill_rights") if response.request is not None else None
    if not hints:
        return Rights()
    return Rights(robots=hints.get("robots"), signals=[Signal(*signal) for signal in hints.get("signals", ())])
