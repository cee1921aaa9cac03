"""The main text of a page: paragraphs kept, boilerplate gone, with a confidence and a reason for each block.

The page's outline is made from the shared tree, each block gets a probability, and the blocks with the highest expected
F1 together are the text. *fast* asks the first trees of the classifier. *auto* asks all of them where the first are in
doubt. *precise* always asks all, and trafilatura too, whose vote counts where it agrees with many words of a block.
``tests/benchmarks/bench_extract.py`` shows what each reaches and costs.
"""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from crawlers.errors import ExtractionError
from crawlers.extractors import classifier, hidden, mediatypes
from crawlers.extractors.features import features
from crawlers.extractors.hints import HINTS
from crawlers.extractors.outline import AREAS, HIDDEN, ROLES, Outline, Row, outline
from crawlers.items import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crawlers.extractors.page import Page

    Floats = NDArray[np.float64]

logger = logging.getLogger(__name__)

Mode = Literal["fast", "precise", "auto"]
MODES: tuple[str, ...] = get_args(Mode)

_RULES = 2
"""Version of what is decided here besides the classifier: a change of it changes texts."""

_SURE = 0.9
"""Expected F1 above which *auto* leaves it at the first trees."""

_FURTHER_MAX = 5_000
"""Blocks of a page for which *auto* goes further; the longest pages are left at the first trees."""

_VOTE_CHARS = 2_000_000
_VOTE_TAGS = 40_000
_VOTED = 0.95
_VOTE = (0.838, -0.509, 1.474, -0.223, -0.261)
"""Weights of own log-odds, constant, vote, share of words, vote times log of words: a logistic regression on WCXB."""

_SEEN = np.array([Row._fields.index(name) for name in ("role", "level", "areas")])
_ROW = ROLES.index("row")
_HEADING = ROLES.index("heading")
_TERM = ROLES.index("term")
_CODE = ROLES.index("code")
_DEFINES = np.array([role in {"paragraph", "list-item"} for role in ROLES])
"""Role to whether it can be the definition of a term."""

_QUOTE = 1 << AREAS.index("blockquote")
_BLOCK_ROLES = {"other": "paragraph", "term": "paragraph", "button": "paragraph", "summary": "heading", "row": "table"}


@dataclass
class Text:
    """The main text and how it was found."""

    text: str
    """NFC, paragraphs apart by a blank line."""
    blocks: list[Block] = field(default_factory=list)
    confidence: float = 0.0
    """The F1 to expect of the text: what pages that looked like this reached on average."""
    extractor: str = ""
    """Name and version of what made it."""


class _Judgement(NamedTuple):
    odds: Floats
    kept: NDArray[np.bool_]
    expected: float
    extractor: str


def extract_text(page: Page, mode: Mode = "auto") -> Text:
    """The main text of an HTML or plain text page.

    Args:
        page: the page.
        mode: fast, precise or auto.

    Raises:
        ExtractionError: the media type is none that has text here.
    """
    if page.media_type in mediatypes.HTML:
        return _of_outline(page, mode)
    if page.media_type.startswith("text/") and page.media_type not in _FOR_MACHINES:
        return _of_paragraphs(page.html)
    raise ExtractionError(
        f"expected HTML or plain text, got {page.media_type or 'bytes of an unknown type'} at {page.url}: "
        "give its records their text in the spider, or deny such addresses"
    )


_FOR_MACHINES = frozenset({
    "text/cache-manifest", "text/calendar", "text/css", "text/csv", "text/event-stream", "text/javascript", "text/rtf",
    "text/tab-separated-values", "text/vcard", "text/xml",
})  # fmt: skip
"""Texts that nobody reads as they are. Other kinds, as text/markdown and text/x-python, are read as plain text."""


