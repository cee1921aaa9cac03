"""What one page leaves behind: collected while its callback and its items run, committed as one transaction.

A :class:`Settlement` is opened when a leased request's answer reaches the spider, is found by everything that runs
on behalf of that page through :data:`current`, and is closed when the callback is exhausted and each of its items
has been stored or rejected. ``commit.py`` writes closed settlements, many in one transaction, each of them whole.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawlers.errors import Rejected
    from crawlers.items import Record

PENDING, LEASED, DONE, FAILED, SKIPPED = "pending", "leased", "done", "failed", "skipped"

LIST = "list"
"""Reason of an answered page that was taken for a list, from which no record is made: it only leads to others."""

STATES = (PENDING, LEASED, DONE, FAILED, SKIPPED)


@dataclass(slots=True)
class Entry:
    """A request on its way into the frontier."""

    fingerprint: str
    url: str
    host: str
    payload: str
    """What the request has besides its URL, as JSON text."""
    priority: int = 0
    depth: int = 0
    available_at: float = 0.0
    """Unix seconds before which it is not claimed."""
    skipped: str | None = None
    """Slug of the reason, for a URL that is recorded and will not be fetched."""
    detail: str | None = None


@dataclass(slots=True)
class Lease:
    """A request that this worker holds."""

    id: int
    fingerprint: str
    url: str
    host: str
    payload: str
    priority: int
    depth: int
    attempts: int
    """How often it was claimed before."""


@dataclass(slots=True)
class Signature:
    """A kept record's row in the deduplication index."""

    record_id: str
    text_hash: bytes
    """First 16 bytes of sha256 of the normalised text."""
    bands: bytes
    """One 8-byte key per LSH band, little endian; empty where the text is too short."""


@dataclass(slots=True)
class Displaced:
    """A kept record that gives way to a duplicate which precedes it."""

    record_id: str
    by: str
    """Id of the record that is kept instead; nothing happens where it is not kept in the end."""
    rejected: Rejected
    """What the displaced record is rejected with."""
    text_hash: bytes | None = None
    """Of the text that was compared: a record that has another one by now stays. None: it was no text."""


@dataclass(slots=True)
class Answer:
    """The last good answer of a URL: validators for the next crawl, and the capture that refine reads."""

    fingerprint: str
    url: str
    status: int
    headers: str
    """JSON: name to list of values."""
    encoding: str | None
    etag: str | None
    last_modified: str | None
    request: str
    """The request's payload."""
    fetched_at: str
    body_sha256: str | None = None
    body: bytes | None = None
    """The body as the spider saw it, uncompressed; None where nothing new is to be stored."""


@dataclass(slots=True)
class Settlement:
    """Everything that one request leaves behind."""

    lease: Lease | None
    """None for items that a spider yields from ``start()`` without a request."""
    state: str = DONE
    """done, failed, skipped, or pending to give the request back."""
    reason: str | None = None
    """Slug; always there for failed and skipped."""
    detail: str | None = None
    status: int | None = None
    """HTTP status, where there was an answer."""
    available_at: float = 0.0
    """For pending: Unix seconds before which the request is not claimed again."""
    records: list[Record] = field(default_factory=list)
    """Sealed records, to be stored, touched or versioned."""
    rejections: list[tuple[Record, Rejected]] = field(default_factory=list)
    children: list[Entry] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    displaced: list[Displaced] = field(default_factory=list)
    answer: Answer | None = None
    closed: bool = False
    """True once nothing more may be added: what still runs then no longer speaks for this page."""
    gone: bool = False
    """True for 404 and 410: the records that were found on this page before are marked gone."""
    memo: dict[str, object] = field(default_factory=dict)
    """What pipelines remember of this page from one of its items to the next; nothing of it is written."""

    def fail(self, reason: str, detail: str | None = None) -> None:
        """Record that the request failed; the first reason given stays."""
        if self.state == DONE:
            self.state, self.reason, self.detail = FAILED, reason, detail

    def skip(self, reason: str, detail: str | None = None) -> None:
        """Record that the request was skipped on purpose; the first reason given stays."""
        if self.state == DONE:
            self.state, self.reason, self.detail = SKIPPED, reason, detail


current: ContextVar[Settlement | None] = ContextVar("settlement", default=None)
"""The settlement of the page on whose behalf the running code works."""
