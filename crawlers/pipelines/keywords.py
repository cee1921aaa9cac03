"""Keywords: keeps records that speak of the subject, and notes which phrases they use, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured

from crawlers.configuration import from_json, listed, patterns_of
from crawlers.errors import ConfigurationError, Rejected
from crawlers.items import RECORD_FIELDS, KeywordMatch
from crawlers.pipelines.folding import Fold
from crawlers.pipelines.matching import PatternMatcher, PhraseMatcher
from crawlers.pipelines.phrases import ANY_LANGUAGE, read_phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from crawlers.items import Record

ANY, ALL, NONE, PATTERNS, NOT_PATTERNS = "any", "all", "none", "patterns", "none_patterns"
_KINDS = (ANY, ALL, NONE, PATTERNS, NOT_PATTERNS)
_SETTINGS = {
    ANY: "KEYWORDS", ALL: "KEYWORDS_ALL", NONE: "KEYWORDS_NONE", PATTERNS: "KEYWORDS_PATTERNS",
}  # fmt: skip
_PLACES = frozenset(RECORD_FIELDS) - {"blocks", "media", "keywords", "rights", "provenance", "version"}  # without texts
_OPEN = frozenset({"fields"})  # holds what a source likes, so that any name may stand below
_SHOWN = 20


@dataclass
class Group:
    """A condition on a record. It holds when all three parts hold that are there.

    In the setting ``KEYWORDS_GROUPS`` a group is a mapping with these names; ``in`` stands for ``fields``.
    """

    name: str
    any: Any = None
    """At least one of these occurs. Phrases as :func:`crawlers.pipelines.phrases.read_phrases` takes them."""
    all: Any = None
    """Each of these occurs. Where the language of a record is unknown, only those of every language count."""
    none: Any = None
    """None of these occurs."""
    patterns: Sequence[str] = ()
    """Regular expressions that count with ``any``."""
    none_patterns: Sequence[str] = ()
    """Regular expressions that count with ``none``."""
    fields: Sequence[str] = ("title", "text")
    """Where to look: title, text, or a dotted name such as fields.tags."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Part to the setting it comes from, for messages; the others come from KEYWORDS_GROUPS."""

    def where(self, kind: str) -> str:
        """How a message names the part *kind*."""
        return self.settings.get(kind, f"KEYWORDS_GROUPS ({self.name}: {kind})")

    @classmethod
    def of(cls, values: Mapping[str, Any], fields: Sequence[str]) -> Group:
        """Read a group as settings have it.

        Raises:
            ConfigurationError: a name is unknown or missing; says which there are.
        """
        if (
            not hasattr(values, "items")
            or not isinstance(values.get("name"), str)
            or set(values) - {"name", "in", *_KINDS}
        ):
            raise ConfigurationError(
                f"KEYWORDS_GROUPS: expected groups such as {{'name': 'solar', 'any': ['solar panel'], 'in': ['title']}} "
                f"with {', '.join(_KINDS)} and in, got {values!r}"
            )
        given = {name: value for name, value in values.items() if name != "in"}
        where = f"KEYWORDS_GROUPS ({values['name']}: "
        for kind in {PATTERNS, NOT_PATTERNS} & set(given):
            given[kind] = _patterns(given[kind], f"{where}{kind})")
        places = values.get("in") or fields
        places = _places([places] if isinstance(places, str) else places, f"{where}in)")
        return cls(**given, fields=places)


@dataclass
class _Phrase:
    """One phrase in one part of one group."""

    group: int
    kind: str
    language: str
    phrase: str


@dataclass
class _State:
    """What was found of one group in one record."""

    found: bool = False
    seen: set[str] = field(default_factory=set)


