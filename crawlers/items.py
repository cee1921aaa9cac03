"""The record: one envelope for every source and modality, and what travels beside it.

Mirrored field by field by ``schemas/record.schema.json``; a test holds the two equal, docstring by description.
Times are RFC 3339 in UTC, hashes ``sha256:…``, lengths in pixels, seconds and bytes. Character offsets count the
Unicode code points of ``Record.text``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from crawlers.hashing import digest, record_id


@dataclass(slots=True)
class Block:
    """A part of a record's text with its role."""

    role: str
    """heading, paragraph, list-item, table, caption, code or quote."""
    start: int
    """Offset of the first code point in the record's text."""
    end: int
    """Offset one past the last code point."""
    level: int | None = None
    """Rank of a heading, 1 to 6."""


@dataclass(slots=True)
class KeywordMatch:
    """A phrase of a keyword list found in a record."""

    phrase: str
    """The phrase as it stands in the list."""
    list: str
    """Name of the list it came from."""
    start: int
    """Offset of the match in the field, in code points."""
    end: int
    """Offset one past the match."""
    field: str = "text"
    """The record's field it was found in: text, title, or the name of an own field."""


@dataclass(slots=True)
class Media:
    """A picture, sound, video or document of a record."""

    url: str | None = None
    """Where it was fetched, or would be."""
    role: str = "illustration"
    """main, illustration, key-frame, page-scan or attachment."""
    sha256: str | None = None
    """Hash of the stored bytes."""
    path: str | None = None
    """Path of the stored file below the data folder, named by content."""
    media_type: str | None = None
    """Media type found in the bytes, not in the header."""
    bytes: int | None = None
    """Size of the file in bytes."""
    width: int | None = None
    """Width in pixels, after EXIF orientation."""
    height: int | None = None
    """Height in pixels, after EXIF orientation."""
    duration: float | None = None
    """Duration in seconds."""
    frame_rate: float | None = None
    """Frames per second."""
    sample_rate: int | None = None
    """Samples per second, in hertz."""
    channels: int | None = None
    """Number of audio channels."""
    pages: int | None = None
    """Number of pages."""
    alt: str | None = None
    """Alternative text given by the source."""
    caption: str | None = None
    """Caption given by the source."""
    parent: str | None = None
    """Hash of the media it was cut out of."""
    at: float | None = None
    """Place in the parent, in seconds or page number."""
    transform: list[float] | None = None
    """Affine map from the original's pixels: a, b, c, d, e, f."""
    perceptual_hash: str | None = None
    """64-bit difference hash, 16 hex digits."""
    quality: dict[str, float] = field(default_factory=dict)
    """Named scores, such as sharpness."""
    error: str | None = None
    """Why the file is not here, where it is not."""


@dataclass(slots=True)
class Signal:
    """One statement of the source about what may be done with a record."""

    place: str
    """Where it was read: robots.txt, x-robots-tag, meta-robots, tdm-header, tdm-file, content-signal, ai.txt or license-link."""
    value: str
    """What it says, as it stands there."""
    optout: bool | None = None
    """True where it refuses use for AI, false where it allows it, null where it says nothing of it."""


@dataclass(slots=True)
class Rights:
    """What one may do with a record."""

    license: str | None = None
    """SPDX identifier or URL of the licence."""
    license_evidence: str | None = None
    """Where the licence was found, and what stood there."""
    robots: str | None = None
    """allowed, disallowed or unchecked, and by which rule."""
    ai_optout: bool | None = None
    """True where the source refuses use for AI, false where it allows it, null where it is unknown."""
    signals: list[Signal] = field(default_factory=list)
    """Each statement that was read, with its place."""
    policy: str | None = None
    """What was decided on it."""


@dataclass(slots=True)
class Transform:
    """One step that changed a record."""

    step: str
    """Name of the step, for example clean or extract."""
    version: str
    """Version of the step's rule."""
    settings_digest: str | None = None
    """Hash of the settings that the step ran with."""
    changed: dict[str, Any] = field(default_factory=dict)
    """What changed: field to a short account of it."""


@dataclass(slots=True)
class Warc:
    """Place of a capture in a web archive."""

    file: str
    """Name of the WARC file."""
    offset: int
    """Offset of the record in bytes."""


@dataclass(slots=True)
class Provenance:
    """How a record came to be. Terms as in W3C PROV where it has them."""

    run_id: str | None = None
    """The run that made this version."""
    spider: str | None = None
    """Name of the spider."""
    spider_version: str | None = None
    """Version of the spider's code."""
    request_fingerprint: str | None = None
    """Fingerprint of the request, 40 hex digits."""
    request_url: str | None = None
    """URL that was asked for first."""
    response_url: str | None = None
    """URL that answered, after redirects."""
    status: int | None = None
    """HTTP status."""
    fetched_at: str | None = None
    """When the answer arrived."""
    etag: str | None = None
    """ETag of the answer."""
    last_modified: str | None = None
    """Last-Modified of the answer, as sent."""
    content_type: str | None = None
    """Content-Type of the answer, as sent."""
    encoding: str | None = None
    """Character encoding that was used to read the body."""
    body_sha256: str | None = None
    """Hash of the body, which is also the name of the stored capture."""
    warc: Warc | None = None
    """Place in a web archive."""
    extractor: str | None = None
    """Name and version of the extractor that made the text."""
    confidence: float | None = None
    """How sure the extractor is of the text, from 0 to 1."""
    transforms: list[Transform] = field(default_factory=list)
    """The steps that changed the record, in order."""


