"""Web sites: follow a site's own links and sitemaps, hand each page to ``parse_page``.

A new site is a few lines: name, where to start, which links to follow, and what a record is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urljoin, urlsplit

import scrapy

from crawlers.errors import ArgumentError
from crawlers.extractors.kinds import is_list
from crawlers.extractors.links import links
from crawlers.ledger.settlement import LIST, current
from crawlers.seen import Seen
from crawlers.sources import sitemaps
from crawlers.sources.arguments import CommonArguments, argument
from crawlers.sources.base import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from scrapy.http import Response

    from crawlers.items import Record

_HTML = frozenset({"text/html", "application/xhtml+xml", ""})
_SEEN_MAX = 500_000
_ABSENT = [401, 403, 404, 410]
"""Statuses by which a site says that it has no such file, or none for us."""


@dataclass(kw_only=True)
class WebArguments(CommonArguments):
    """What every web source understands."""

    follow: str = argument("follow only links whose URL matches this regular expression", "", example="/news/")
    deny: str = argument("do not follow links whose URL matches this regular expression", "", example="/login")
    sitemap: bool | None = argument("read the site's sitemaps too; where it is not given the source decides", None)


class WebSource(Source):
    """Base of sources that are web sites.

    Class attributes:
        start_urls: where to start.
        allowed_domains: hosts to stay on; those of ``start_urls`` where it is not given.
        follow: regular expression of the links to follow; all where it is not given.
        deny: regular expression of the links not to follow.
        sitemap: whether to read the site's sitemaps.
    """

    Arguments: ClassVar[type[CommonArguments]] = WebArguments
    follow: ClassVar[str] = ""
    deny: ClassVar[str] = ""
    sitemap: ClassVar[bool] = False

    def __init__(self, name: str | None = None, **given: Any) -> None:
        super().__init__(name, **given)
        self._follow = self._pattern("follow", self.args.follow or self.follow)
        self._deny = self._pattern("deny", self.args.deny or self.deny)
        # Only saves making requests: the frontier knows what was asked for.
        self._handed_out = Seen(_SEEN_MAX)
        if not getattr(self, "allowed_domains", None):
            hosts = {(urlsplit(url).hostname or "").removeprefix("www.") for url in self.first_urls()}
            self.allowed_domains = sorted(hosts)

    def _pattern(self, name: str, pattern: str) -> re.Pattern[str] | None:
        try:
            return re.compile(pattern) if pattern else None
        except re.error as exc:
            raise ArgumentError(
                f"{self.name}: argument {name!r}: expected a regular expression, got {pattern!r}: {exc}"
            ) from None

    def first_urls(self) -> list[str]:
        """Where to start; sources with a ``url`` argument give that."""
        return list(self.start_urls)

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first pages and, where wanted, what leads to the sitemaps."""
        for url in self.first_urls():
            yield scrapy.Request(url, callback=self.parse, priority=1)
        if self.sitemap if self.args.sitemap is None else self.args.sitemap:
            for origin in sorted({urljoin(url, "/") for url in self.first_urls()}):
                yield self._route_request(urljoin(origin, "/robots.txt"), self.parse_robots, priority=2)

    def _route_request(self, url: str, callback: Any, priority: int = 1, **kwargs: Any) -> scrapy.Request:
        """A request for what only leads to pages; that it is not there is an answer too."""
        meta = {"handle_httpstatus_list": _ABSENT}
        return scrapy.Request(url, callback=callback, priority=priority, meta=meta, cb_kwargs=kwargs)

    def parse_robots(self, response: Response) -> Iterator[scrapy.Request]:
        """Ask for the sitemaps that robots.txt names, else for the usual one."""
        named: list[str] = []
        if _is_there(response, "robots-file"):
            named = sitemaps.from_robots(response.body.decode("utf-8", "replace"), response.url)
        for url in named or [urljoin(response.url, "/sitemap.xml")]:
            yield self._route_request(url, self.parse_sitemap, level=1)

    def parse_sitemap(self, response: Response, level: int) -> Iterator[scrapy.Request]:
        """Follow the addresses of a sitemap that the rules allow."""
        if not _is_there(response, "sitemap"):
            return
        for kind, url in sitemaps.entries(response.body, response.url):
            if kind == "sitemap" and level < sitemaps.MAX_DEPTH:
                yield self._route_request(url, self.parse_sitemap, level=level + 1)
            elif kind == "url" and self._is_wanted(url):
                yield scrapy.Request(url, callback=self.parse)

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Any]:
        """Yield the page's records and the requests for its links."""
        page = self.page(response)
        if page.media_type not in _HTML and not page.media_type.startswith("text/"):
            yield from self.parse_page(response)
            return
        yield from self.parse_page(response)
        yield from self.follow_links(response)

    def parse_page(self, response: Response) -> Iterable[Record]:
        """The records of a page. By default the page itself is one; the extractors fill it in."""
        yield self.record(response)

    def is_list(self, response: Response) -> bool:
        """Whether the page only leads to others; noted with it, so that the report can tell."""
        found = is_list(self.page(response))
        if found:
            _note(LIST)
        return found

    def follow_links(self, response: Response) -> Iterator[scrapy.Request]:
        """Requests for the links that are on the site, wanted, and not handed out by this process before."""
        for link in links(self.page(response)):
            if link.url not in self._handed_out and self._is_wanted(link.url):
                self._handed_out.add(link.url)
                yield scrapy.Request(link.url, callback=self.parse)

    def _is_wanted(self, url: str) -> bool:
        if self._follow is not None and not self._follow.search(url):
            return False
        if self._deny is not None and self._deny.search(url):
            return False
        host = urlsplit(url).hostname or ""
        return any(host == domain or host.endswith(f".{domain}") for domain in self.allowed_domains)


def _note(reason: str) -> None:
    """Say of the page at hand that it was read and is none that records are made of."""
    settlement = current.get()
    if settlement is not None:
        settlement.reason = reason


def _is_there(response: Response, what: str) -> bool:
    """Whether the answer is what was asked for. Either way it is noted as no page: a budget of pages is not spent on it."""
    there = response.status not in _ABSENT
    settlement = current.get()
    if there:
        _note(what)
    elif settlement is not None:
        settlement.skip(f"no-{what}", f"the site answered {response.status}")
    return there
