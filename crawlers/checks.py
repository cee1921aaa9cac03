"""Whether settings can be what they are: their types and ranges, looked at before anything is built.

The rules follow from the defaults in :mod:`crawlers.settings` and in Scrapy, so that a new setting has one; only what
a default does not tell stands in the tables here.
"""

from __future__ import annotations

import difflib
import logging
import math
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scrapy.settings import default_settings

from crawlers import settings as defaults
from crawlers.configuration import from_json, patterns_of
from crawlers.errors import ConfigurationError
from crawlers.network import AddressPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scrapy.settings import BaseSettings

_LIKENESS = 0.8  # of a name to the one that was meant; IMAGES_STORE is not IMAGES_STORE_S3_ACL
_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "NOTSET")


def _switch(value: Any) -> bool:
    """As Scrapy's ``getbool``."""
    if value in ("True", "true"):
        return True
    if value in ("False", "false"):
        return False
    return bool(int(value))


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    number = float(value)
    if math.isnan(number):
        raise ValueError
    return number


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | os.PathLike):
        raise TypeError
    return str(value)


def _texts(value: Any) -> Any:
    """Text with commas, or a list of texts."""
    for part in value if isinstance(value, list | tuple | set | frozenset) else [value]:
        _text(part)
    return value


def _list(value: Any) -> Any:
    if not isinstance(value, str | list | tuple | set | frozenset | None):
        raise TypeError
    return value


def _mapping(value: Any) -> Any:
    if value is not None and not hasattr(value, "items"):
        raise TypeError
    return value or {}


def _components(value: Any) -> Any:
    for order in _mapping(value).values():
        if order is not None:
            _number(order)
    return value


def _phrases(value: Any) -> Any:
    return value if hasattr(value, "items") else _list(value)


def _codes(value: Any) -> list[int]:
    codes = value.split(",") if isinstance(value, str) else value
    return [int(code) for code in codes if code != ""]


def _level(value: Any) -> Any:
    if value not in logging.getLevelNamesMapping() and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError
    return value


def _patterns(value: Any) -> Any:
    return _list(patterns_of(value))


def _networks(value: Any) -> Any:
    return AddressPolicy(_texts(value) or "").allowed


@dataclass(frozen=True)
class Rule:
    """What a setting may be."""

    expected: str
    read: Callable[[Any], Any]
    """Raises TypeError or ValueError where a value is not of that kind."""
    low: float = -math.inf
    high: float = math.inf
    positive: bool = False
    empty: bool = True
    """Whether None may stand for no value."""

    @property
    def numeric(self) -> bool:
        """Whether it has a range."""
        return self.read in (_whole, _number)

    def __str__(self) -> str:
        if self.positive:
            return f"{self.expected} greater than 0"
        if self.high < math.inf:
            return f"{self.expected} from {self.low:g} to {self.high:g}"
        return f"{self.expected} of at least {self.low:g}" if self.low > -math.inf else self.expected

    def value(self, name: str, given: Any) -> Any:
        """*given* as the setting *name* has it.

        Raises:
            ConfigurationError: it cannot be that.
        """
        if given is None and self.empty:
            return None
        try:
            value = self.read(given)
        except (TypeError, ValueError, OverflowError):
            raise ConfigurationError(f"{name}: expected {self}, got {given!r}") from None
        if self.numeric and not (self.low <= value <= self.high and (value > 0 or not self.positive)):
            raise ConfigurationError(f"{name}: expected {self}, got {given!r}")
        return value


SWITCH = Rule("True or False", _switch)
WHOLE, NUMBER = Rule("a whole number", _whole), Rule("a number", _number)
TEXT, LIST = Rule("text", _text), Rule("a list, JSON or 'a,b'", _list)
MAPPING = Rule("a mapping, or a JSON object", _mapping)
COMPONENTS = Rule("a mapping, or a JSON object, from components to numbers or null", _components)
PHRASES = Rule("phrases as a list, 'a,b', '@file', or one of these by language", _phrases)
COMPONENT = Rule("a component", lambda value: value)  # a path or a class; Scrapy says what it cannot import

