"""Images: refuses records whose picture is of no use, and flags those that only have one beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler

    from crawlers.items import Media, Record

_STAGE = "images"


class ImagesPipeline:
    """Judges the main picture of a record.

    Args:
        required_for: types (or modalities) of records that are worth nothing without a good picture.
        min_sharpness: see :mod:`crawlers.extractors.pictures`; 0: not asked.
        min_side: pixels of the shorter side.

    Settings:
        IMAGE_REQUIRED_FOR, IMAGE_MIN_SHARPNESS, IMAGE_MIN_SIDE

    Stats:
        None of its own; rejections are counted as gristmill/rejected/images/<reason>.
    """

    def __init__(
        self, required_for: Iterable[str] = ("ImageObject", "image"), min_sharpness: float = 0.25, min_side: int = 64
    ) -> None:
        self._required_for = frozenset(required_for)
        self._min_sharpness = min_sharpness
        self._min_side = min_side

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ImagesPipeline:
        """Read the settings."""
        settings = crawler.settings
        return cls(
            settings.getlist("IMAGE_REQUIRED_FOR"),
            settings.getfloat("IMAGE_MIN_SHARPNESS"),
            settings.getint("IMAGE_MIN_SIDE"),
        )

    def process_item(self, record: Record) -> Record:
        """Return the record, flagged where its picture is poor; refuse it where it needs a good one."""
        if not record.media:
            return record
        main = next((media for media in record.media if media.role == "main"), record.media[0])
        problem = self._problem(main)
        if problem is None:
            return record
        if record.type in self._required_for or record.modality in self._required_for:
            raise problem
        record.flag(problem.reason)
        return record

    def _problem(self, media: Media) -> Rejected | None:
        if media.error is not None:
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
