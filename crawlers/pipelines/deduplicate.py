"""Deduplicate: one record of each text is kept, within a run, across runs and across sources."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawlers.errors import ConfigurationError, Rejected
from crawlers.hashing import canonical_json
from crawlers.ledger import records, signatures
from crawlers.ledger.database import database_url, open_database
from crawlers.ledger.settlement import Signature
from crawlers.pipelines.nearduplicates import Duplicate, DuplicateIndex
from crawlers.pipelines.normal import folded, normal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings
    from sqlalchemy import Connection

    from crawlers.items import Record
    from crawlers.ledger.database import Database
    from crawlers.pipelines.nearduplicates import Signed

logger = logging.getLogger(__name__)

ALL, SOURCE = "all", "source"
_BATCH = 500


class DeduplicatePipeline:
    """Rejects a record whose text is that of a kept one, or nearly.

    Equal: the same text but for case and white space; where the text is shorter than ``DEDUP_MIN_WORDS``, title,
    fields and media are compared too, so that two records without a text are not taken for one. Near: the sets of
    shingles (``DEDUP_SHINGLE_WORDS`` words in a row) have a Jaccard similarity of at least ``DEDUP_THRESHOLD``, found by
    MinHash and verified exactly against the stored text. The reasons are ``exact-duplicate`` and ``near-duplicate``;
    ``value`` is the similarity, ``duplicate_of`` the id of the record that is kept.

    A record that passes may still be rejected by a later stage. What looks like it waits here until its fate is known.
    A record is no duplicate of its own earlier version.

    Args:
        index: of the texts that are kept.
        scope: ``all``: compare across sources; ``source``: within each source alone.
        ledger: where kept signatures are stored and those of other workers are read; None: only what passes here.

    Settings:
        DEDUP_ENABLED, DEDUP_THRESHOLD, DEDUP_SHINGLE_WORDS, DEDUP_MIN_WORDS, DEDUP_SCOPE, DEDUP_REFRESH

    Stats:
        gristmill/dedup/{index_size,index_bytes}: texts in the index at the end, and its memory;
        gristmill/rejected/deduplicate/{exact-duplicate,near-duplicate} count what it rejects.
    """

    def __init__(self, index: DuplicateIndex, *, scope: str = ALL, ledger: SignatureReader | None = None) -> None:
        self._index = index
        self._scope = scope
        self._ledger = ledger
        self._undecided: dict[str, asyncio.Future[None] | None] = {}
        self._stats: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DeduplicatePipeline:
        """Check the settings; the index is read when the spider opens."""
        settings = crawler.settings
        if not settings.getbool("DEDUP_ENABLED"):
            raise NotConfigured("set DEDUP_ENABLED to True")
        source = crawler.spider.name if crawler.spider is not None else crawler.spidercls.name
        scope = _scope(settings)
        ledger = SignatureReader(settings, None if scope == ALL else source)
        index = DuplicateIndex(
            ledger.texts,
            threshold=_between(settings, "DEDUP_THRESHOLD", 0.3, 1.0),
            shingle_words=int(_between(settings, "DEDUP_SHINGLE_WORDS", 1, 50)),
            min_words=int(_between(settings, "DEDUP_MIN_WORDS", 1, 10_000)),
        )
        pipeline = cls(index, scope=scope, ledger=ledger)
        pipeline._stats = crawler.stats
        return pipeline

    def open_spider(self) -> None:
        """Read the signatures of everything that is kept."""
        if self._ledger is not None:
            self._ledger.open(self._index)

    def close_spider(self) -> None:
        """Let go of the ledger."""
        if self._stats is not None:
            self._stats.set_value("gristmill/dedup/index_size", len(self._index))
            self._stats.set_value("gristmill/dedup/index_bytes", self._index.nbytes)
        if self._ledger is not None:
            self._ledger.close()

    def process_item(self, record: Record) -> Record | Awaitable[Record]:
        """Let *record* pass, or raise; where that depends on a record that is still under way, wait for its fate."""
        if self._ledger is not None:
            self._ledger.refresh(self._index)
        addresses = [media.sha256 or media.url for media in record.media]
        identity = partial(_identity, record.title, record.fields, addresses)
        signed = self._index.sign(record.text or "", identity, normalised=folded(record))
        found = self._find(record, signed)
        if found is not None and found.of in self._undecided:
            return self._wait(record, signed, found)
        return self._decide(record, signed, found)

    def settled(self, record: Record, kept: bool) -> None:
        """Told by the manager what became of *record*."""
        if not kept:
            self._index.remove(record.id)
        waiting = self._undecided.pop(record.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _find(self, record: Record, signed: Signed) -> Duplicate | None:
        return self._index.find(record.id, signed, record.source if self._scope == SOURCE else None)

    def _decide(self, record: Record, signed: Signed, found: Duplicate | None) -> Record:
        if found is not None:
            raise _rejected(found, self._index.threshold)
        self._index.add(record.id, signed, record.text or "", record.source)
        self._undecided.setdefault(record.id, None)
        record.cache["signature"] = Signature(record.id, signed.hash, self._index.stored_bands(signed))
        return record

    async def _wait(self, record: Record, signed: Signed, found: Duplicate | None) -> Record:
        while found is not None and found.of in self._undecided:
            fate = self._undecided[found.of]
            if fate is None:
                fate = self._undecided[found.of] = asyncio.get_running_loop().create_future()
            await asyncio.shield(fate)
            found = self._find(record, signed)
        return self._decide(record, signed, found)


class SignatureReader:
    """The part of the ledger that the index is made from.

    Args:
        settings: that name the ledger.
        source: only signatures of this source; None: of all.
    """

    def __init__(self, settings: BaseSettings, source: str | None) -> None:
        self._settings = settings
        self._source = source
        self._interval = settings.getfloat("DEDUP_REFRESH")
        self._database: Database | None = None
        self._seq = 0
        self._due = 0.0

    def open(self, index: DuplicateIndex) -> None:
        """Open the ledger and read everything; sign anew what was signed with other parameters."""
        timeout = self._settings.getfloat("LEDGER_TIMEOUT")
        self._database = open_database(database_url(self._settings), timeout=timeout)
        rows: list[tuple[str, str, bytes, bytes]] = []
        outdated: list[str] = []
        with self._database.read() as conn:
            for seq, record_id, source, text_hash, bands in signatures.since(conn):
                self._seq = seq
                if self._source in {None, source}:
                    rows.append((record_id, source, text_hash, bands))
                if len(rows) >= 20 * _BATCH:
                    outdated += index.load(rows)
                    rows = []
        outdated += index.load(rows)
        if outdated:
            logger.info("Signing %d texts anew: the deduplication settings have changed", len(outdated))
            for start in range(0, len(outdated), _BATCH):
                self._sign(index, outdated[start : start + _BATCH])
        self._due = time.monotonic() + self._interval

    def refresh(self, index: DuplicateIndex) -> None:
        """Every few seconds: take in what this and other workers have committed since."""
        if self._database is None or time.monotonic() < self._due:
            return
        outdated: list[str] = []
        with self._database.read() as conn:
            for seq, record_id, source, text_hash, bands in signatures.since(conn, self._seq):
                self._seq = seq
                if self._source in {None, source} and not index.stored(record_id, source, text_hash, bands):
                    outdated.append(record_id)
        if outdated:  # another worker runs with other settings; its texts count here all the same
            self._sign(index, outdated, store=False)
        self._due = time.monotonic() + self._interval

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The stored texts of *ids*."""
        if self._database is None:
            return {}
        with self._database.read() as conn:
            return records.texts(conn, ids)

    def close(self) -> None:
        """Close the ledger."""
        if self._database is not None:
            self._database.close()

    def _sign(self, index: DuplicateIndex, ids: Sequence[str], *, store: bool = True) -> None:
        assert self._database is not None
        made: list[Signature] = []
        sources: dict[str, str] = {}
        with self._database.read() as conn:
            bodies = [body for record_id in ids if (body := records.get(conn, record_id)) is not None]
        for body in bodies:
            addresses = [media.get("sha256") or media.get("url") for media in body["media"]]
            signed = index.sign(body["text"] or "", partial(_identity, body["title"], body["fields"], addresses))
            bands = index.stored_bands(signed)
            index.stored(body["id"], body["source"], signed.hash, bands)
            made.append(Signature(body["id"], signed.hash, bands))
            sources[body["id"]] = body["source"]
        if store:
            self._database.run(_put, made, sources)