class KeywordsPipeline:
    """Keeps the records for which every group of conditions holds.

    ``KEYWORDS``, ``KEYWORDS_ALL``, ``KEYWORDS_NONE`` and ``KEYWORDS_PATTERNS`` are one group, ``KEYWORDS_GROUPS`` are
    more. Lists by language count for records in that language, and for records whose language is unknown. A record is
    rejected as ``excluded-keyword`` (value: the phrase), ``missing-keyword`` (value: the phrases of ``all`` that are
    not there) or ``no-keyword`` (value: number of phrases that were looked for). Matches of kept records stand in
    ``record.keywords`` with their places in the text as it is.

    The spider arguments ``keywords`` and ``exclude`` take the place of ``KEYWORDS`` and ``KEYWORDS_NONE``.

    Args:
        groups: the conditions.
        whole_words: a phrase is found only where it is not part of a longer word.
        fold_case: capitals and small letters are the same.
        fold_accents: é is e.
        max_matches: matches that are kept on one record; more are counted as the flag keywords-truncated.

    Settings:
        KEYWORDS, KEYWORDS_ALL, KEYWORDS_NONE, KEYWORDS_PATTERNS, KEYWORDS_GROUPS, KEYWORDS_FIELDS,
        KEYWORDS_WHOLE_WORDS, KEYWORDS_FOLD_CASE, KEYWORDS_FOLD_ACCENTS, KEYWORDS_MATCHES_MAX

    Stats:
        none of its own; gristmill/rejected/keywords/{no-keyword,missing-keyword,excluded-keyword} count what it rejects.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        *,
        whole_words: bool = True,
        fold_case: bool = True,
        fold_accents: bool = False,
        max_matches: int = 1000,
    ) -> None:
        self._groups = list(groups)
        self._max = max_matches
        self._uses: dict[int, list[_Phrase]] = {}
        self._required: list[list[_Phrase]] = [[] for _ in groups]
        self._wanted: list[dict[str, int]] = [{} for _ in groups]
        phrases = list(self._phrases())
        fold = Fold(case=fold_case, accents=fold_accents)
        self._matcher = (
            PhraseMatcher([use.phrase for use in phrases], fold, whole_words=whole_words) if phrases else None
        )
        for number, use in enumerate(phrases):
            assert self._matcher is not None
            self._uses.setdefault(self._matcher.same[number], []).append(use)
        self._patterns = [
            (
                number,
                kind,
                list(patterns),
                PatternMatcher(list(patterns), group.where(kind), fold_case=fold_case),
            )
            for number, group in enumerate(groups)
            for kind in (PATTERNS, NOT_PATTERNS)
            if (patterns := getattr(group, kind))
        ]
        self._fields = list(dict.fromkeys(name for group in groups for name in group.fields))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeywordsPipeline:
        """Read the lists from the settings and the spider's arguments."""
        settings = crawler.settings
        args = getattr(crawler.spider, "args", None)
        groups = list(_groups(settings, getattr(args, "keywords", None), getattr(args, "exclude", None)))
        if not groups:
            raise NotConfigured(
                "no keyword list: set KEYWORDS, KEYWORDS_GROUPS or KEYWORDS_NONE, or pass -a keywords=a,b"
            )
        return cls(
            groups,
            whole_words=settings.getbool("KEYWORDS_WHOLE_WORDS"),
            fold_case=settings.getbool("KEYWORDS_FOLD_CASE"),
            fold_accents=settings.getbool("KEYWORDS_FOLD_ACCENTS"),
            max_matches=settings.getint("KEYWORDS_MATCHES_MAX"),
        )

    def process_item(self, record: Record) -> Record:
        """Look for the phrases; keep the matches or reject the record."""
        language = (record.language or "").partition("-")[0].lower()
        states = [_State() for _ in self._groups]
        matches: list[KeywordMatch] = []
        for name in self._fields:
            for place, text in _texts(record, name):
                self._search_phrases(name, place, text, language, states, matches)
                self._search_patterns(name, place, text, states, matches)
        for number, state in enumerate(states):
            self._judge(number, state, language)
        if len(matches) > self._max:
            record.flag("keywords-truncated")
        record.keywords = matches[: self._max]
        return record

    def _phrases(self) -> Iterator[_Phrase]:
        for number, group in enumerate(self._groups):
            for kind in (ANY, ALL, NONE):
                for language, phrases in read_phrases(getattr(group, kind), group.where(kind)).items():
                    uses = [_Phrase(number, kind, language, phrase) for phrase in phrases]
                    if kind == ALL:
                        self._required[number] += uses
                    elif kind == ANY:
                        self._wanted[number][language] = len(uses)
                    yield from uses

    def _search_phrases(
        self, name: str, place: str, text: str, language: str, states: list[_State], matches: list[KeywordMatch]
    ) -> None:
        if self._matcher is None:
            return
        for number, start, end in self._matcher.find(text):
            for use in self._uses[number]:
                group = self._groups[use.group]
                if name not in group.fields or not _speaks(use.language, language):
                    continue
                if use.kind == NONE:
                    raise _excluded(use.phrase, group.name, place, start)
                state = states[use.group]
                if use.kind == ANY:
                    state.found = True
                else:
                    state.seen.add(use.phrase)
                matches.append(KeywordMatch(use.phrase, _list_name(group.name, use.language), start, end, place))

    def _search_patterns(
        self, name: str, place: str, text: str, states: list[_State], matches: list[KeywordMatch]
    ) -> None:
        for group, kind, patterns, matcher in self._patterns:
            if name not in self._groups[group].fields:
                continue
            for number, start, end in matcher.find(text):
                if kind == NOT_PATTERNS:
                    raise _excluded(patterns[number], self._groups[group].name, place, start)
                states[group].found = True
                matches.append(KeywordMatch(patterns[number], self._groups[group].name, start, end, place))

    def _judge(self, number: int, state: _State, language: str) -> None:
        """Raise unless group *number* holds."""
        group = self._groups[number]
        missing = [
            use.phrase
            for use in self._required[number]
            if use.phrase not in state.seen and use.language in {ANY_LANGUAGE, language}
        ]
        if missing:
            raise Rejected(
                stage="keywords",
                reason="missing-keyword",
                detail=f"{group.name}: {missing[0]!r} does not occur in {', '.join(group.fields)}",
                value=missing[:_SHOWN],
                threshold=group.name,
            )
        wanted = self._wanted[number]
        if state.found or not (wanted or group.patterns):
            return
        count = sum(n for of, n in wanted.items() if _speaks(of, language)) + len(group.patterns)
        raise Rejected(
            stage="keywords",
            reason="no-keyword",
            detail=f"{group.name}: none of {count:,} phrases occurs in {', '.join(group.fields)}"
            if count
            else f"{group.name}: there is no list for {language!r}, and none for every language (*)",
            value=count,
            threshold=group.name,
        )