def judge(page: Page, mode: Mode) -> _Judgement:
    """Which blocks of the page's outline are main text. The outline must not be empty."""
    found = outline(page)
    matrix, words = features(found), found.table[:, 0].astype(float)
    version = _version()
    odds = classifier.log_odds(matrix, classifier.model().fast if mode != "precise" else None)
    kept, expected = classifier.choose(classifier.probabilities(odds), words)
    name = f"blocks {version} fast"
    if mode == "precise" or (mode == "auto" and expected < _SURE and len(words) <= _FURTHER_MAX):
        if mode == "auto":
            odds += classifier.log_odds(matrix, after=classifier.model().fast)
        name = f"blocks {version}"
        if mode == "precise" and (vote := _vote(page, found)) is not None:
            odds, name = _counted(odds, vote, words), f"{name} with trafilatura"
        kept, expected = classifier.choose(classifier.probabilities(odds), words)
    _keep_labels(kept, found)
    _keep_code(kept, found, odds, expected)
    _drop_hidden(kept, found, hidden.prose(page))
    _drop_last_headings(kept, found)
    return _Judgement(odds, kept, expected, name)


def _version() -> str:
    return f"{classifier.model().version}.{_RULES}"


def _keep_labels(kept: NDArray[np.bool_], found: Outline) -> None:
    """A term stays with its definition, and a heading with what is kept on both sides of it: no reader can do without."""
    roles, chosen = found.table[:, 3], kept.copy()
    kept[:-1] |= (roles[:-1] == _TERM) & chosen[1:] & _DEFINES[roles[1:]]
    kept[1:-1] |= (roles[1:-1] == _HEADING) & chosen[2:] & chosen[:-2]


def _keep_code(kept: NDArray[np.bool_], found: Outline, odds: Floats, expected: float) -> None:
    """Code stays with text that is kept on both sides of it, unless it is less than half as likely as a block must be.

    Few of the words that main text is known by are in it; "as in this example:" is nothing without the example.
    """
    is_code = found.table[:, 3] == _CODE
    dropped = np.flatnonzero(is_code & ~kept)
    if not dropped.size:
        return
    likely = dropped[classifier.probabilities(odds[dropped]) >= expected / 4]
    texts = np.flatnonzero(~is_code)
    after = texts.searchsorted(likely)
    inside = (after > 0) & (after < texts.size)
    likely, after = likely[inside], after[inside]
    kept[likely] = kept[texts[after - 1]] & kept[texts[after]]


def _drop_hidden(kept: NDArray[np.bool_], found: Outline, texts: list[str]) -> None:
    """What a reader does not see is no main text, unless it is folded away as a part of the page's interface."""
    if texts:
        for place in np.flatnonzero(kept).tolist():
            if found.table[place, 14] & HIDDEN and any(" ".join(found.texts[place].split()) in text for text in texts):
                kept[place] = False


def _drop_last_headings(kept: NDArray[np.bool_], found: Outline) -> None:
    """A heading that nothing follows heads what was dropped."""
    places = np.flatnonzero(kept).tolist()
    while len(places) > 1 and found.table[places[-1], 3] == _HEADING and found.table[places[-1], 4] != 1:
        kept[places.pop()] = False


def _of_outline(page: Page, mode: Mode) -> Text:
    found = outline(page)
    if not found.texts:
        return Text("", extractor=f"blocks {_version()}")
    judged = judge(page, mode)
    text, blocks = _assemble(found, judged.kept.nonzero()[0])
    return Text(text, blocks, round(classifier.confidence(judged.expected), 3), judged.extractor)


def _assemble(found: Outline, chosen: NDArray[np.intp]) -> tuple[str, list[Block]]:
    """The text of the *chosen* blocks, and what part of it is what. Rows of a table that follow on each other are one."""
    parts: list[str] = []
    blocks: list[Block] = []
    at, previous = 0, -2
    known = found.table.take(chosen, 0).take(_SEEN, 1).tolist()
    for place, (role, level, areas) in zip(chosen.tolist(), known, strict=True):
        text = found.texts[place]
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if role == _ROW and blocks and blocks[-1].role == "table" and previous == place - 1:
            parts += ["\n", text]
            at += 1 + len(text)
            blocks[-1].end = at
        else:
            if blocks:
                parts.append("\n\n")
                at += 2
            name = "quote" if areas & _QUOTE and role < _HEADING else ROLES[role]
            blocks.append(Block(_BLOCK_ROLES.get(name, name), at, at + len(text), level if role == _HEADING else None))
            parts.append(text)
            at += len(text)
        previous = place
    return "".join(parts), blocks