_BY_TYPE = {bool: SWITCH, int: WHOLE, float: NUMBER, str: TEXT, list: LIST, dict: MAPPING}
_BY_NAME = {
    **dict.fromkeys(("CAPTURE_RETENTION_DAYS", "DOWNLOAD_DELAY", "DOWNLOAD_TIMEOUT", "DNS_TIMEOUT"), NUMBER),
    **dict.fromkeys(("ITEM_PIPELINES", "DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "EXTENSIONS"), COMPONENTS),
    **dict.fromkeys(("KEYWORDS", "KEYWORDS_ALL", "KEYWORDS_NONE"), PHRASES),
    **dict.fromkeys(
        ("SPIDER_LOADER_CLASS", "SCHEDULER", "ITEM_PROCESSOR", "DOWNLOADER", "LOG_FORMATTER", "STATS_CLASS"), COMPONENT
    ),
    "EXPORTS": Rule("formats apart by commas", _texts),
    "LOG_LEVEL": Rule(f"one of {', '.join(_LEVELS)}", _level),
    "NETWORK_ALLOW": Rule("networks or addresses apart by commas, such as 127.0.0.0/8,::1", _networks),
    "KEYWORDS_PATTERNS": Rule("a pattern, or a list of them, JSON", _patterns),
    "RETRY_HTTP_CODES": Rule("a list of status codes", _codes),
    "TELNETCONSOLE_ENABLED": SWITCH,
}
_POSITIVE = frozenset({"LEASE_SECONDS", "DOWNLOAD_TIMEOUT"})
_RANGES = {
    **dict.fromkeys(
        (
            "CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN", "CONCURRENT_ITEMS", "SETTLE_PAGES", "TRAP_REPEATS",
            "TRAP_SEGMENTS",
        ),
        (1, math.inf),
    ),
    **dict.fromkeys(("DEPTH_LIMIT", "URLLENGTH_LIMIT", "DOWNLOAD_WARNSIZE", "REDIRECT_MAX_TIMES"), (0, math.inf)),
    "DEMO_PORT": (1, 65_535),
    "DEDUP_THRESHOLD": (0.3, 1),
    "DEDUP_SHINGLE_WORDS": (1, 50),
    "DEDUP_MIN_WORDS": (1, 10_000),
    "IMAGE_MIN_SHARPNESS": (0, 1),
}  # fmt: skip


def _rules() -> dict[str, Rule]:
    ours = {name for name in dir(defaults) if name.isupper()}
    found = {}
    for name in sorted(ours | {name for name in dir(default_settings) if name.isupper()}):
        default = getattr(defaults, name, getattr(default_settings, name, None))
        rule = _BY_NAME.get(name) or _BY_TYPE.get(type(default))
        if rule is None or (name not in ours and name not in _BY_NAME and type(default) not in {bool, int, float}):
            continue  # Scrapy's lists and texts are Scrapy's to read
        if rule.numeric:
            low, high = _RANGES.get(name, (0, math.inf) if name in ours else (-math.inf, math.inf))
            rule = replace(rule, low=low, high=high, positive=name in _POSITIVE)
        found[name] = replace(rule, empty=name not in ours) if rule.numeric or rule is SWITCH else rule
    return found


RULES = _rules()
"""Setting to what it may be: each of ours, and those of Scrapy that are a switch or a number."""


def value_of(settings: BaseSettings, name: str) -> Any:
    """The value of the setting *name*, or its default here, in the type that it is read as.

    Raises:
        ConfigurationError: it is of another type, or out of its range.
    """
    rule, given = RULES[name], settings[name] if name in settings else getattr(defaults, name, None)
    if rule.read in (_mapping, _components, _list, _phrases, _codes):
        given = from_json(given, name)
    return rule.value(name, given)


def check(settings: BaseSettings) -> None:
    """Look at every setting that there is.

    Raises:
        ConfigurationError: one cannot be what it is: says which, what was expected, what it is.
    """
    for name in RULES:
        if name in settings:
            value_of(settings, name)


def check_mappings(given: Iterable[str]) -> None:
    """Look at those ``NAME=value`` of a command line that must be JSON objects, before Scrapy reads them.

    Raises:
        ConfigurationError: one is not.
    """
    for pair in given:
        name, _, text = pair.partition("=")
        rule = RULES.get(name)
        if rule in (MAPPING, COMPONENTS):
            rule.value(name, from_json(text, name))


def concerned(settings: BaseSettings) -> bool:
    """Whether a project uses our components, so that our names mean what they mean here."""
    ours = (str(settings.get(name) or "") for name in ("SCHEDULER", "COMMANDS_MODULE"))
    return any(path.startswith("crawlers.") for path in ours) or any(
        "GristmillAddon" in str(addon) for addon in settings["ADDONS"] or ()
    )


def misspelt(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Those of *names* that nobody knows and that are nearly the name of a setting, with that name."""
    every = sorted({*known, *RULES, *(name for name in dir(default_settings) if name.isupper())})
    unknown = [name for name in names if name not in every]
    near = {name: difflib.get_close_matches(name, every, n=1, cutoff=_LIKENESS) for name in unknown}
    return {name: found[0] for name, found in near.items() if found}