def _groups(settings: BaseSettings, keywords: Any, exclude: Any) -> Iterator[Group]:
    fields = _places(listed(settings, "KEYWORDS_FIELDS") or ["title", "text"], "KEYWORDS_FIELDS")
    given = {kind: from_json(settings.get(name), name) for kind, name in _SETTINGS.items() if kind != PATTERNS}
    main = Group(
        "keywords",
        any=keywords or given[ANY],
        all=given[ALL],
        none=exclude or given[NONE],
        patterns=_patterns(patterns_of(settings.get("KEYWORDS_PATTERNS")), "KEYWORDS_PATTERNS"),
        fields=fields,
        settings=_SETTINGS,
    )
    if main.any or main.all or main.none or main.patterns:
        yield main
    for values in _listed(from_json(settings.get("KEYWORDS_GROUPS"), "KEYWORDS_GROUPS"), "KEYWORDS_GROUPS"):
        yield Group.of(values, fields)


def _listed(value: Any, setting: str) -> Sequence[Any]:
    """A setting that is a list; one text alone is one pattern, commas have a meaning in it."""
    if isinstance(value, str):
        return [value] if value else []
    if value is None or isinstance(value, list | tuple):
        return value or []
    raise ConfigurationError(f"{setting}: expected a list, got {value!r}")


def _patterns(value: Any, setting: str) -> Sequence[str]:
    found = _listed(value, setting)
    for pattern in found:
        if not isinstance(pattern, str):
            raise ConfigurationError(f"{setting}: expected regular expressions as text, got {pattern!r}")
    return found


def _places(names: Any, setting: str) -> list[str]:
    """*names* of parts of a record, each of which can have a text: of the envelope, or anything below ``fields``."""
    places = [str(name).strip() for name in _listed(names, setting)]
    for name in places:
        top, _, below = name.partition(".")
        if top not in _PLACES or (below and top not in _OPEN):
            raise ConfigurationError(
                f"{setting}: expected some of {', '.join(sorted(_PLACES))}, or a name below fields such as fields.tags, "
                f"got {name!r}"
            )
    return places


def _texts(record: Record, name: str) -> Iterator[tuple[str, str]]:
    """Each text below the dotted *name*, with its own dotted name."""
    value: Any = record
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else getattr(value, step, None) if value is record else None
    yield from _strings(name, value)


def _strings(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(f"{name}.{number}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(f"{name}.{key}", item)


def _speaks(list_language: str, language: str) -> bool:
    return list_language == ANY_LANGUAGE or not language or list_language.partition("-")[0] == language


def _list_name(group: str, language: str) -> str:
    return group if language == ANY_LANGUAGE else f"{group}/{language}"


def _excluded(phrase: str, group: str, place: str, start: int) -> Rejected:
    return Rejected(
        stage="keywords",
        reason="excluded-keyword",
        detail=f"{group}: {phrase!r} occurs in {place} at {start}",
        value=phrase,
        threshold=group,
    )
