"""The download handler for http and https: Scrapy's own, with a last look at each address before it is connected to.

Names are resolved by Twisted as ever; what comes out of the resolver goes to ``connectTCP`` of the reactor that the
endpoint was given, and that one is ours. So the address that is checked is the address that is connected to, for
pages, redirects, robots.txt, media and sitemaps alike, and a name that resolves differently the second time gains
nothing (DNS rebinding).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _BindAddressAgent,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
    _ScrapyAgent,
)
from scrapy.exceptions import DownloadCancelledError
from scrapy.http import Headers
from scrapy.utils._download_handlers import normalize_bind_address, wrap_twisted_exceptions
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.interfaces import IReactorPluggableNameResolver, IReactorTCP, IReactorTime
from twisted.web.client import _HTTP11ClientFactory
from twisted.web.iweb import UNKNOWN_LENGTH
from zope.interface import implementer  # type: ignore[import-untyped]

from crawlers.middlewares.holds import holds_of
from crawlers.middlewares.outcomes import Outcome, Skipped
from crawlers.network import AddressPolicy

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.web.client import Agent

HEADERS_MAXSIZE = 128 * 1024
"""Bytes of all header lines of one answer, informational answers included. Browsers stop at 256 KiB."""


ENDPOINTS_MAX, AGENTS_MAX = 200, 20
"""Hosts, and timeouts with addresses to bind to, whose endpoints and agents are kept."""


class ForbiddenAddress(Skipped):
    """A connection that was not made because of where it would have gone."""

    def __init__(self, address: str, what: str) -> None:
        super().__init__(
            "forbidden-address",
            f"expected a public address, got {address} ({what}); "
            f"to fetch from there, set NETWORK_ALLOW={address.partition('%')[0]}",
        )


@implementer(IReactorTCP, IReactorTime, IReactorPluggableNameResolver)
class GuardedReactor:
    """The reactor, as an endpoint sees it: connects only where the policy allows it.

    Args:
        reactor: the one that runs.
        policy: decides on addresses.
    """

    def __init__(self, reactor: Any, policy: AddressPolicy) -> None:
        self._reactor = reactor
        self._policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def connectTCP(self, host: str, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - Twisted's name
        """Connect to *host*, an address that was resolved already, or raise ForbiddenAddress."""
        what = self._policy.forbids(host)
        if what is not None:
            raise ForbiddenAddress(host, what)
        return self._reactor.connectTCP(host, *args, **kwargs)


class _KeepingAgent(_BindAddressAgent):
    """Twisted's agent, which makes an endpoint for each request, a TLS context too, though most find a connection open."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._endpoints: dict[tuple[bytes, bytes, int], Any] = {}

    def _getEndpoint(self, uri: Any) -> Any:  # noqa: N802 - Twisted's name
        key = (uri.scheme, uri.host, uri.port)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            if len(self._endpoints) >= ENDPOINTS_MAX:
                self._endpoints.clear()
            endpoint = self._endpoints[key] = super()._getEndpoint(uri)  # type: ignore[no-untyped-call]
        return endpoint


