"""Each way a request can end has a slug."""

from __future__ import annotations

import socket

import pytest
from OpenSSL import SSL
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from crawlers.middlewares.outcomes import Failed, Postponed, Skipped, mark, marked, reason_of


def wrapped(inner: Exception) -> Exception:
    """As Scrapy raises what Twisted raised."""
    outer = DownloadFailedError("…")
    outer.__cause__ = ResponseNeverReceived([Failure(inner)])
    return outer


CASES = [
    (None, "unknown"),
    (404, "http-404"),
    (HttpError(Response("http://a", status=503)), "http-503"),
    (CannotResolveHostError("x"), "dns"),
    (socket.gaierror("x"), "dns"),
    (DownloadTimeoutError("x"), "timeout"),
    (TimeoutError(), "timeout"),
    (DownloadConnectionRefusedError("x"), "refused"),
    (wrapped(ConnectionLost("x")), "reset"),
    (wrapped(ConnectionDone()), "reset"),
    (ConnectionResetError(), "reset"),
    (wrapped(SSL.Error([("a", "b", "certificate verify failed")])), "tls"),
    (wrapped(ParseError("wrong number of parts", b"")), "bad-answer"),
    (ResponseDataLossError(), "cut"),
    (ConnectError("no route"), "unreachable"),
    (OSError("no route"), "unreachable"),
    (DownloadCancelledError("… larger than download max size (5) …"), "too-large"),
    (IgnoreRequest("max redirections reached"), "redirect-loop"),
    (IgnoreRequest("Filtered offsite request to …"), "offsite"),
    (IgnoreRequest("Forbidden by robots.txt"), "robots"),
    (NotSupported("Unsupported URL scheme"), "forbidden-scheme"),
    (Skipped("trap", "because"), "trap"),
    (Failed("dns", "because"), "dns"),
    (RuntimeError("what?"), "unknown"),
]


@pytest.mark.parametrize(("problem", "slug"), CASES, ids=[f"{slug}-{n}" for n, (_, slug) in enumerate(CASES)])
def test_each_problem_has_its_slug(problem: BaseException | int | None, slug: str) -> None:
    assert reason_of(problem)[0] == slug


def test_the_detail_names_the_exception() -> None:
    assert reason_of(RuntimeError("what?"))[1] == "RuntimeError: what?"
    assert reason_of(RuntimeError())[1] == "RuntimeError"
    assert reason_of(Skipped("trap", "because")) == ("trap", "because")
    assert reason_of(404) == ("http-404", "the site answered 404")


def test_causes_in_a_circle_end() -> None:
    one, two = RuntimeError("1"), RuntimeError("2")
    one.__cause__, two.__cause__ = two, one
    assert reason_of(one)[0] == "unknown"


def test_an_empty_response_failed_is_no_bad_answer() -> None:
    assert reason_of(ResponseFailed([Failure(ConnectionLost())]))[0] == "reset"


def test_outcomes_carry_what_the_ledger_writes() -> None:
    request = Request("http://a/")
    later = Postponed(request, 123.5, "timeout", "slow")
    assert (later.request, later.until, later.reason, later.detail) == (request, 123.5, "timeout", "slow")
    assert isinstance(later, IgnoreRequest)
    response = Response("http://a/", status=429)
    assert Skipped("opt-out", response=response).response is response
    assert str(Failed("dns")) == "dns"


def test_a_mark_survives_in_the_meta_of_the_request() -> None:
    request = Request("http://a/")
    assert marked(request) is None
    assert mark(request, "trap", "endless") is request
    assert marked(request) == ("trap", "endless")
    assert marked(Request("http://a/", meta=dict(request.meta))) == ("trap", "endless")
