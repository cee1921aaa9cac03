"""Reads keyword lists: inline, ``a,b``, ``@file``, and each of them by language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawlers.configuration import from_json
from crawlers.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANY_LANGUAGE = "*"


def read_phrases(value: Any, setting: str) -> dict[str, list[str]]:
    """A setting's phrases by language, ``*`` for those of every language.

    Args:
        value: a list of phrases, ``"a,b"``, ``"@file"``, or a mapping from language to one of these; a text that begins
            with ``[`` or ``{`` is JSON.
        setting: its name, for messages.

    Raises:
        ConfigurationError: a file cannot be read or holds nothing, or the value is of another kind.
    """
    value = from_json(value, setting)
    lists = dict(value.items()) if hasattr(value, "items") else {ANY_LANGUAGE: value}
    found: dict[str, list[str]] = {}
    for language, phrases in lists.items():
        tidy = list(dict.fromkeys(" ".join(phrase.split()) for phrase in _phrases(phrases, setting)))
        if tidy := [phrase for phrase in tidy if phrase]:
            found[str(language).lower()] = tidy
    if not found and isinstance(value, str) and value:
        raise ConfigurationError(f"{setting}: expected phrases, got none in {value!r}: name some, or leave it empty")
    return found


def _phrases(value: Any, setting: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, str):
        value = [value] if value.startswith("@") else value.split(",")
    if not isinstance(value, list | tuple | set | frozenset):
        raise ConfigurationError(
            f"{setting}: expected phrases as a list, 'a,b' or '@file', got {type(value).__name__}: {value!r}"
        )
    for item in value:
        if not isinstance(item, str):
            raise ConfigurationError(f"{setting}: expected phrases to be text, got {item!r}: put it in quotes")
        if item.startswith("@") and len(item) > 1:
            yield from _read(Path(item[1:]).expanduser(), setting)
        else:
            yield item


def _read(path: Path, setting: str) -> Iterable[str]:
    """The lines of *path* without blank ones and those that begin with ``#``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as exc:
        raise ConfigurationError(
            f"{setting}: expected a file with one phrase a line at {path.absolute()}, got: {exc.strerror or exc}"
        ) from None
    except UnicodeDecodeError as exc:
        raise ConfigurationError(
            f"{setting}: expected UTF-8 in {path.absolute()}, got byte {exc.object[exc.start]:#04x} at {exc.start}: "
            "save the file as UTF-8"
        ) from None
    phrases = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not phrases:
        raise ConfigurationError(
            f"{setting}: expected one phrase a line in {path.absolute()}, got none: fill it, or take it out of {setting}"
        )
    return phrases
