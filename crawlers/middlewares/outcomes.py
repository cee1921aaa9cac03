"""How a request ends when its callback does not run: skipped on purpose, given back for later, or failed with a reason.

Middlewares raise what stands here; the scheduler writes it into the ledger. Everything else that Scrapy, Twisted or
OpenSSL may raise is named by :func:`reason_of`, so that each URL ends with a slug that people can count and filter by.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from OpenSSL import SSL
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.internet import error as tx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy import Request
    from scrapy.http import Response

CUT = "cut"
"""Reason of an answer that ends in its middle, and flag of one that does so in its compressed form."""

TEMPORARY = frozenset({"dns", "timeout", "refused", "reset", "unreachable", CUT, "tls", "bad-answer"})
"""Reasons that may pass by themselves."""

_MARK = "skip_reason"


class Outcome(IgnoreRequest):
    """Base: a request whose callback will not run.

    Args:
        reason: slug that people count and filter by.
        detail: one sentence for a person: expected, got, what to do.
        response: the answer, where there was one.
    """

    def __init__(self, reason: str, detail: str = "", response: Response | None = None) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.response = response


class Skipped(Outcome):
    """The request is not made, or its answer not used, on purpose: robots, opt-out, trap and so on."""


class Failed(Outcome):
    """The request was given up."""


class CutShort(Failed):
    """An answer that ends or breaks in its middle, in its compressed form."""

    def __init__(self, response: Response) -> None:
        super().__init__(
            CUT,
            f"expected a whole body from {response.url}, got one that ends or breaks in the middle of its compressed form; "
            "DOWNLOAD_FAIL_ON_DATALOSS=False takes what there is",
            response,
        )


class Postponed(Outcome):
    """The request goes back to the frontier and is not claimed before *until*.

    Args:
        request: what is given back.
        until: Unix seconds.
        reason: slug: retry-after, host-down, robots-unreachable, or the failure that is retried.
        detail: one sentence for a person.
    """

    def __init__(self, request: Request, until: float, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.request = request
        self.until = until


def mark(request: Request, reason: str, detail: str = "") -> Request:
    """Have *request* recorded and skipped instead of fetched; for spider middlewares, which could only drop it."""
    request.meta[_MARK] = [reason, detail]
    return request


def marked(request: Request) -> tuple[str, str] | None:
    """Reason and detail that :func:`mark` left on *request*, or None."""
    value = request.meta.get(_MARK)
    return (str(value[0]), str(value[1])) if value else None


def reason_of(problem: BaseException | int | None) -> tuple[str, str]:
    """Slug and sentence for an exception of the downloader or an HTTP status."""
    if problem is None:
        return "unknown", ""
    if isinstance(problem, int):
        return f"http-{problem}", f"the site answered {problem}"
    if isinstance(problem, Outcome):
        return problem.reason, problem.detail
    if isinstance(problem, HttpError):
        return reason_of(int(problem.response.status))
    slug = next(filter(None, map(_slug, _causes(problem))), "unknown")
    return slug, f"{type(problem).__name__}: {problem}".rstrip(": ")


_BY_TYPE: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
    ("dns", (CannotResolveHostError, tx.DNSLookupError, socket.gaierror)),
    ("timeout", (DownloadTimeoutError, tx.TimeoutError, TimeoutError)),
    ("refused", (DownloadConnectionRefusedError, tx.ConnectionRefusedError, ConnectionRefusedError)),
    (CUT, (ResponseDataLossError,)),
    ("tls", (SSL.Error, tx.VerifyError)),
    ("forbidden-scheme", (UnsupportedURLSchemeError, NotSupported)),
    ("reset", (tx.ConnectionLost, tx.ConnectionDone, tx.ConnectionAborted, ConnectionError)),
    ("unreachable", (tx.ConnectError, OSError)),
)

_BY_TEXT: tuple[tuple[type[BaseException], str, str], ...] = (
    (DownloadCancelledError, "max size", "too-large"),
    (DownloadCancelledError, "", "too-large"),
    (IgnoreRequest, "max redirections", "redirect-loop"),
    (IgnoreRequest, "offsite", "offsite"),
    (IgnoreRequest, "decompress", "too-large"),
    (IgnoreRequest, "robots.txt", "robots"),
)


def _slug(problem: BaseException) -> str | None:
    if isinstance(problem, Outcome):
        return problem.reason
    for slug, types in _BY_TYPE:
        if isinstance(problem, types):
            return slug
    text = str(problem)
    for kind, part, slug in _BY_TEXT:
        if isinstance(problem, kind) and part in text:
            return slug
    # Twisted's parser raises exceptions of many kinds on bytes that are not HTTP, all from one package.
    return "bad-answer" if type(problem).__module__.startswith("twisted.web") and _childless(problem) else None


def _childless(problem: BaseException) -> bool:
    return not getattr(problem, "reasons", None)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """*problem*, then what caused it: a reset is told apart inside the wrappers of Scrapy and Twisted."""
    chain, seen = [problem], {id(problem)}
    for item in chain:
        inner = [f.value for f in getattr(item, "reasons", None) or [] if hasattr(f, "value")]
        for cause in (*inner, item.__cause__):
            if cause is not None and id(cause) not in seen:
                seen.add(id(cause))
                chain.append(cause)
    return iter(chain)
