"""Spider arguments: typed, documented, and checked before the first request.

A source declares them as a dataclass, each with :func:`argument`::

    @dataclass(kw_only=True)
    class Arguments(CommonArguments):
        url: str = argument("where to start", example="https://example.com")

Strings from the command line become the declared type. Lists are ``a,b`` or ``@file`` with one value a line.
"""

from __future__ import annotations

import difflib
import types
import typing
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from crawlers.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from dataclasses import Field

T = TypeVar("T")

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def argument(
    help: str,  # noqa: A002
    default: Any = MISSING,
    *,
    example: str | None = None,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    of: str = "values",
) -> Any:
    """A field of an ``Arguments`` dataclass.

    Args:
        help: what it is for, in a few words, with the unit.
        default: value where it is not given; without one the argument is required.
        example: value to show where it is missing.
        choices: the only values allowed.
        minimum: the least number allowed.
        of: what a list is made of, for messages.
    """
    metadata = {"help": help, "example": example, "choices": tuple(choices), "minimum": minimum, "of": of}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(kw_only=True)
class CommonArguments:
    """What every source understands."""

    keywords: list[str] = argument(
        "keep only records in which one of these phrases occurs", [], example="solar,wind", of="phrases"
    )
    exclude: list[str] = argument(
        "reject records in which one of these phrases occurs", [], example="casino", of="phrases"
    )
    max_pages: int = argument("pages to fetch at most, over all runs of the crawl; 0: no limit", 0, minimum=0)


def parse(cls: type[T], given: Mapping[str, Any], source: str) -> T:
    """The arguments of *source* from what the command line gives.

    Raises:
        ArgumentError: one is unknown, missing, or of the wrong type; lists what there is.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ArgumentError(f"{source}: unknown argument {name!r}{hint}. It takes:\n{describe(cls)}")
    hints = typing.get_type_hints(cls)
    values = {name: _convert(known[name], hints[name], value, source) for name, value in given.items()}
    for name, f in known.items():
        if f.default is MISSING and f.default_factory is MISSING and name not in values:
            example = f.metadata.get("example") or "…"
            raise ArgumentError(
                f"{source}: missing argument {name!r} ({f.metadata.get('help', '')}): "
                f"scrapy crawl {source} -a {name}={example}"
            )
    return cls(**values)


def describe(cls: type[Any]) -> str:
    """The arguments of a source for a person: one a line, with type, meaning and default."""
    hints = typing.get_type_hints(cls)
    lines = []
    for f in fields(cls):
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        note = "required" if default is MISSING else f"default: {_show(default)}"
        choices = f" ({', '.join(f.metadata['choices'])})" if f.metadata.get("choices") else ""
        lines.append(f"  -a {f.name}=<{_type_name(hints[f.name])}>  {f.metadata.get('help', '')}{choices}; {note}")
    return "\n".join(lines)


def _show(value: Any) -> str:
    return "none" if value in ("", [], None) else str(value)


def _type_name(hint: Any) -> str:
    hint = _bare(hint)
    return "list" if typing.get_origin(hint) is list else getattr(hint, "__name__", str(hint))


def _bare(hint: Any) -> Any:
    """The type without ``| None``."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _convert(f: Field[Any], hint: Any, value: Any, source: str) -> Any:
    kind = _bare(hint)
    try:
        result = _read(kind, value)
    except ValueError as exc:
        detail = f": {exc}" if str(exc).startswith("@") or "cannot" in str(exc) else ""
        raise ArgumentError(
            f"{source}: argument {f.name!r}: expected {_type_name(hint)}, got {value!r}{detail} "
            f"({f.metadata.get('help', '')})"
        ) from None
    choices, minimum = f.metadata.get("choices"), f.metadata.get("minimum")
    if result == [] and isinstance(value, str) and f.default_factory is not MISSING and not f.default_factory():
        raise ArgumentError(
            f"{source}: argument {f.name!r}: expected {f.metadata.get('of') or 'values'}, got none in {value!r}: name "
            f"some, or leave the argument out"
        )
    if choices and result not in choices:
        raise ArgumentError(f"{source}: argument {f.name!r}: expected one of {', '.join(choices)}, got {value!r}")
    if minimum is not None and result < minimum:
        raise ArgumentError(f"{source}: argument {f.name!r}: expected at least {minimum}, got {value!r}")
    return result


def _read(kind: Any, value: Any) -> Any:
    if typing.get_origin(kind) is list:
        return read_list(value) if isinstance(value, str) else list(value)
    if kind is bool and not isinstance(value, bool):
        word = str(value).strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError
        return word in _TRUE
    return kind(value)


def read_list(text: str) -> list[str]:
    """``a,b``, ``["a", "b"]`` or ``@file`` (one value a line, ``#`` begins a comment) as a list without blanks.

    Raises:
        ValueError: the file cannot be read, or is empty.
    """
    if text.lstrip().startswith("["):
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            raise ValueError(f"what begins with [ cannot be read as JSON ({exc})") from None
        return [str(value).strip() for value in values if str(value).strip()]
    if not text.startswith("@"):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        lines = Path(text[1:]).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ValueError(f"@file {text[1:]!r} cannot be read ({exc})") from None
    found = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise ValueError(f"@file {text[1:]!r} has no line that is not blank or a comment")
    return found
