"""The guarded download handler in a real crawl: nothing reaches a canary, whatever leads there."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from scrapy import Request
from scrapy.core.downloader.handlers.http11 import _ScrapyAgent
from scrapy.utils.test import get_crawler
from twisted.internet.testing import MemoryReactorClock
from twisted.web.client import URI, BrowserLikePolicyForHTTPS
from twisted.web.http_headers import Headers as TwistedHeaders
from twisted.web.iweb import UNKNOWN_LENGTH

from crawlers.middlewares import downloads
from crawlers.middlewares.downloads import ForbiddenAddress, GuardedReactor
from crawlers.network import AddressPolicy
from tests.addresses import FORBIDDEN, LOOPBACK
from tests.crawl import crawl
from tests.server import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

# The site itself is on an address of the loopback network that the canary is not on.
ALLOWED = {"NETWORK_ALLOW": "127.0.0.77"}


class Canary:
    """Listens on every local address, and counts who comes."""

    def __init__(self) -> None:
        self.sockets = [socket.create_server(("0.0.0.0", 0))]
        self.port = self.sockets[0].getsockname()[1]
        if socket.has_dualstack_ipv6():
            self.sockets.append(socket.create_server(("::", self.port), family=socket.AF_INET6))
        self.visits: list[str] = []
        for sock in self.sockets:
            threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def _accept(self, sock: socket.socket) -> None:
        while True:
            try:
                connection, peer = sock.accept()
            except OSError:
                return
            self.visits.append(peer[0])
            connection.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    for sock in listening.sockets:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


@contextmanager
def site_of_its_own() -> Iterator[Site]:
    with Site(pages=5, host="127.0.0.77") as running:
        yield running


def test_the_canary_sings(canary: Canary) -> None:
    with socket.create_connection(("127.0.0.1", canary.port)) as visitor:
        visitor.recv(1)
    assert canary.visits


def test_start_requests_to_every_form_of_a_forbidden_address(canary: Canary) -> None:
    urls = [f"http://{host}:{canary.port}/{n}" for n, host in enumerate(FORBIDDEN)]
    result = crawl(urls, {"NETWORK_ALLOW": ""})
    assert canary.visits == []
    assert len(result.ends) == len(urls)
    assert {end.kind for end in result.ends} <= {"ForbiddenAddress", "Failed", "Skipped"}
    assert sum(end.reason == "forbidden-address" for end in result.ends) >= len(urls) - 3
    assert all("NETWORK_ALLOW" in end.detail for end in result.ends if end.reason == "forbidden-address")


def test_redirects_links_images_and_refreshes_to_forbidden_addresses(canary: Canary) -> None:
    with site_of_its_own() as site:
        targets = [f"http://{host}:{canary.port}/" for host in LOOPBACK if "%" not in host]
        links = "".join(f'<a href="{t}a">x</a><img src="{t}i">' for t in targets)
        start = site.add("/links", f"<html><body>{links}</body></html>")
        redirects = [site.url(f"/redirect-to?url={quote(t)}") for t in targets]
        refreshes = [site.url(f"/meta-refresh?url={quote(t)}") for t in targets]
        result = crawl([start, *redirects, *refreshes], ALLOWED, follow=True)
    assert canary.visits == []
    assert result.stats["guard/skipped/forbidden-address"] > 3 * 20
    assert {end.reason for end in result.ends} <= {"", "forbidden-address", "dns", "http-302", "bad-answer", "unknown"}


def test_robots_txt_that_redirects_to_a_forbidden_address(canary: Canary) -> None:
    with site_of_its_own() as site:
        from tests.server import Reply

        site.add("/robots.txt", lambda asked: Reply(302, headers=[("Location", f"http://127.0.0.1:{canary.port}/")]))
        result = crawl([site.url("/item/1")], ALLOWED)
    assert canary.visits == []
    assert result.ends[0].status == 200


def test_a_name_that_resolves_to_forbidden_addresses(canary: Canary) -> None:
    hosts = {"one.test": [["127.0.0.1"]], "six.test": [["::1"]], "two.test": [["10.0.0.1", "127.0.0.1"]]}
    urls = [f"http://{name}:{canary.port}/" for name in hosts]
    result = crawl(urls, {"NETWORK_ALLOW": "", "TEST_HOSTS": hosts, "ROBOTSTXT_OBEY": False})
    assert canary.visits == []
    assert [end.reason for end in result.ends] == ["forbidden-address"] * 3
    assert result.stats["network/forbidden"] == 3


def test_a_name_that_resolves_differently_the_second_time(canary: Canary) -> None:
    with site_of_its_own() as site:
        # Robots.txt is fetched from an allowed address; by the time of the page the name leads to the canary's.
        hosts = {"rebind.test": [["127.0.0.77"], ["127.0.0.1"]]}
        site.add("/robots.txt", "User-agent: *\nAllow: /", "text/plain", headers=[("Connection", "close")])
        settings = {**ALLOWED, "TEST_HOSTS": hosts}
        result = crawl([f"http://rebind.test:{site.port}/item/1", f"http://rebind.test:{canary.port}/"], settings)
        assert site.asked("/robots.txt")
    assert canary.visits == []
    assert "forbidden-address" in {end.reason for end in result.ends}


def test_an_allowed_address_of_a_name_is_used_where_another_is_forbidden() -> None:
    with site_of_its_own() as site:
        hosts = {"both.test": [["127.0.0.1", "127.0.0.77"]]}
        result = crawl([f"http://both.test:{site.port}/item/1"], {**ALLOWED, "TEST_HOSTS": hosts})
    assert result.ends[0].status == 200


def test_a_proxy_of_the_user_may_be_anywhere_but_literal_targets_are_still_checked() -> None:
    with Site() as proxy:
        proxy.add("http://example.test/page", "through the proxy")
        proxy.add("/page", "through the proxy")
        through = {"meta": {"proxy": proxy.base}}
        result = crawl(
            [{"url": "http://example.test/page", **through}, {"url": "http://169.254.169.254/latest", **through}],
            {"NETWORK_ALLOW": "", "ROBOTSTXT_OBEY": False},
        )
    assert result.of("http://example.test/page").status == 200
    assert result.of("http://169.254.169.254/latest").reason == "forbidden-address"
    assert len(proxy.log) == 1


def test_a_proxy_of_the_environment_is_the_operator_s_word_unless_it_is_switched_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    urls = ["http://example.test/page", "http://169.254.169.254/latest", "http://inside.test/"]
    settings = {
        "NETWORK_ALLOW": "", "ROBOTSTXT_OBEY": False, "RETRY_TIMES": 0,
        "TEST_HOSTS": {"example.test": [["127.0.0.1"]], "inside.test": [["10.0.0.1"]]},
    }  # fmt: skip
    with Site() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base)
        for path in ("/page", "/latest"):
            proxy.add(path, "through the proxy")
        through = crawl(urls, settings)
        assert [through.of(url).status for url in urls] == [200, 0, 200], "what a name leads to is the proxy's matter"
        assert through.of(urls[1]).reason == "forbidden-address"
        proxy.log.clear()
        directly = crawl(urls, {**settings, "HTTPPROXY_ENABLED": False})
        assert [directly.of(url).reason for url in urls] == ["forbidden-address"] * 3
        assert proxy.log == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:text/plain,canary", "ftp://127.0.0.1/x", "s3://bucket/key"]
)
def test_schemes_other_than_the_web_s_are_never_fetched(site: Site, url: str) -> None:
    page = site.add("/links", f'<a href="{url}">x</a>')
    result = crawl([url, page, site.url(f"/redirect-to?url={quote(url)}")], follow=True)
    ends = [end for end in result.ends if end.url == url]
    assert [end.reason for end in ends] == ["forbidden-scheme"] * len(ends)
    assert len(ends) >= 1
    assert result.of(site.url(f"/redirect-to?url={quote(url)}")).reason == "forbidden-scheme"
    assert not any("root:" in end.body for end in result.ends)


@pytest.mark.parametrize("path", ["/big-headers?bytes=100000", "/big-headers?bytes=9000&count=30", "/endless-headers"])
def test_headers_without_an_end_are_cut_off(site: Site, path: str) -> None:
    result = crawl([site.url(path)])
    assert (result.ends[0].reason, result.ends[0].kind) == ("too-large", "Skipped")
    assert result.seconds < 10


def test_ordinary_large_headers_are_read(site: Site) -> None:
    assert crawl([site.url("/big-headers?bytes=8000&count=10")]).ends[0].status == 200


@pytest.mark.parametrize("path", ["/endless", "/bomb/gzip"])
def test_bodies_beyond_the_limit_are_too_large(site: Site, path: str) -> None:
    result = crawl([site.url(path)], {"DOWNLOAD_MAXSIZE": 500_000})
    assert result.ends[0].reason == "too-large"


def test_a_trickle_ends_with_the_timeout_and_does_not_keep_others_waiting(site: Site) -> None:
    urls = [site.url("/trickle"), *site.urls()[:10]]
    result = crawl(urls, {"DOWNLOAD_TIMEOUT": 1, "RETRY_TIMES": 0})
    assert result.of(site.url("/trickle")).reason == "timeout"
    others = [end.at for end in result.ends if end.status == 200]
    assert len(others) == 10
    assert max(others) < result.of(site.url("/trickle")).at


def test_the_reactor_passes_everything_on_but_forbidden_connections() -> None:
    class Reactor:
        seconds = staticmethod(lambda: 1.0)

        def __init__(self) -> None:
            self.connected: list[tuple[object, ...]] = []

        def connectTCP(self, *args: object, **kwargs: object) -> str:
            self.connected.append(args)
            return "connector"

    reactor = Reactor()
    guarded = GuardedReactor(reactor, AddressPolicy())
    assert guarded.seconds() == 1.0
    assert guarded.connectTCP("8.8.8.8", 80, None) == "connector"
    with pytest.raises(ForbiddenAddress) as caught:
        guarded.connectTCP("fe80::1%eth0", 80, None)
    assert "NETWORK_ALLOW=fe80::1" in str(caught.value)
    with pytest.raises(ForbiddenAddress):
        guarded.connectTCP("a.name.that.was.not.resolved", 80, None)
    assert reactor.connected == [("8.8.8.8", 80, None)]


class Answer:
    """What Twisted knows of an answer once its header was read."""

    def __init__(self, length: object, *lines: tuple[bytes, bytes]) -> None:
        self.length = length
        self.headers = TwistedHeaders()
        for name, value in lines:
            self.headers.addRawHeader(name, value)


def guarded_agent() -> downloads._GuardedAgent:
    return downloads._GuardedAgent(
        guarded=GuardedReactor(MemoryReactorClock(), AddressPolicy()),
        agents={},
        contextFactory=BrowserLikePolicyForHTTPS(),
        crawler=get_crawler(),
    )


@pytest.mark.parametrize("length", [0, 12, UNKNOWN_LENGTH])
def test_headers_are_those_that_scrapy_reads(length: object) -> None:
    lines = (
        (b"etag", b'"x"'),
        (b"SET-COOKIE", b"a=1"),
        (b"x-odd_name.1", b""),
        (b"Set-Cookie", b"b=2"),
        (b"Date", b"\xe9"),
    )
    answer = Answer(length, *lines)
    agent = guarded_agent()
    found = agent._headers_from_twisted_response(answer)
    expected = _ScrapyAgent._headers_from_twisted_response(answer)
    assert dict(found) == dict(expected)
    assert found["ETag"] == b'"x"'
    found.appendlist("Set-Cookie", "c=3")
    assert list(answer.headers.getRawHeaders(b"set-cookie")) == [b"a=1", b"b=2"]
    assert agent._headers_from_twisted_response(answer) is found


def test_endpoints_of_a_host_are_made_once_and_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "ENDPOINTS_MAX", 3)
    monkeypatch.setattr(downloads, "AGENTS_MAX", 2)
    one = guarded_agent()
    agent = one._get_agent(Request("https://a.example/"), 5.0)
    assert one._get_agent(Request("https://b.example/"), 5.0) is agent
    assert one._get_agent(Request("https://b.example/"), 6.0) is not agent
    assert one._get_agent(Request("https://b.example/", meta={"bindaddress": "127.0.0.9"}), 5.0) is not agent
    assert len(one._agents) <= 2
    places = [b"https://a.example/", b"https://a.example:444/", b"http://a.example/", b"https://b.example/"]
    endpoints = [agent._getEndpoint(URI.fromBytes(place)) for place in places]
    assert len(set(map(id, endpoints))) == len(places)
    assert agent._getEndpoint(URI.fromBytes(places[-1] + b"path?x=1")) is endpoints[-1]
    assert len(agent._endpoints) <= 3