def _vote(page: Page, found: Outline) -> Floats | None:
    """Share of each block's words that trafilatura keeps; None where it says nothing or the page is too much for it."""
    markup = page.markup
    if len(markup) > _VOTE_CHARS or markup.count("<") > _VOTE_TAGS:
        return None
    import trafilatura  # half a second, and only where it is asked

    try:
        answer = trafilatura.extract(markup)
    except Exception as exc:  # it raises what its many parts raise; the page has an answer without it
        logger.debug("trafilatura failed on %s: %r", page.url, exc)
        return None
    if not answer:
        return None
    known = Counter(answer.lower().split())
    counted = [Counter(text.lower().split()) for text in found.texts]
    return np.array([(count & known).total() / count.total() for count in counted])


def _counted(odds: Floats, vote: Floats, words: Floats) -> Floats:
    own, constant, voted, share, long = _VOTE
    agreed = vote > _VOTED
    counted: Floats = own * odds + constant + voted * agreed + share * vote + long * agreed * np.log(words)
    return counted


def _of_paragraphs(source: str) -> Text:
    """Plain text: paragraphs are what blank lines part."""
    text = unicodedata.normalize("NFC", source.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.rstrip() for line in text.split("\n")]
    parts = [part.strip("\n") for part in "\n".join(lines).split("\n\n")]
    kept, blocks = paragraphs([part for part in parts if part.strip()])
    return Text(kept, blocks, 1.0 if kept else 0.0, "plain")


def paragraphs(texts: list[str]) -> tuple[str, list[Block]]:
    """*texts* apart by a blank line, and each of them as a paragraph."""
    blocks, at = [], 0
    for text in texts:
        blocks.append(Block("paragraph", at, at + len(text)))
        at += len(text) + 2
    return "\n\n".join(texts), blocks


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one block of a page, and why."""

    text: str
    role: str
    kept: bool
    score: float
    """Probability of being main text."""
    threshold: float
    """The probability from which on blocks of this page are kept: half of the F1 that can be expected of it."""
    place: str
    """Path of tags and classes in the page."""
    reasons: tuple[str, ...]
    """What stands out: areas, words in classes, share of links, length."""


def explain(page: Page, mode: Mode = "auto") -> list[Decision]:
    """Every block of an HTML page, in order: kept or dropped, with score and reasons."""
    found = outline(page)
    if page.media_type not in mediatypes.HTML or not found.texts:
        return []
    judged = judge(page, mode)
    chances, threshold = classifier.probabilities(judged.odds).tolist(), judged.expected / 2
    return [
        Decision(
            text, ROLES[row.role], kept, round(chance, 4), round(threshold, 4), found.place(row.path),
            (*([_LABEL] if kept and chance < threshold else []), *_reasons(row)),
        )
        for text, row, kept, chance in zip(found.texts, found.rows, judged.kept.tolist(), chances, strict=True)
    ]  # fmt: skip


_LABEL = "belongs to what is kept beside it"


def _reasons(row: Row) -> list[str]:
    found = [f"in {area}" for bit, area in enumerate(AREAS) if row.areas >> bit & 1]
    found += ["hidden"] if row.areas & HIDDEN else []
    found += [f"class says {words}" for bit, words in enumerate(HINTS) if row.near >> bit & 1]
    found += [f"around it {words}" for bit, words in enumerate(HINTS) if row.far >> bit & 1]
    found += ["words of a site's frame"] if row.chrome else []
    return [*found, f"{row.words} words", f"{row.linked / row.chars:.0%} links"]
