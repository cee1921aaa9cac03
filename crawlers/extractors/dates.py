"""When a page says it was published and changed: JSON-LD, microdata, meta, ``time``, and last the line under its title.

Nothing is guessed: no address, copyright line, or date in running text is read, and no day and month that could be
swapped. Where the page's own statements of one kind contradict each other, that kind is passed over.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from crawlers.extractors import structured
from crawlers.extractors.outline import outline
from crawlers.extractors.structured import first_text, types_of

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from crawlers.extractors.page import Page

_PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time", "datepublished", "date.published",
    "publishdate", "publish-date", "publish_date", "published_date", "pubdate", "published", "parsely-pub-date",
    "sailthru.date", "article.published", "dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created",
    "citation_publication_date", "citation_date", "cludo:date", "dc.date", "dcterms.date", "date",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified", "dcterms.modified",
    "dc.date.modified", "last-modified", "lastmod", "updated", "article.updated",
)  # fmt: skip
_PAGES = frozenset({"WebPage", "ItemPage", "AboutPage", "FAQPage", "WebSite", "CreativeWork", "VideoObject", "Event"})
_TIMES_MAX = 60
_NEAR_TITLE = 6
_LINE = 80
_CLIMB = 2
_LINES = frozenset(
    ("p", "div", "li", "ul", "ol", "section", "article", "header", "table", "br", "h1", "h2", "h3", "h4")
)
_SHORT = 14

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\s*",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier enero gennaio janeiro januari", "february feb februar février febrero febbraio fevereiro februari",
            "march mar märz mars marzo março maart", "april apr avril abril aprile", "may mai mayo maggio maio mei",
            "june jun juni juin junio giugno junho", "july jul juli juillet julio luglio julho",
            "august aug août agosto augustus", "september sept sep septembre septiembre settembre setembro",
            "october oct oktober octobre octubre ottobre outubro", "november nov novembre noviembre novembro",
            "december dec dezember décembre diciembre dicembre dezembro",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_WORD = r"([^\W\d_]{3,10})\.?"
_WRITTEN = re.compile(
    rf"\b(?:{_WORD}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})|(\d{{1,2}})(?:st|nd|rd|th|\.|er|º)?\s+(?:de\s+)?{_WORD},?\s+(?:de\s+)?(\d{{4}})|(\d{{4}})-(\d{{2}})-(\d{{2}}))\b"
)
_YEAR = re.compile(r"\d{4}")
"""What each date has, and few of the lines in which one is looked for."""

_CHANGED = re.compile(r"updat|modif|edit|review|revis|aktualisiert|mis à jour|actualiz|aggiorn", re.IGNORECASE)
_OLDEST = 1000


def published_at(page: Page, main: dict[str, Any]) -> str | None:
    """RFC 3339 in UTC; None where the page does not say.

    Args:
        page: the page.
        main: the object of its JSON-LD or microdata that it is about.
    """
    meta = structured.meta(page)
    return (
        rfc3339(first_text(main.get("datePublished") or main.get("uploadDate")))
        or _first(meta, _PUBLISHED)
        or rfc3339(first_text(main.get("dateCreated")))
        or _time_element(page)
        or _byline(page)
    )


def modified_at(page: Page, main: dict[str, Any]) -> str | None:
    """The same for the last change."""
    stated = rfc3339(first_text(main.get("dateModified")))
    return stated or _first(structured.meta(page), _MODIFIED) or _of_page(page, "dateModified")


def _first(meta: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (stated := meta.get(name)) and (found := rfc3339(stated))), None)


def _of_page(page: Page, name: str) -> str | None:
    """What the objects that stand for the page itself agree on.

    Not asked for the day of publication: plug-ins give every page of a site one, its front page too.
    """
    objects = [item for item in structured.objects(page) if _PAGES.intersection(types_of(item))]
    return _only({rfc3339(first_text(item.get(name))) for item in objects})


def _only(dates: set[str | None]) -> str | None:
    """The one date, where the stated ones are on one day."""
    stated = sorted(date for date in dates if date)
    return stated[0] if len({date[:10] for date in stated}) == 1 else None


def _time_element(page: Page) -> str | None:
    """The ``time`` that calls itself published, else the only day that the page's ``time`` elements name."""
    named: set[str | None] = set()
    other: set[str | None] = set()
    stated = (node for node in page.elements("time") if "datetime" in node.attributes)
    for node in islice(stated, _TIMES_MAX):
        attributes = node.attributes
        said = (
            f"{attributes.get('class') or ''} {attributes.get('itemprop') or ''} {attributes.get('id') or ''}".lower()
        )
        if "publish" not in said and (_CHANGED.search(said) or _CHANGED.search(_around(node))):
            continue
        date = rfc3339(attributes.get("datetime"))
        (named if "publish" in said or "pubdate" in attributes or "entry-date" in said else other).add(date)
    return _only(named) or (_only(other) if not named else None)