class _GuardedAgent(_ScrapyAgent):
    """Gives Twisted's agent the guarded reactor. A proxy's own address is the user's choice and is not checked.

    That holds for one from the environment too: behind any of them names are looked up where the policy cannot see it.
    """

    def __init__(self, *, guarded: GuardedReactor, agents: dict[Any, _KeepingAgent], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._guarded = guarded
        self._agents = agents
        self._headers: Headers | None = None

    def _get_agent(self, request: Request, timeout: float) -> Agent:
        if request.meta.get("proxy"):
            return super()._get_agent(request, timeout)
        address = normalize_bind_address(request.meta.get("bindaddress") or self._bindAddress)
        agent = self._agents.get((timeout, address))
        if agent is None:
            if len(self._agents) >= AGENTS_MAX:
                self._agents.clear()
            agent = self._agents[timeout, address] = _KeepingAgent(
                reactor=self._guarded,
                contextFactory=self._contextFactory,
                connectTimeout=timeout,
                bindAddress=address,
                pool=self._pool,
            )
        return agent

    def _headers_from_twisted_response(self, response: Any) -> Headers:  # type: ignore[override]
        """Made once, not for the signal and again for the answer; Twisted's names and values need no check."""
        if self._headers is None:
            self._headers = Headers()
            if response.length != UNKNOWN_LENGTH:
                self._headers[b"Content-Length"] = str(response.length).encode()
            raw = response.headers.getAllRawHeaders()
            dict.update(self._headers, {name.title(): list(values) for name, values in raw})
        return self._headers


class _BoundedParser(_LenientHTTPClientParser):
    """Gives up on an answer whose header never ends; Twisted bounds the line, not the number of lines."""

    _header_bytes = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        self._header_bytes = self._header_bytes + len(line) + 2
        if self._header_bytes > HEADERS_MAXSIZE:
            raise Skipped(
                "too-large", f"expected a header of at most {HEADERS_MAXSIZE} bytes, got more; the answer was dropped"
            )
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        raise Skipped(
            "too-large", f"expected header lines of at most {self.MAX_LENGTH} bytes, got {len(line)}; answer dropped"
        )


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        answer = super().request(request)
        if self._parser is not None:
            self._parser.__class__ = _BoundedParser  # as Scrapy does it: Twisted hard-codes the parser
        return answer


class _BoundedFactory(_HTTP11ClientFactory):
    noisy = False

    def buildProtocol(self, addr: Any) -> _BoundedProtocol:  # noqa: N802 - Twisted's name
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class GuardedDownloadHandler(HTTP11DownloadHandler):
    """HTTP/1.1 over TCP and TLS, to allowed addresses only, and to no host that asked to be left alone for now.

    Settings:
        NETWORK_ALLOW, DOWNLOAD_MAXSIZE, DOWNLOAD_WARNSIZE, DOWNLOAD_TIMEOUT, DOWNLOAD_VERIFY_CERTIFICATES

    Stats:
        network/forbidden
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        from twisted.internet import reactor

        self._guarded = GuardedReactor(reactor, AddressPolicy(crawler.settings.get("NETWORK_ALLOW") or ""))
        self._agents: dict[Any, _KeepingAgent] = {}
        self._pool._factory = _BoundedFactory
        self._holds = holds_of(crawler)

    async def download_request(self, request: Request) -> Response:
        """Download *request*, or raise why not."""
        if self._holds.any:
            await self._holds.respect(request)
        agent = _GuardedAgent(
            guarded=self._guarded,
            agents=self._agents,
            contextFactory=self._contextFactory,
            bindAddress=self._bind_address,
            pool=self._pool,
            maxsize=self._default_maxsize,
            warnsize=self._default_warnsize,
            fail_on_dataloss=self._fail_on_dataloss,
            crawler=self._crawler,
            tls_verbose_logging=self._tls_verbose_logging,
        )
        try:
            with wrap_twisted_exceptions():
                return await maybe_deferred_to_future(agent.download_request(request))
        except DownloadCancelledError as exc:
            # The only one who cancels a download under way is the limit: a timeout has an exception of its own.
            limit = request.meta.get("download_maxsize", self._default_maxsize)
            raise Skipped("too-large", f"expected at most DOWNLOAD_MAXSIZE={limit} bytes, got more") from exc
        except Exception as exc:
            outcome = _outcome_inside(exc)
            if outcome is None:
                raise
            if isinstance(outcome, ForbiddenAddress) and self._crawler.stats:
                self._crawler.stats.inc_value("network/forbidden")
            raise outcome from None


def _outcome_inside(exc: BaseException) -> Outcome | None:
    """What our own guards raised, where Twisted wrapped it into something else."""
    seen: list[BaseException | None] = [exc]
    for item in seen:
        if isinstance(item, Outcome):
            return item
        if item is not None and len(seen) < 20:
            seen += [f.value for f in getattr(item, "reasons", None) or [] if hasattr(f, "value")]
            seen.append(item.__cause__)
    return None
