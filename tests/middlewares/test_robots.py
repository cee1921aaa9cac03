"""Robots in a real crawl, and alone."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.middlewares.outcomes import Failed, Postponed, Skipped
from crawlers.middlewares.robots import META_RIGHTS, RobotsMiddleware
from crawlers.middlewares.robotsfile import MAX_BYTES
from tests.crawl import crawl
from tests.server import Asked, Reply, Site

if TYPE_CHECKING:
    from collections.abc import Callable


def test_disallowed_pages_are_skipped_and_allowed_ones_know_why(site: Site) -> None:
    site.robots = "User-agent: *\nDisallow: /item/2\n"
    result = crawl([site.url("/item/1"), site.url("/item/2")])
    assert result.of(site.url("/item/2")).kind == "Skipped"
    assert result.of(site.url("/item/2")).reason == "robots"
    rights = result.of(site.url("/item/1")).meta[META_RIGHTS]
    assert rights == {"robots": "allowed by robots.txt (User-agent: *)", "signals": []}
    assert not site.asked("/item/2")


def test_robots_is_asked_once_per_origin(site: Site) -> None:
    crawl(site.urls())
    assert len(site.asked("/robots.txt")) == 1
    assert site.log[0].path == "/robots.txt"


def test_a_redirect_to_a_disallowed_page_is_not_followed(site: Site) -> None:
    site.robots = "User-agent: *\nDisallow: /item\n"
    result = crawl([site.url("/redirect-to?url=/item/1")])
    assert result.ends[0].reason == "robots"
    assert not site.asked("/item")


@pytest.mark.parametrize("status", [404, 403, 410, 401])
def test_no_robots_txt_allows_everything(site: Site, status: int) -> None:
    site.robots = status
    end = crawl([site.url("/item/1")]).ends[0]
    assert end.status == 200
    assert end.meta[META_RIGHTS]["robots"] == f"allowed: no robots.txt ({status})"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_unreachable_robots_txt_forbids_everything_in_the_end(site: Site, status: int) -> None:
    site.robots = status
    end = crawl([site.url("/item/1")], {"ROBOTS_PATIENCE": 1.5}).ends[0]
    assert (end.kind, end.reason) == ("Skipped", "robots-unreachable")
    assert str(status) in end.detail
    assert not site.asked("/item")
    assert 2 <= len(site.asked("/robots.txt")) <= 3


def test_robots_txt_that_comes_back_lets_the_pages_through(site: Site) -> None:
    answers = iter([Reply(503), Reply(503)])
    site.add("/robots.txt", lambda asked: next(answers, Reply(200, b"User-agent: *\nDisallow: /item/2", "text/plain")))
    result = crawl([site.url("/item/1"), site.url("/item/2")])
    assert [end.reason for end in sorted(result.ends, key=lambda end: end.url)] == ["", "robots"]


def test_leased_requests_are_given_back_while_robots_txt_is_away(site: Site) -> None:
    site.robots = 503
    request = {"url": site.url("/item/1"), "meta": {"gristmill_lease": 1}}
    end = crawl([request]).ends[0]
    assert (end.kind, end.reason) == ("Postponed", "robots-unreachable")
    assert 0 < end.until - end.at < 2


def test_a_host_that_is_not_there_fails_with_its_own_reason() -> None:
    result = crawl(["http://nowhere.test/"], {"TEST_HOSTS": {"nowhere.test": [[]]}, "ROBOTS_PATIENCE": 1})
    assert (result.ends[0].kind, result.ends[0].reason) == ("Failed", "dns")


@pytest.mark.parametrize("line", ["Crawl-delay: 0.4", "Request-rate: 2/1"])
def test_delays_are_kept_between_all_requests_to_the_host(site: Site, line: str) -> None:
    site.robots = f"User-agent: *\n{line}\nAllow: /\n"
    crawl(site.urls()[:6])
    times = [asked.at for asked in site.log]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 6
    assert min(gaps) >= 0.38


def test_a_longer_delay_is_cut(site: Site) -> None:
    site.robots = "User-agent: *\nCrawl-delay: 86400\n"
    assert len(crawl(site.urls()[:3], {"ROBOTS_DELAY_MAX": 0.1}).ends) == 3


def test_signals_about_ai_are_passed_on(site: Site) -> None:
    site.robots = "User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nDisallow: /\n"
    end = crawl([site.url("/item/1")], {"AI_OPTOUT_POLICY": "flag"}).ends[0]
    assert end.meta[META_RIGHTS]["signals"] == [
        ["content-signal", "ai-train=no", True],
        ["robots.txt", "disallows gptbot", True],
    ]


def test_a_huge_robots_txt_is_cut_off_and_obeyed(site: Site) -> None:
    site.robots = b"User-agent: *\nDisallow: /item/2\n" + b"Disallow: /x\n" * 3_000_000
    result = crawl([site.url("/item/1"), site.url("/item/2")])
    assert result.of(site.url("/item/2")).reason == "robots"
    assert result.of(site.url("/item/1")).status == 200
    assert result.stats["robots/truncated"] == 1
    assert result.maxrss_mb < 200


class Flood:
    """A robots.txt of 100 MB, and how much of it was sent before the client hung up."""

    RULES = b"User-agent: *\nDisallow: /item/2\n"
    SIZE = 100 * 1024 * 1024

    def __init__(self, *headers: str, chunked: bool = False) -> None:
        self.head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/plain", *headers, "", ""]).encode()
        self.chunked, self.sent, self.whole = chunked, 0, False

    def __call__(self, asked: Asked) -> object:
        async def write(connection: object) -> None:
            send = connection.send  # type: ignore[attr-defined]
            await send(self.head)
            piece = self.RULES
            while self.sent < self.SIZE:
                await send(b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece)
                self.sent += len(piece)
                piece = (b"Disallow: /x\n" * 5_000)[: self.SIZE - self.sent]
            self.whole = True
            connection.close()  # type: ignore[attr-defined]

        return write


@pytest.mark.parametrize(
    "framing", [f"Content-Length: {Flood.SIZE}", "Transfer-Encoding: chunked", "Connection: close"]
)
def test_a_robots_txt_larger_than_any_limit_is_hung_up_on_and_obeyed(site: Site, framing: str) -> None:
    flood = Flood(framing, chunked="chunked" in framing)
    site.add("/robots.txt", flood)
    result = crawl([site.url("/item/1"), site.url("/item/2")], {"DOWNLOAD_MAXSIZE": 400_000})
    assert result.of(site.url("/item/2")).reason == "robots"
    assert result.of(site.url("/item/1")).meta[META_RIGHTS]["robots"] == "allowed by robots.txt (User-agent: *)"
    assert not site.asked("/item/2")
    assert result.stats["robots/truncated"] == 1
    assert not flood.whole
    assert flood.sent < 30_000_000, "what the kernel's buffers take, and no more"
    assert "larger than" not in result.log


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", lambda data: brotli.compress(data, quality=1)),
     ("zstd", zstandard.compress)],
)  # fmt: skip
def test_a_compressed_robots_txt_is_cut_where_it_is_unpacked(
    site: Site, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(b"User-agent: *\nDisallow: /item/2\n" + b"Disallow: /x\n" * 4_000_000)
    site.add("/robots.txt", body, "text/plain", headers=[("Content-Encoding", coding)])
    result = crawl([site.url("/item/1"), site.url("/item/2")])
    assert result.of(site.url("/item/2")).reason == "robots"
    assert result.of(site.url("/item/1")).status == 200
    assert result.maxrss_mb < 200


def test_what_is_compressed_badly_is_cut_where_it_is_sent(site: Site) -> None:
    text = b"User-agent: *\nDisallow: /item/2\n" + b"".join(b"Disallow: /%x\n" % hash((n, 1)) for n in range(200_000))
    body = gzip.compress(text, 1)
    assert len(body) > MAX_BYTES
    site.add("/robots.txt", body, "text/plain", headers=[("Content-Encoding", "gzip")])
    result = crawl([site.url("/item/1"), site.url("/item/2")])
    assert result.of(site.url("/item/2")).reason == "robots"
    assert result.of(site.url("/item/1")).status == 200
    assert result.stats["robots/truncated"] == 1


def test_the_size_of_a_redirect_does_not_count(site: Site) -> None:
    rules = "User-agent: *\n" + "Disallow: /x\n" * 20_000 + "Disallow: /item/2\n"
    site.add("/elsewhere.txt", rules, "text/plain")
    site.add("/robots.txt", b"x" * 2_000_000, status=302, headers=[("Location", "/elsewhere.txt")])
    assert crawl([site.url("/item/2")]).ends[0].reason == "robots"


def test_a_robots_txt_is_read_whatever_its_header_says_of_ai(site: Site) -> None:
    site.add("/robots.txt", "User-agent: *\nDisallow: /item/2\n", "text/plain", headers=[("X-Robots-Tag", "noai")])
    assert crawl([site.url("/item/2")]).ends[0].reason == "robots"
    assert not site.asked("/item")


def test_a_robots_txt_with_an_endless_header_was_not_read(site: Site) -> None:
    site.add("/robots.txt", "", headers=[("X-Big", "b" * 15_000)] * 20)
    end = crawl([site.url("/item/1")], {"ROBOTS_PATIENCE": 0.5}).ends[0]
    assert (end.kind, end.reason) == ("Skipped", "robots-unreachable")
    assert "header" in end.detail


def test_a_page_larger_than_robots_may_be_is_whole(site: Site) -> None:
    url = site.add("/large", b"x" * 2_000_000)
    request = {"url": url, "meta": {"dont_obey_robotstxt": True}}
    assert crawl([request, site.url("/item/1")]).of(url).size == 2_000_000


def test_a_compressed_robots_txt_is_read(site: Site) -> None:
    body = gzip.compress(b"User-agent: *\nDisallow: /item/2\n")
    site.add("/robots.txt", body, "text/plain", headers=[("Content-Encoding", "gzip")])
    assert crawl([site.url("/item/2")]).ends[0].reason == "robots"


def test_redirected_robots_txt_is_followed_and_a_loop_is_none(site: Site) -> None:
    site.add("/elsewhere.txt", "User-agent: *\nDisallow: /item/2\n", "text/plain")
    site.add("/robots.txt", lambda asked: Reply(301, headers=[("Location", "/elsewhere.txt")]))
    assert crawl([site.url("/item/2")]).ends[0].reason == "robots"
    site.add("/robots.txt", lambda asked: Reply(301, headers=[("Location", "/robots.txt")]))
    assert crawl([site.url("/item/2")]).ends[0].status == 200


def test_off_means_off(site: Site) -> None:
    site.robots = "User-agent: *\nDisallow: /\n"
    result = crawl([site.url("/item/1")], {"ROBOTSTXT_OBEY": False})
    assert result.ends[0].status == 200
    assert not site.asked("/robots.txt")
    with pytest.raises(NotConfigured, match="ROBOTSTXT_OBEY"):
        RobotsMiddleware.from_crawler(get_crawler(settings_dict={"ROBOTSTXT_OBEY": False}))


def test_the_name_to_look_up_can_be_set(site: Site) -> None:
    site.robots = "User-agent: otherbot\nDisallow: /\n"
    assert crawl([site.url("/item/1")]).ends[0].status == 200
    assert crawl([site.url("/item/1")], {"ROBOTSTXT_USER_AGENT": "OtherBot"}).ends[0].reason == "robots"


def test_a_slow_robots_txt_does_not_keep_another_site_waiting(site: Site) -> None:
    def slowly(asked: Asked) -> object:
        async def write(connection: object) -> None:
            await asyncio.sleep(3)
            await connection.send(Reply(404).encode())  # type: ignore[attr-defined]

        return write

    site.add("/robots.txt", slowly)
    with Site(host="127.0.0.77") as other:
        leased = [{"url": site.url(f"/item/{n}"), "meta": {"gristmill_lease": n}} for n in range(1, 20)]
        result = crawl([*leased, *other.urls()[:5]])
    given_back = [end for end in result.ends if end.kind == "Postponed"]
    assert len(given_back) >= 15  # those that came in the third second found the file
    assert {end.reason for end in given_back} == {"robots-unreachable"}
    assert sum(end.status == 200 and "127.0.0.77" in end.url for end in result.ends) == 5


# --- alone ------------------------------------------------------------------------------------------------------------


class Source:
    """Answers robots.txt in order, and counts."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def text(body: bytes, status: int = 200) -> Response:
    return Response("http://a/robots.txt", status=status, body=body)


