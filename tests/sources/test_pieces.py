"""Pieces are asked of the spider on a thread; what cannot be read now is asked again, and in the end stops the run."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import Settings
from scrapy.utils.test import get_crawler

from crawlers.errors import ArgumentError, GristmillError
from crawlers.ledger.requests import META_LEASE, entry_of
from crawlers.middlewares.outcomes import Failed, Postponed
from crawlers.sources.pieces import Piece, PieceDownloadHandler, PieceSource, SourceUnavailable


class Shelf(PieceSource):
    name = "book_shelf"
    scheme = "shelf"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.asked = []
        self.answers = []

    def read_piece(self, path, query):
        self.asked.append((path, query, threading.current_thread()))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Counter:
    def __init__(self):
        self.values = {}

    def inc_value(self, name):
        self.values[name] = self.values.get(name, 0) + 1


class Engine:
    def __init__(self):
        self.closed = []

    async def close_spider_async(self, *, reason):
        self.closed.append(reason)


@pytest.fixture
def spider():
    return Shelf()


@pytest.fixture
def handler(spider):
    crawler = SimpleNamespace(spider=spider, stats=Counter(), engine=Engine())
    return PieceDownloadHandler(crawler, times=2, backoff=10.0, backoff_max=15.0)


def get(handler, request):
    async def ask():
        try:
            return await handler.download_request(request)
        except Exception as exc:
            return exc
        finally:
            await asyncio.sleep(0)  # what was started meanwhile

    return asyncio.run(ask())


def leased(spider, path="a"):
    request = spider.piece_request(path)
    request.meta[META_LEASE] = 1
    return request


def test_an_answer_is_a_response_with_the_way_to_the_next(spider, handler):
    spider.answers = [Piece(b"{}\n", following={"after": '["ä&=", 1]'}, headers={"X-More": "1"})]
    response = get(handler, spider.piece_request("a%20b", {"start": "5"}))
    assert (response.status, response.body) == (200, b"{}\n")
    assert response.headers["Content-Type"] == b"application/x-ndjson"
    assert response.headers["X-More"] == b"1"
    path, query, thread = spider.asked[0]
    assert (path, query) == ("a%20b", {"start": "5"})
    assert thread is not threading.main_thread()
    spider.answers = [Piece(b"")]
    following = spider.following(response)
    get(handler, following)
    assert spider.asked[1][:2] == ("a%20b", {"after": '["ä&=", 1]'})


def test_after_the_last_piece_nothing_follows(spider, handler):
    spider.answers = [Piece(b"")]
    assert spider.following(get(handler, spider.piece_request("a"))) is None


def test_addresses_have_hosts_that_can_be_hosts(spider):
    assert spider.piece_url("a", {"b": "c d"}) == "shelf://book-shelf/a?b=c+d"


def test_requests_of_pieces_can_be_stored(spider):
    entry = entry_of(spider.piece_request("a"), spider, "f")
    assert (entry.url, entry.host) == ("shelf://book-shelf/a", "book-shelf")


def test_what_cannot_be_read_now_is_asked_again_later_and_later(spider, handler, monkeypatch):
    monkeypatch.setattr("crawlers.sources.pieces.time.time", lambda: 1000.0)
    spider.answers = [
        SourceUnavailable("locked"),
        SourceUnavailable("locked"),
        Piece(b"x"),
        SourceUnavailable("locked"),
    ]
    first, second = get(handler, leased(spider)), get(handler, leased(spider))
    assert (first.until, first.reason, first.detail) == (1010.0, "source-unavailable", "locked")
    assert second.until == 1015.0
    assert get(handler, leased(spider)).body == b"x"
    assert get(handler, leased(spider)).until == 1010.0
    assert handler.crawler.engine.closed == []
    assert handler.crawler.stats.values == {"pieces/unavailable": 3}


def test_in_the_end_the_run_stops_and_the_piece_stays_in_the_frontier(spider, handler, caplog):
    spider.answers = [SourceUnavailable("locked") for _ in range(6)]
    outcomes = [get(handler, leased(spider)) for _ in range(4)]
    assert all(isinstance(outcome, Postponed) for outcome in outcomes)
    assert handler.crawler.engine.closed == ["source-unavailable"]
    assert "locked. The run stops here" in caplog.text


def test_pieces_are_counted_apart(spider, handler):
    spider.answers = [SourceUnavailable("locked") for _ in range(4)]
    for path in "abab":
        get(handler, leased(spider, path))
    assert handler.crawler.engine.closed == []


def test_without_a_frontier_the_error_comes_through(spider, handler):
    spider.answers = [SourceUnavailable("locked")]
    assert isinstance(get(handler, spider.piece_request("a")), SourceUnavailable)


@pytest.mark.parametrize("error", [Failed("no-file", "gone"), GristmillError("broken")])
def test_other_errors_are_the_piece_s_own(spider, handler, error):
    spider.answers = [error]
    assert get(handler, leased(spider)) is error
    assert handler.crawler.engine.closed == []


def test_an_outcome_is_not_retried_by_scrapy():
    assert issubclass(Postponed, IgnoreRequest)


def test_a_source_without_a_reader_says_so():
    with pytest.raises(GristmillError, match="Bare has no method read_piece"):
        type("Bare", (PieceSource,), {"name": "bare"})().read_piece("a", {})


class Picky(Shelf):
    name = "picky"

    def check(self):
        raise ArgumentError("picky: no shelf")


@pytest.mark.parametrize("mode", ["crawl"])
def test_a_crawl_looks_before_it_leaps(mode):
    with pytest.raises(ArgumentError, match="no shelf"):
        Picky.from_crawler(get_crawler(Picky, {"GRISTMILL_MODE": mode}))


@pytest.mark.parametrize("mode", ["refine", "readmit", None])
def test_what_reads_only_the_ledger_does_not(mode):
    assert Picky.from_crawler(get_crawler(Picky, {"GRISTMILL_MODE": mode})).name == "picky"


def test_settings_are_those_of_the_web():
    crawler = SimpleNamespace(settings=Settings({"RETRY_TIMES": 3, "RETRY_BACKOFF": 1, "RETRY_BACKOFF_MAX": 5}))
    handler = PieceDownloadHandler.from_crawler(crawler)
    assert (handler._times, handler._backoff, handler._backoff_max) == (3, 1.0, 5.0)


def test_requests_go_to_a_piece_handler():
    from crawlers import settings

    assert settings.DOWNLOAD_HANDLERS["sql"] == settings.DOWNLOAD_HANDLERS["folder"]
    assert Request("sql://a/b").url == "sql://a/b"