def _put(conn: Connection, made: list[Signature], sources: dict[str, str]) -> None:
    signatures.put(conn, made, sources)


def _identity(title: str | None, fields: dict[str, Any], media: list[str | None]) -> bytes:
    """What tells records apart whose text says too little."""
    return canonical_json([normal(title or ""), fields, media])


def _rejected(found: Duplicate, threshold: float) -> Rejected:
    reason = "exact-duplicate" if found.exact else "near-duplicate"
    return Rejected(
        stage="deduplicate",
        reason=reason,
        detail=f"the text is that of {found.of}"
        if found.exact
        else f"{found.similarity:.0%} of the text is in {found.of}",
        value=round(found.similarity, 4),
        threshold=threshold,
        duplicate_of=found.of,
    )


def _scope(settings: BaseSettings) -> str:
    scope = str(settings.get("DEDUP_SCOPE"))
    if scope not in {ALL, SOURCE}:
        raise ConfigurationError(f"DEDUP_SCOPE: expected {ALL!r} or {SOURCE!r}, got {scope!r}")
    return scope


def _between(settings: BaseSettings, name: str, low: float, high: float) -> float:
    try:
        value = settings.getfloat(name)
    except (TypeError, ValueError):
        value = math.nan
    if not low <= value <= high:
        raise ConfigurationError(f"{name}: expected a number from {low:g} to {high:g}, got {settings.get(name)!r}")
    return value