def test_many_requests_at_once_ask_once() -> None:
    source = Source(text(b"User-agent: *\nDisallow: /no"))
    robots = RobotsMiddleware(source)

    async def together() -> list[object]:
        requests = [Request(f"http://a/{'no' if n % 2 else 'yes'}{n}") for n in range(20)]
        return await asyncio.gather(*map(robots.process_request, requests), return_exceptions=True)

    results = asyncio.run(together())
    assert source.asked == 1
    assert [isinstance(r, Skipped) for r in results] == [bool(n % 2) for n in range(20)]


def test_a_file_is_asked_for_again_after_its_lifetime() -> None:
    source = Source(text(b"", 404))
    robots = RobotsMiddleware(source, lifetime=0.05)

    async def twice() -> None:
        await robots.process_request(Request("http://a/1"))
        await robots.process_request(Request("http://a/2"))
        await asyncio.sleep(0.06)
        await robots.process_request(Request("http://a/3"))

    asyncio.run(twice())
    assert source.asked == 2


def test_other_schemes_and_exempt_requests_are_let_through() -> None:
    source = Source(RuntimeError("must not be asked"))
    robots = RobotsMiddleware(source)
    asyncio.run(robots.process_request(Request("sql://table?page=1")))
    asyncio.run(robots.process_request(Request("http://a/", meta={"dont_obey_robotstxt": True})))
    assert source.asked == 0


def test_an_unexpected_error_is_unreachable_not_a_loop() -> None:
    source = Source(RuntimeError("?"))
    robots = RobotsMiddleware(source, patience=0.0)
    with pytest.raises(Failed, match=r"\?"):
        asyncio.run(robots.process_request(Request("http://a/")))
    assert source.asked == 1


def test_a_host_s_own_window_is_waited_for() -> None:
    request = Request("http://a/", meta={"gristmill_lease": 1})
    until = time.time() + 100
    robots = RobotsMiddleware(Source(Postponed(request, until, "retry-after", "later")))
    with pytest.raises(Postponed) as caught:
        asyncio.run(robots.process_request(request))
    assert caught.value.until == until
    assert request.meta["gristmill_retry_at"] == until


def test_origins_are_kept_in_bounded_number() -> None:
    robots = RobotsMiddleware(Source(text(b"", 404)))

    async def many() -> None:
        for n in range(5_100):
            await robots.process_request(Request(f"http://host{n}/"))

    asyncio.run(many())
    assert len(robots._known) <= 5_000
