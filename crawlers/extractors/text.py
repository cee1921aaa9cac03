"""The main text of a page: paragraphs kept, boilerplate gone, with a confidence.

Three modes. *fast* is resiliparse on the decoded page. *precise* is trafilatura. *auto* asks fast first, and precise
where fast found little: then the longer of the two answers stands, since what they miss costs more than what they keep.
``tests/benchmarks/bench_extract.py`` shows what each reaches and costs.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from resiliparse.extract.html2text import extract_plain_text

from crawlers.errors import ExtractionError
from crawlers.items import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crawlers.extractors.page import Page

Mode = Literal["fast", "precise", "auto"]
MODES = ("fast", "precise", "auto")

_DOUBTFUL = 1000
"""Code points: a fast answer shorter than this is worth a second opinion."""
_HEADINGS = "h1,h2,h3,h4,h5,h6"
_BULLETS = ("\u2022 ", "- ", "* ", "\u00b7 ")


@dataclass
class Text:
    """The main text and how it was found."""

    text: str
    """NFC, paragraphs apart by a blank line."""
    blocks: list[Block] = field(default_factory=list)
    confidence: float = 0.0
    """0 to 1: how far the answer looks like the main text of its page."""
    extractor: str = ""


def extract_text(page: Page, mode: Mode = "auto") -> Text:
    """The main text of an HTML or plain text page.

    Args:
        page: the page.
        mode: fast, precise or auto.

    Raises:
        ExtractionError: the media type is none that has text here.
    """
    if page.media_type == "text/plain":
        return _finish(_plain_paragraphs(page.html), page, "plain", 1.0)
    if page.media_type not in {"text/html", "application/xhtml+xml"}:
        raise ExtractionError(f"expected text/html or text/plain, got {page.media_type or 'unknown'}: {page.url}")
    fast = [] if mode == "precise" else _fast(page)
    if mode == "fast" or (mode == "auto" and _length(fast) >= _DOUBTFUL):
        return _finish(fast, page, _named("resiliparse"), _confidence(fast, page))
    precise = _precise(page)
    if mode == "auto" and _length(fast) >= _length(precise):
        agreed = 0.5 + 0.5 * _overlap(fast, precise)
        return _finish(fast, page, _named("resiliparse"), agreed * _confidence(fast, page))
    agreed = 0.5 + 0.5 * _overlap(precise, fast) if mode == "auto" else 1.0
    return _finish(precise, page, _named("trafilatura"), agreed * _confidence(precise, page))


@lru_cache
def _named(package: str) -> str:
    """Name and version of an extractor."""
    return f"{package} {version(package)}"


def _fast(page: Page) -> list[str]:
    text = extract_plain_text(
        page.html, main_content=True, alt_texts=False, preserve_formatting=True, list_bullets=True, noscript=False
    )
    return _paragraphs(text.split("\n\n"))


def _precise(page: Page) -> list[str]:
    import trafilatura  # half a second, and only where it is asked

    found = trafilatura.extract(page.html, include_comments=True, deduplicate=False)
    return _paragraphs((found or "").split("\n"))


def _paragraphs(parts: Iterable[str]) -> list[str]:
    """Paragraphs without white space around them, list items apart from each other."""
    found = []
    for part in parts:
        lines = [line.strip() for line in part.split("\n")]
        if any(line.startswith(_BULLETS) for line in lines):
            found += [line for line in lines if line]
        elif text := "\n".join(line for line in lines if line):
            found.append(text)
    return found


def _plain_paragraphs(text: str) -> list[str]:
    return _paragraphs(text.replace("\r\n", "\n").split("\n\n"))


def _finish(paragraphs: list[str], page: Page, extractor: str, confidence: float) -> Text:
    """Join the paragraphs, and say which part is what."""
    headings = _headings(page) if paragraphs and page.media_type != "text/plain" else {}
    texts, blocks, position = [], [], 0
    for paragraph in paragraphs:
        text, role, level = _role(unicodedata.normalize("NFC", paragraph), headings)
        blocks.append(Block(role, position, position + len(text), level))
        texts.append(text)
        position += len(text) + 2
    return Text("\n\n".join(texts), blocks, round(confidence, 3), extractor)


def _role(text: str, headings: dict[str, int]) -> tuple[str, str, int | None]:
    if text.startswith(_BULLETS):
        return text[2:].strip(), "list-item", None
    level = headings.get(_squeezed(text))
    return (text, "heading", level) if level is not None else (text, "paragraph", None)


def _headings(page: Page) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in page.tree.css(_HEADINGS):
        text = _squeezed(node.text(separator=" "))
        if text and len(text) < 300:
            found.setdefault(text, int((node.tag or "h2")[1]))
    return found


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _length(paragraphs: list[str]) -> int:
    return sum(map(len, paragraphs))


def _confidence(paragraphs: list[str], page: Page) -> float:
    """Long text in whole sentences is what a main text looks like; a few short lines are what a menu looks like."""
    length = _length(paragraphs)
    if not length:
        return 0.0
    in_sentences = sum(
        len(p) for p in paragraphs if len(p) > 80 or p.rstrip().endswith((".", "!", "?", "…", "。", ":"))
    )
    enough = min(1.0, length / 800)
    return 0.35 + 0.65 * (in_sentences / length) * (0.4 + 0.6 * enough)


def _overlap(one: list[str], other: list[str]) -> float:
    """Share of the words of *one* that *other* has too."""
    words = set(_words(one))
    return len(words.intersection(_words(other))) / len(words) if words else 0.0


def _words(paragraphs: list[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from paragraph.lower().split()
