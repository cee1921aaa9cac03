"""Deduplicate: one record of each text is kept, within a run, across runs and across sources."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawlers.checks import value_of
from crawlers.configuration import data_folder
from crawlers.errors import ConfigurationError, Rejected
from crawlers.ledger.database import database_url
from crawlers.ledger.settlement import Displaced, Signature
from crawlers.pipelines.nearduplicates import Duplicate, DuplicateIndex
from crawlers.pipelines.normal import folded
from crawlers.pipelines.precedence import DISPLACED, Places, Precedence
from crawlers.pipelines.signaturereader import SignatureReader, identity
from crawlers.pipelines.undecided import Undecided

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from crawlers.items import Record
    from crawlers.pipelines.nearduplicates import Signed

ALL, SOURCE = "all", "source"


class DeduplicatePipeline:
    """Rejects a record whose text is that of a kept one, or nearly.

    Equal: the same text but for case and white space; where the text is shorter than ``DEDUP_MIN_WORDS``, title,
    fields and media are compared too, so that two records without a text are not taken for one. Near: the sets of
    shingles (``DEDUP_SHINGLE_WORDS`` words in a row) have a Jaccard similarity of at least ``DEDUP_THRESHOLD``, found by
    MinHash and verified exactly against the stored text. The reasons are ``exact-duplicate`` and ``near-duplicate``;
    ``value`` is the similarity, ``duplicate_of`` the id of the record that is kept.

    Which of several is kept does not depend on which came first (:mod:`crawlers.ledger.precedence`): a record that
    precedes those it is a duplicate of passes, and takes their place once it is kept itself.

    A record that passes may still be rejected by a later stage. What looks like it waits here until its fate is known.
    A record is no duplicate of its own earlier version.

    Args:
        index: of the texts that are kept.
        scope: ``all``: compare across sources; ``source``: within each source alone.
        ledger: where kept signatures are stored and those of other workers are read; None: only what passes here.
        precedence: tells who takes whose place; None: who came first stays.

    Settings:
        DEDUP_ENABLED, DEDUP_THRESHOLD, DEDUP_SHINGLE_WORDS, DEDUP_MIN_WORDS, DEDUP_SCOPE, DEDUP_REFRESH,
        DATA_DIR

    Stats:
        gristmill/dedup/{index_size,index_bytes}: texts in the index at the end, and its memory;
        gristmill/rejected/deduplicate/{exact-duplicate,near-duplicate} count what it rejects.
    """

    def __init__(
        self,
        index: DuplicateIndex,
        *,
        scope: str = ALL,
        ledger: SignatureReader | None = None,
        precedence: Precedence | None = None,
    ) -> None:
        self._index = index
        self._scope = scope
        self._ledger = ledger
        self._precedence = precedence
        self._undecided = Undecided()
        self._stats: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DeduplicatePipeline:
        """Check the settings; the index is read when the spider opens."""
        settings = crawler.settings
        if not settings.getbool("DEDUP_ENABLED"):
            raise NotConfigured("set DEDUP_ENABLED to True")
        source = crawler.spider.name if crawler.spider is not None else crawler.spidercls.name
        scope = _scope(settings)
        ledger = SignatureReader(
            database_url(settings),
            source=None if scope == ALL else source,
            refresh=settings.getfloat("DEDUP_REFRESH"),
            timeout=settings.getfloat("LEDGER_TIMEOUT"),
        )
        index = DuplicateIndex(
            ledger.texts,
            threshold=value_of(settings, "DEDUP_THRESHOLD"),
            shingle_words=value_of(settings, "DEDUP_SHINGLE_WORDS"),
            min_words=value_of(settings, "DEDUP_MIN_WORDS"),
            folder=str(data_folder(settings)),
        )
        pipeline = cls(index, scope=scope, ledger=ledger, precedence=Precedence.from_crawler(crawler))
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
        for opened in (self._ledger, self._precedence):
            if opened is not None:
                opened.close()

    def process_item(self, record: Record) -> Record | Awaitable[Record]:
        """Let *record* pass, or raise; where that depends on a record that is still under way, wait for its fate."""
        if self._ledger is not None:
            self._ledger.refresh(self._index)
        addresses = [media.sha256 or media.url for media in record.media]
        instead = partial(identity, record.title, record.fields, addresses)
        signed = self._index.sign(record.text or "", instead, normalised=folded(record))
        found = self._index.find(record.id, signed, self._within(record))
        if found is None:
            return self._pass(record, signed, [])
        if found.of not in self._undecided and self._precedes(record, signed, found):
            raise _rejected(found, self._index.threshold)
        return self._settle(record, signed)

    def clashes(self, crawl_id: int) -> list[str]:
        """Ids of what the crawl *crawl_id* kept that may be duplicates of each other. Nothing may be under way."""
        return sorted(self._ledger.clashes(self._index, crawl_id)) if self._ledger is not None else []

    def settled(self, record: Record, kept: bool) -> None:
        """Told by the manager what became of *record*."""
        if kept:
            for one in record.cache.get(DISPLACED, ()):
                self._index.displace(one.record_id)
        else:
            self._index.remove(record.id)
        self._undecided.settle(record.id)

    def _within(self, record: Record) -> str | None:
        return record.source if self._scope == SOURCE else None

    def _places(self, record: Record, signed: Signed, found: list[Duplicate]) -> Places:
        if self._precedence is None or not found:
            return Places(set(), set())
        unchanged = self._index.holds(record.id, signed)
        return self._precedence.places(record, [one.of for one in found], unchanged=unchanged)

    def _precedes(self, record: Record, signed: Signed, found: Duplicate) -> bool:
        places = self._places(record, signed, [found])
        return found.of not in places.following and found.of not in places.missing

    async def _settle(self, record: Record, signed: Signed) -> Record:
        """Wait until the fate of all that looks like *record* is known; let it pass where it precedes each of them."""
        while True:
            found = self._index.neighbours(record.id, signed, self._within(record))
            undecided = next((one.of for one in found if one.of in self._undecided), None)
            if undecided is not None:
                await self._undecided.wait(undecided)
                continue
            places = self._places(record, signed, found)
            if not places.missing:
                break
            for record_id in places.missing:
                self._index.displace(record_id)
        preceding = [one for one in found if one.of not in places.following]
        if preceding:
            raise _rejected(preceding[0], self._index.threshold)
        return self._pass(record, signed, found)

    def _instead(self, record: Record, found: Duplicate) -> Rejected:
        """Why *found* is rejected where *record* takes its place."""
        return _rejected(found._replace(of=record.id), self._index.threshold)

    def _pass(self, record: Record, signed: Signed, displaced: list[Duplicate]) -> Record:
        self._index.add(record.id, signed, record.source)
        self._undecided.add(record.id)
        record.cache["signature"] = Signature(record.id, signed.hash, self._index.stored_bands(signed))
        if displaced:
            record.cache[DISPLACED] = [
                Displaced(one.of, record.id, self._instead(record, one), self._index.text_hash(one.of))
                for one in displaced
            ]
        return record


def _rejected(found: Duplicate, threshold: float) -> Rejected:
    if found.exact:
        reason, detail = "exact-duplicate", f"the same text as {found.of}"
    else:
        reason, detail = "near-duplicate", f"nearly the text of {found.of}: Jaccard similarity {found.similarity:.3f}"
    return Rejected(
        stage="deduplicate",
        reason=reason,
        detail=detail,
        value=round(found.similarity, 4),
        threshold=threshold,
        duplicate_of=found.of,
    )


def _scope(settings: BaseSettings) -> str:
    scope = str(settings.get("DEDUP_SCOPE"))
    if scope not in {ALL, SOURCE}:
        raise ConfigurationError(f"DEDUP_SCOPE: expected {ALL!r} or {SOURCE!r}, got {scope!r}")
    return scope