@dataclass
class Record:
    """One unit of annotation, from capture to training."""

    source: str
    """Name of the spider."""
    key: str
    """What is stable in the source: canonical URL, primary key, GUID, relative path; a part after # where one page gives several records."""
    id: str = ""
    """First 128 bits of sha256 of source, NUL, key, in hex. Filled in by itself."""
    version: int = 1
    """Counts the changes of content_hash under one id, from 1."""
    content_hash: str | None = None
    """Hash of the canonical JSON of title, text, fields and media hashes: what a change is measured by."""
    type: str = "WebPage"
    """schema.org type: Article, Product, DiscussionForumPosting, SocialMediaPosting, ImageObject, VideoObject, AudioObject, DigitalDocument, EmailMessage, Dataset, Quotation or WebPage."""
    modality: str = "text"
    """text, image, audio, video, table or document: what an annotator looks at first."""
    url: str | None = None
    """Where it was fetched."""
    canonical_url: str | None = None
    """What it calls itself."""
    title: str | None = None
    """Title."""
    text: str | None = None
    """Main text, NFC, paragraphs apart by a blank line."""
    language: str | None = None
    """BCP 47 tag of the text's language."""
    authors: list[str] = field(default_factory=list)
    """Names of the authors."""
    published_at: str | None = None
    """When it was published; absent where the source does not say."""
    modified_at: str | None = None
    """When it was changed last; absent where the source does not say."""
    blocks: list[Block] = field(default_factory=list)
    """Parts of the text with their role."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What the source has of its own, under its own schema."""
    media: list[Media] = field(default_factory=list)
    """Pictures, sounds, videos and documents of the record."""
    keywords: list[KeywordMatch] = field(default_factory=list)
    """Matched phrases with their places."""
    group: str | None = None
    """What must stay together in a split: product, thread, video, host, near-duplicate cluster."""
    quality: dict[str, float] = field(default_factory=dict)
    """Named scores."""
    flags: list[str] = field(default_factory=list)
    """Slugs of what a person should know: hidden-text, truncated, mixed-language …"""
    rights: Rights = field(default_factory=Rights)
    """What one may do with it."""
    provenance: Provenance = field(default_factory=Provenance)
    """How it came to be."""

    def __post_init__(self) -> None:
        if not self.id:
            self.id = record_id(self.source, self.key)
        # What follows travels with the object and is never written: a leading underscore keeps it out of JSON.
        self._page: Any = None
        self._cache: dict[str, Any] = {}

    @property
    def page(self) -> Any:
        """The :class:`crawlers.extractors.page.Page` this record was found on, or None once it has left the crawl."""
        return self._page

    @page.setter
    def page(self, page: Any) -> None:
        self._page = page

    @property
    def cache(self) -> dict[str, Any]:
        """Derived forms of the text (normalised, tokenised), computed once and shared by the pipelines."""
        return self._cache

    def seal(self) -> str:
        """Compute and set ``content_hash`` from title, text, fields and media hashes; return it."""
        self.content_hash = digest(
            {
                "title": self.title,
                "text": self.text,
                "fields": self.fields,
                "media": [m.sha256 or m.url for m in self.media],
            }
        )
        return self.content_hash

    def flag(self, slug: str) -> None:
        """Add *slug* to the flags, once."""
        if slug not in self.flags:
            self.flags.append(slug)


_NESTED: dict[str, Any] = {"blocks": Block, "keywords": KeywordMatch, "media": Media}
_PLAIN = frozenset({str, int, float, bool})
"""Types of values that are never empty in the sense of a record: most of them, and told apart at once."""


def compact(item: Any) -> dict[str, Any]:
    """A nested part of a record as a dict without what is null or empty."""
    out: dict[str, Any] = {}
    for name in item.__slots__:  # the fields in order, at half the price of dataclasses.fields
        value = getattr(item, name)
        if type(value) not in _PLAIN:
            if value is None or value == [] or value == {}:
                continue
            if isinstance(value, list):
                value = [compact(v) if hasattr(v, "__dataclass_fields__") else v for v in value]
            elif hasattr(value, "__dataclass_fields__"):
                value = compact(value)
        out[name] = value
    return out


def to_dict(record: Record) -> dict[str, Any]:
    """*record* as plain JSON values: every field of the envelope in order; nested parts without their nulls."""
    out = {name: getattr(record, name) for name in RECORD_FIELDS}
    for name in _NESTED:
        out[name] = [compact(part) for part in out[name]]
    out["rights"] = compact(record.rights)
    out["provenance"] = compact(record.provenance)
    return out


def from_dict(data: dict[str, Any]) -> Record:
    """The inverse of :func:`to_dict`. Unknown fields raise TypeError, as a newer record would."""
    values = dict(data)
    for name, cls in _NESTED.items():
        values[name] = [cls(**part) for part in values.get(name) or []]
    rights = dict(values.get("rights") or {})
    rights["signals"] = [Signal(**signal) for signal in rights.get("signals", [])]
    values["rights"] = Rights(**rights)
    origin = dict(values.get("provenance") or {})
    origin["transforms"] = [Transform(**step) for step in origin.get("transforms", [])]
    origin["warc"] = Warc(**origin["warc"]) if origin.get("warc") else None
    values["provenance"] = Provenance(**origin)
    return Record(**values)


RECORD_FIELDS: tuple[str, ...] = tuple(f.name for f in fields(Record))
"""Names of the envelope's fields, in order."""
