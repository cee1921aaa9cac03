"""Cleans the values of a record's own fields: missing ones become None, strings are repaired, NaN is not a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from crawlers.pipelines.repair import repair

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING = ("", "-", "--", "–", "—", "n/a", "#n/a", "null", "nan", "undefined")
"""What sources write where they have no value, compared without case and surrounding white space."""

_DEPTH_MAX = 64


class ValueCleaner:
    """Cleans values as JSON has them, to any depth.

    Args:
        missing: strings that stand for no value.
    """

    def __init__(self, missing: Iterable[str] = MISSING) -> None:
        self._missing = frozenset(word.strip().casefold() for word in missing)
        self._longest = max(map(len, self._missing), default=0)

    def is_missing(self, text: str) -> bool:
        """Whether *text* says that there is no value."""
        bare = text.strip()
        return len(bare) <= self._longest and bare.casefold() in self._missing

    def clean(self, value: Any, path: str, changed: dict[str, Any], flags: list[str]) -> Any:
        """*value*, cleaned. Containers that need nothing come back as they are, others as copies.

        Args:
            value: any JSON value; other objects stay.
            path: dotted name of the value, for *changed*.
            changed: gets an account of each change.
            flags: gets the flags that the repair of a string deserves.
        """
        return self._clean(value, path, changed, flags, 0)

    def _clean(self, value: Any, path: str, changed: dict[str, Any], flags: list[str], depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, path, changed, flags)
        if isinstance(value, float) and not math.isfinite(value):
            changed[path] = f"not a number: {value}"
            return None
        if depth >= _DEPTH_MAX:
            return value
        if isinstance(value, dict):
            return {
                self._key(key, path, changed): self._clean(item, f"{path}.{key}", changed, flags, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._clean(item, f"{path}.{i}", changed, flags, depth + 1) for i, item in enumerate(value)]
        return value

    def _text(self, text: str, path: str, changed: dict[str, Any], flags: list[str]) -> str | None:
        if self.is_missing(text):
            changed[path] = f"missing: {text[:20]!r}"
            return None
        done = repair(text)
        flags += done.flags
        if done.text != text:
            changed[path] = done.changes
        if self.is_missing(done.text):
            changed[path] = "missing: nothing is left"
            return None
        return done.text

    def _key(self, key: Any, path: str, changed: dict[str, Any]) -> Any:
        """Names of fields only lose what no JSON writer takes."""
        if not isinstance(key, str) or key.isascii() or not any("\ud800" <= char <= "\udfff" for char in key):
            return key
        changed[f"{path}.{key!a}"] = "name repaired"
        return key.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
