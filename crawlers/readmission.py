"""Which rejections to readmit: by stage and reason, and by a condition on what was measured.

A condition is ``name operator value``, several joined by `` and ``: ``value < 0.9``, ``value >= 3 and record.language = de``.
Names are ``value``, ``threshold``, ``url``, ``key``, ``detail``, ``run_id`` or a dotted path into ``record``.
"""

from __future__ import annotations

import operator
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from crawlers.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "~": lambda text, part: part in text,
}
_CONDITION = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=|!=|=|<|>|~)\s*(.+?)\s*")
_NAMES = ("value", "threshold", "url", "key", "detail", "run_id", "duplicate_of", "record")


@dataclass(frozen=True)
class Condition:
    """One comparison."""

    name: str
    op: str
    value: Any

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether *row* fulfils it. What is absent, or of another kind than the value, does not."""
        found: Any = row
        for part in self.name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is None:
            return False
        value = str(self.value) if isinstance(found, str) else self.value
        try:
            return _OPERATORS[self.op](found, value)
        except TypeError:
            return False


@dataclass(frozen=True)
class Selection:
    """A choice among the rejections of one source."""

    reason: str | None = None
    stage: str | None = None
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, reason: str | None = None, stage: str | None = None, where: str | None = None) -> Selection:
        """Read a condition as the command line has it.

        Raises:
            ArgumentError: the condition cannot be read; says what one looks like.
        """
        parts = re.split(r"\s+and(?:\s+|$)", where) if where else []
        return cls(reason, stage, tuple(_condition(part) for part in parts))

    def matches(self, row: dict[str, Any]) -> bool:
        """Whether a rejection, as ``rejections.iterate`` yields it, is chosen."""
        if self.reason is not None and row["reason"] != self.reason:
            return False
        if self.stage is not None and row["stage"] != self.stage:
            return False
        return all(condition.holds(row) for condition in self.conditions)

    def to_json(self) -> str:
        """As a setting carries it."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Selection:
        """The inverse of :meth:`to_json`."""
        data = orjson.loads(text)
        return cls(data["reason"], data["stage"], tuple(Condition(**c) for c in data["conditions"]))


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text)
    if match is None or match[1].partition(".")[0] not in _NAMES:
        raise ArgumentError(
            f"--where: expected conditions such as 'value < 0.9' or 'record.language = de', joined by 'and', got {text!r}; "
            f"names are {', '.join(_NAMES[:-1])} and record.<field>; operators are {' '.join(_OPERATORS)} (~: contains)"
        )
    try:
        value = orjson.loads(match[3])
    except orjson.JSONDecodeError:
        value = match[3].strip("'\"")
    return Condition(match[1], match[2], value)
