"""How a setting is read where Scrapy's own readers are not enough: folders, and lists that may be JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from crawlers.errors import ConfigurationError

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings


def data_folder(settings: BaseSettings) -> Path:
    """``DATA_DIR``, with ``~`` as the home folder; empty is its default, ``data``."""
    return Path(str(settings.get("DATA_DIR") or "data")).expanduser()


def from_json(value: Any, setting: str) -> Any:
    """*value*; a text that begins with ``[`` or ``{`` is read as JSON.

    Raises:
        ConfigurationError: it begins so and is not JSON.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        example = '{"de": "@de.txt"}' if value.lstrip().startswith("{") else '["a", "b"]'
        raise ConfigurationError(
            f"{setting}: expected JSON such as {example}, because it begins with {value.lstrip()[0]}, got {value!r} ({exc})"
        ) from None


def patterns_of(value: Any) -> Any:
    """``KEYWORDS_PATTERNS``: a list, a text that is a JSON list of texts, or any other text, which is one pattern: ``[Ss]olar``."""
    try:
        found = from_json(value, "KEYWORDS_PATTERNS")
    except ConfigurationError:
        return value
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else value


def listed(settings: BaseSettings, name: str) -> list[Any]:
    """The setting *name* as a list: a list, JSON, or a text with commas.

    Raises:
        ConfigurationError: it is something else.
    """
    value = from_json(settings.get(name), name)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, list | tuple | set | frozenset):
        raise ConfigurationError(f"{name}: expected a list, got {value!r}")
    return list(value)
