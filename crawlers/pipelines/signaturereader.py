"""The ledger as the deduplication index sees it: signatures that are kept, and the texts behind them."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from crawlers.hashing import canonical_json
from crawlers.ledger import records, signatures
from crawlers.ledger.database import open_database, serialize
from crawlers.ledger.settlement import Signature
from crawlers.pipelines.clashes import clashing
from crawlers.pipelines.normal import normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from crawlers.ledger.database import Database
    from crawlers.pipelines.nearduplicates import DuplicateIndex

logger = logging.getLogger(__name__)

_BATCH = 500
_VIEW_SECONDS = 0.2


class SignatureReader:
    """Fills a :class:`~crawlers.pipelines.nearduplicates.DuplicateIndex` from the ledger and keeps it up to date.

    Args:
        url: of the ledger.
        source: only signatures of this source; None: of all.
        refresh: seconds after which what was committed since is taken in.
        timeout: seconds to wait for a locked or restarting database.
    """

    def __init__(self, url: str, *, source: str | None = None, refresh: float = 1.0, timeout: float = 60.0) -> None:
        self._url = url
        self._source = source
        self._interval = refresh
        self._timeout = timeout
        self._database: Database | None = None
        self._view: Connection | None = None
        self._view_until = 0.0
        self._open_view = ExitStack()
        self._seq = 0
        self._due = 0.0

    def open(self, index: DuplicateIndex) -> None:
        """Open the ledger and read everything; sign anew what was signed with other parameters."""
        self._database = open_database(self._url, timeout=self._timeout)
        with self._database.read() as conn:
            outdated = index.load(self._rows(conn))
        if outdated:
            logger.info(
                "Signing %d texts anew: the deduplication settings have changed, or how a text is signed", len(outdated)
            )
            for start in range(0, len(outdated), _BATCH):
                self._database.run(_sign_and_store, index, outdated[start : start + _BATCH])
        self._due = time.monotonic() + self._interval

    def _rows(self, conn: Connection) -> Iterator[tuple[str, str, bytes, bytes]]:
        for seq, record_id, source, text_hash, bands in signatures.since(conn, self._seq):
            self._seq = seq
            if self._source in {None, source}:
                yield record_id, source, text_hash, bands

    def refresh(self, index: DuplicateIndex) -> None:
        """From time to time: take in what this and other workers have committed since."""
        if self._database is None or time.monotonic() < self._due:
            return
        self._close_view()
        with self._database.read() as conn:
            outdated = [row[0] for row in self._rows(conn) if not index.stored(*row)]
        if outdated:
            self._sign(index, outdated)
        self._due = time.monotonic() + self._interval

    def clashes(self, index: DuplicateIndex, crawl_id: int) -> set[str]:
        """Ids of what the crawl *crawl_id* kept that looks like something else it kept."""
        assert self._database is not None
        self._due = 0.0
        self.refresh(index)
        with self._database.read() as conn:
            return clashing(index, signatures.of_crawl(conn, crawl_id))

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The stored texts of *ids*, as of some moments ago: what is newer the index still has itself.

        Duplicates come in swarms, and a transaction costs five times what reading a text in it does. So one view of
        the database is used for a while; no longer, because SQLite cannot shorten its log under an open view.
        """
        if self._database is None:
            return {}
        now = time.monotonic()
        if self._view is None or now >= self._view_until:
            self._close_view()
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                with self._database.read() as conn:
                    return records.texts(conn, ids)
            self._view = self._open_view.enter_context(self._database.read())
            self._view_until = now + _VIEW_SECONDS
            self._open_view.callback(loop.call_later(_VIEW_SECONDS, self._close_view).cancel)
        return records.texts(self._view, ids)

    def close(self) -> None:
        """Close the ledger."""
        self._close_view()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _close_view(self) -> None:
        self._view = None
        self._open_view.close()

    def _sign(self, index: DuplicateIndex, ids: Sequence[str]) -> None:
        """Sign in memory what another worker signed with other settings: its texts count here all the same."""
        assert self._database is not None
        with self._database.read() as conn:
            _signed(conn, index, ids)


def _sign_and_store(conn: Connection, index: DuplicateIndex, ids: Sequence[str]) -> None:
    """Sign in the ledger too: no record may change meanwhile, and another worker may be about the same."""
    serialize(conn)
    made = _signed(conn, index, signatures.among(conn, ids))
    signatures.put(conn, [one for one, _ in made], {one.record_id: source for one, source in made})


def _signed(conn: Connection, index: DuplicateIndex, ids: Sequence[str]) -> list[tuple[Signature, str]]:
    """New signatures of those of *ids* that are there, each with its source; the index has them then."""
    made = []
    for body in filter(None, (records.get(conn, record_id) for record_id in ids)):
        addresses = [media.get("sha256") or media.get("url") for media in body["media"]]
        signed = index.sign(body["text"] or "", partial(identity, body["title"], body["fields"], addresses))
        bands = index.stored_bands(signed)
        index.stored(body["id"], body["source"], signed.hash, bands)
        made.append((Signature(body["id"], signed.hash, bands), body["source"]))
    return made


def identity(title: str | None, fields: dict[str, Any], media: list[str | None]) -> bytes:
    """What tells records apart whose text says too little."""
    return canonical_json([normal(title or ""), fields, media])