def _around(node: LexborNode) -> str:
    """What stands right before *node*, or before the element that begins with it."""
    here: LexborNode | None = node
    for _ in range(_CLIMB):
        before = here.prev if here is not None else None
        while before is not None and before.tag not in _LINES:
            text = (before.text_content or "") if before.is_text_node else before.text()
            if text.strip():
                return text[-_LINE:]
            before = before.prev
        here = here.parent if here is not None else None
    return ""


def _byline(page: Page) -> str | None:
    """The one date in the short lines around the page's only main heading."""
    found = outline(page)
    titles = (found.table[:, 4] == 1).nonzero()[0].tolist()
    if len(titles) != 1:
        return None
    start = max(titles[0] - 2, 0)
    dates: set[str | None] = set()
    for text, words in zip(found.texts[start : titles[0] + _NEAR_TITLE], found.table[start:, 0], strict=False):
        if words <= _SHORT and _YEAR.search(text) and not _CHANGED.search(text):
            dates |= {_written(match) for match in _WRITTEN.finditer(text)}
    return _only(dates)


def _written(match: re.Match[str]) -> str | None:
    month, day, year, day_first, month_second, year_last, iso_year, iso_month, iso_day = match.groups()
    if iso_year:
        return _made(int(iso_year), int(iso_month), int(iso_day))
    number = _MONTHS.get((month or month_second).lower())
    return _made(int(year or year_last), number, int(day or day_first)) if number else None


def rfc3339(text: str | None) -> str | None:
    """A time as RFC 3339 in UTC: of ISO 8601, of an e-mail's form, or of a date with the month's name.

    A time without a zone is taken as UTC, a date as its midnight. None where it is none of these, or could be read in
    two ways (``03/04/2024``).
    """
    if not text:
        return None
    text = text.strip()
    match = _ISO.fullmatch(text)
    if match:
        year, month, day, hour, minute, second, zone = match.groups()
        return _made(int(year), int(month), int(day), (int(hour or 0), int(minute or 0), int(second or 0)), zone)
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        pass
    try:
        return _utc(parsedate_to_datetime(text)) if text[-1:].isalnum() and "," in text[:5] else _of_words(text)
    except (ValueError, IndexError, OverflowError):
        return _of_words(text)


def _of_words(text: str) -> str | None:
    matches = list(_WRITTEN.finditer(text[:100]))
    return _written(matches[0]) if len(matches) == 1 else None


def _made(
    year: int, month: int, day: int, time: tuple[int, int, int] = (0, 0, 0), zone: str | None = None
) -> str | None:
    offset = "+00:00" if zone is None or zone.upper() in {"Z", "UTC", "GMT"} else zone
    try:
        return _utc(
            datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{time[0]:02}:{time[1]:02}:{time[2]:02}{offset}")
        )
    except ValueError:
        return None


def _utc(moment: datetime) -> str | None:
    try:
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year >= _OLDEST else None
