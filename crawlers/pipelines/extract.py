"""Extract: fills in what the spider left empty, from the page that the record was found on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawlers.errors import LOGIN_WALL, ConfigurationError, ExtractionError, Rejected
from crawlers.extractors import hidden, mediatypes, references, rights, threads
from crawlers.extractors.logins import is_login_page
from crawlers.extractors.metadata import Metadata, metadata
from crawlers.extractors.text import MODES, Text, extract_text, paragraphs

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.extractors.page import Page
    from crawlers.items import Record

_STAGE = "extract"


class ExtractPipeline:
    """Main text, title, authors, dates, language, own fields, pictures, licence and signals.

    Args:
        mode: fast, precise or auto; see :mod:`crawlers.extractors.text`.
        media_limit: pictures that are noted at most.

    Settings:
        EXTRACT_TEXT, MEDIA_MAX_PER_RECORD

    Stats:
        None of its own; rejections are counted as gristmill/rejected/extract/<reason>.
    """

    def __init__(self, mode: Any = "auto", media_limit: int = 8) -> None:
        if mode not in MODES:
            raise ConfigurationError(f"EXTRACT_TEXT: expected one of {', '.join(MODES)}, got {mode!r}")
        self._mode = mode
        self._media_limit = media_limit

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ExtractPipeline:
        """Read the settings."""
        settings = crawler.settings
        return cls(settings.get("EXTRACT_TEXT"), settings.getint("MEDIA_MAX_PER_RECORD"))

    def process_item(self, record: Record) -> Record:
        """Fill in *record* where it has a page; refuse it where it would be empty, or where the page is a login form."""
        page: Page | None = record.page
        if page is None:
            return record
        if page.media_type in mediatypes.HTML:
            known = bool(record.text or record.fields)
            self._fill_html(record, page)
            if not known:
                _refuse_login_page(record, page)
        else:
            self._fill_text(record, page)
        if mediatypes.is_text(page.media_type):
            record.provenance.encoding = page.encoding
        for flag in page.flags:
            record.flag(flag)
        if _is_empty(record):
            raise Rejected(stage=_STAGE, reason="empty", detail="no title, no text, no fields and no media were found")
        return record

    def _fill_html(self, record: Record, page: Page) -> None:
        found = metadata(page)
        _fill(record, found)
        if record.type == "DiscussionForumPosting" and "posts" not in record.fields:
            posts = threads.posts(page)
            if posts:
                record.fields["posts"] = posts
        if not record.media:
            record.media = references.media(page, self._media_limit)
        if record.rights.license is None:
            record.rights.license, record.rights.license_evidence = rights.license_of(page)
        record.rights.signals += rights.signals_of(page)
        for flag in hidden.flags_of(page):
            record.flag(flag)
        self._fill_text(record, page)

    def _fill_text(self, record: Record, page: Page) -> None:
        if record.text is not None:
            return
        try:
            found: Text = extract_text(page, self._mode)
        except ExtractionError as exc:
            if _is_empty(record):
                raise Rejected(stage=_STAGE, reason="unreadable", detail=str(exc), value=page.media_type) from exc
            return
        posts = record.fields.get("posts")
        if posts and len(found.text) < sum(len(post["text"]) for post in posts):
            record.text, record.blocks = paragraphs([post["text"] for post in posts])
        elif found.text:
            record.text, record.blocks = found.text, found.blocks
        record.provenance.extractor, record.provenance.confidence = found.extractor, found.confidence


def _refuse_login_page(record: Record, page: Page) -> None:
    """Raise where the site wants to know who asks before it shows anything."""
    text = record.text or ""
    if is_login_page(page, text, record.provenance.request_url, typed=record.type != "WebPage"):
        raise Rejected(
            stage=_STAGE,
            reason=LOGIN_WALL,
            detail=f"expected content, got a login form at {page.url}: give the crawl the cookies or headers of a session, "
            "or deny such addresses",
            value=len(text),
        )


def _is_empty(record: Record) -> bool:
    return not (record.title or record.text or record.fields or record.media)


def _fill(record: Record, found: Metadata) -> None:
    if record.type == "WebPage":
        record.type = found.type
    for name in ("title", "published_at", "modified_at", "language", "canonical_url"):
        if getattr(record, name) is None:
            setattr(record, name, getattr(found, name))
    if not record.authors:
        record.authors = found.authors
    for name, value in found.fields.items():
        record.fields.setdefault(name, value)
