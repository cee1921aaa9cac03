"""Images: refuses records whose picture is of no use or there already, and flags those that only have one beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.configuration import listed
from crawlers.errors import Rejected
from crawlers.ledger.database import open_ledger
from crawlers.ledger.media import main_pictures
from crawlers.ledger.settlement import Displaced
from crawlers.pipelines.precedence import DISPLACED, Precedence
from crawlers.pipelines.sameimages import SameImages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from scrapy.crawler import Crawler

    from crawlers.items import Media, Record

_STAGE = "images"


class ImagesPipeline:
    """Judges the main picture of a record.

    Where the picture is the record (modality image), one record of each picture is kept, by the hash of its bytes; what
    other workers keep while a crawl runs is not seen.

    Args:
        required_for: types (or modalities) of records that are worth nothing without a good picture.
        min_sharpness: see :mod:`crawlers.extractors.pictures`; 0: not asked.
        min_side: pixels of the shorter side.
        same: the pictures that are kept; None: the same picture may come again.
        precedence: tells which of two records with the same picture is kept; None: who came first.

    Settings:
        IMAGE_REQUIRED_FOR, IMAGE_MIN_SHARPNESS, IMAGE_MIN_SIDE, IMAGE_DUPLICATES

    Stats:
        None of its own; rejections are counted as gristmill/rejected/images/<reason>.
    """

    def __init__(
        self,
        required_for: Iterable[str] = ("ImageObject", "image"),
        min_sharpness: float = 0.25,
        min_side: int = 64,
        same: SameImages | None = None,
        precedence: Precedence | None = None,
    ) -> None:
        self._required_for = frozenset(required_for)
        self._min_sharpness = min_sharpness
        self._min_side = min_side
        self._same = same
        self._precedence = precedence

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ImagesPipeline:
        """Read the settings."""
        settings = crawler.settings

        def kept() -> list[tuple[str, str]]:
            database = open_ledger(settings)
            try:
                with database.read() as conn:
                    return list(main_pictures(conn))
            finally:
                database.close()

        return cls(
            listed(settings, "IMAGE_REQUIRED_FOR"),
            settings.getfloat("IMAGE_MIN_SHARPNESS"),
            settings.getint("IMAGE_MIN_SIDE"),
            None if settings.getbool("IMAGE_DUPLICATES") else SameImages(kept),
            Precedence.from_crawler(crawler),
        )

    def close_spider(self) -> None:
        """Let go of the ledger."""
        if self._precedence is not None:
            self._precedence.close()

    def process_item(self, record: Record) -> Record | Awaitable[Record]:
        """Return the record, flagged where its picture is poor; refuse it where it needs a good one of its own."""
        if not record.media:
            return record
        main = main_of(record)
        problem = self._problem(main)
        if problem is not None:
            if record.type in self._required_for or record.modality in self._required_for:
                raise problem
            record.flag(problem.reason)
        if self._same is None or record.modality != "image" or main.sha256 is None:
            return record
        of = self._same.find(record.id, main.sha256)
        if of is not None and of in self._same.undecided:
            return self._wait(record, main.sha256, of, self._same)
        return self._unless_there(record, main.sha256, of, self._same)

    def settled(self, record: Record, kept: bool) -> None:
        """Told by the manager what became of *record*."""
        if self._same is None:
            return
        self._same.settle(record.id, kept=kept)
        for one in record.cache.get(DISPLACED, ()) if kept else ():
            self._same.forget(one.record_id)

    async def _wait(self, record: Record, sha256: str, of: str | None, same: SameImages) -> Record:
        while of is not None and of in same.undecided:
            await same.undecided.wait(of)
            of = same.find(record.id, sha256)
        return self._unless_there(record, sha256, of, same)

    def _unless_there(self, record: Record, sha256: str, of: str | None, same: SameImages) -> Record:
        """Let *record* pass where no other has its picture, or one that gives way to it."""
        if of is not None:
            if not self._precedes(record, sha256, of, same):
                raise _same_picture(of, sha256)
            displaced = Displaced(of, record.id, _same_picture(record.id, sha256))
            record.cache[DISPLACED] = [*record.cache.get(DISPLACED, ()), displaced]
        same.add(record.id, sha256)
        return record

    def _precedes(self, record: Record, sha256: str, of: str, same: SameImages) -> bool:
        """Whether *record* takes the place of the record *of*, or *of* is no longer there."""
        if self._precedence is None:
            return False
        places = self._precedence.places(record, [of], unchanged=same.holds(record.id, sha256))
        return of in places.following or of in places.missing

    def _problem(self, media: Media) -> Rejected | None:
        if media.error is not None and not media.error.startswith("unwanted:"):
            return Rejected(
                stage=_STAGE, reason="broken-image", detail=f"{media.url}: {media.error}", value=media.error
            )
        if media.width is None or media.height is None:
            return None
        side = min(media.width, media.height)
        if side < self._min_side:
            detail = f"{media.url}: {media.width} x {media.height} pixels"
            return Rejected(stage=_STAGE, reason="small-image", detail=detail, value=side, threshold=self._min_side)
        sharpness = media.quality.get("sharpness")
        if sharpness is not None and sharpness < self._min_sharpness:
            detail = f"{media.url}: no hard edge in the picture"
            return Rejected(
                stage=_STAGE, reason="blurred-image", detail=detail, value=sharpness, threshold=self._min_sharpness
            )
        return None


def main_of(record: Record) -> Media:
    """The picture that stands for the record: the one it names so, or its first."""
    return next((media for media in record.media if media.role == "main"), record.media[0])


def _same_picture(of: str, sha256: str) -> Rejected:
    detail = f"the same picture as {of}"
    return Rejected(stage=_STAGE, reason="duplicate-image", detail=detail, value=sha256, duplicate_of=of)
