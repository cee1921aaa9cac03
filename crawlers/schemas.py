"""The one place that finds, loads, checks and compiles the JSON Schemas (2020-12) of ``schemas/``.

``jsonschema`` says what is right, and says it to people; ``jsonschema-rs`` answers first because it is a hundred times
faster. The two are made to agree: formats are checked by :mod:`crawlers.formats` in both, and patterns whose meaning
differs between Python and ECMA 262 are matched by Python's ``re`` in both. Nothing is ever fetched.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError as InvalidSchema
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from crawlers.errors import SchemaError
from crawlers.formats import FORMATS, UNCHECKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scrapy.settings import BaseSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SUFFIX = ".schema.json"

_PACKAGE_FOLDERS = (Path(__file__).parent / "_schemas", Path(__file__).parents[1] / "schemas")
_DIFFERING = re.compile(r"\\[dDwWsSbB]")
_SHOWN = 200

_checker = FormatChecker(formats=())
for _name, _check in FORMATS.items():
    _checker.checks(_name)(_check)
_formats_rs = {**FORMATS, **dict.fromkeys(UNCHECKED, lambda _: True)}


def _multiple_of(_: Any, step: float, value: Any, __: Any) -> Iterator[ValidationError]:
    """``multipleOf`` by decimal digits, so that 4.02 is a multiple of 0.01 as it is on paper and in jsonschema-rs."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with localcontext(prec=800):  # the greatest float has 309 digits before its point, the least 1074 behind
            exact = math.isfinite(value) and Decimal(repr(value)) % Decimal(repr(step)) == 0
        if not exact:
            yield ValidationError(f"{value!r} is not a multiple of {step!r}")


_Validator = extend(Draft202012Validator, {"multipleOf": _multiple_of})


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a value breaks."""

    path: str
    """Place of the value, such as ``$.fields.price``."""
    rule: str
    """Keyword of the schema, such as ``minimum``."""
    message: str
    """What is wrong, for a person."""
    value: Any
    """The value, cut where it is long."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message} ({self.rule})"


class Schema:
    """A checked schema, compiled for both validators.

    Args:
        contents: the schema.
        where: how messages name it: its file.
        others: schemas that it may refer to by their ``$id``.

    Raises:
        SchemaError: it is not a schema of this dialect, or refers to one that is not there.
    """

    def __init__(self, contents: Any, where: str, others: Sequence[dict[str, Any]] = ()) -> None:
        self.contents = contents
        self.where = where
        self.id = contents.get("$id", where) if isinstance(contents, dict) else where
        self._check()
        resources = [(other["$id"], other) for other in others if other.get("$id") not in {None, self.id}]
        registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.from_contents(other, default_specification=DRAFT202012)) for uri, other in resources
        )
        self._slow = _Validator(contents, registry=registry, format_checker=_checker)
        self._fast = self._compile([(str(uri), other) for uri, other in resources])

    def is_valid(self, value: Any) -> bool:
        """Whether *value*, which is plain JSON values, fulfils the schema."""
        if self._fast is not None:
            try:
                if self._fast.is_valid(value):
                    return True
            except (ValueError, TypeError):  # lone surrogates, foreign objects: jsonschema has an opinion on them
                pass
        return bool(self._slow.is_valid(value))

    def violations(self, value: Any) -> Iterator[Violation]:
        """Every rule that *value* breaks, in the order of the value; of alternatives, the one that nearly fits."""
        for error in sorted(
            self._slow.iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path]
        ):
            nearest = best_match([error]) or error
            yield Violation(nearest.json_path, str(nearest.validator), _message(nearest), _short(nearest.instance))

    def _check(self) -> None:
        if isinstance(self.contents, dict) and self.contents.get("$schema", DIALECT) != DIALECT:
            raise SchemaError(
                f'{self.where}: expected "$schema": "{DIALECT}", got {self.contents["$schema"]!r}: '
                "rewrite the schema in that dialect"
            )
        try:
            Draft202012Validator.check_schema(self.contents, format_checker=_checker)
        except InvalidSchema as exc:
            raise SchemaError(
                f"{self.where}: expected a JSON Schema, got at {exc.json_path}: {_cut(exc.message)}"
            ) from None

    def _compile(self, resources: list[tuple[str, Any]]) -> Any:
        """The fast validator; None where only the slow one has the meaning that Python gives to the patterns."""
        patterns = list(_patterns([self.contents, *(other for _, other in resources)]))
        options: dict[str, Any] = {}
        if any(_DIFFERING.search(pattern) for pattern, names in patterns if not names):
            options["keywords"] = {"pattern": _PythonPattern}
        try:
            fast = jsonschema_rs.Draft202012Validator(
                self.contents,
                formats=_formats_rs,
                validate_formats=True,
                registry=jsonschema_rs.Registry(resources) if resources else None,
                offline=True,
                **options,
            )
        except (ValueError, jsonschema_rs.ReferencingError) as exc:
            if isinstance(exc, jsonschema_rs.ReferencingError) or "registry" in str(exc):
                raise SchemaError(
                    f"{self.where}: expected references within {SUFFIX} files, got: {_cut(str(exc))}"
                ) from None
            self._resolve()
            return None  # a pattern that Python has and ECMA 262 does not
        return None if any(_DIFFERING.search(pattern) for pattern, names in patterns if names) else fast

    def _resolve(self) -> None:
        """Follow each reference once."""
        try:
            self._slow.is_valid({})
        except Unresolvable as exc:
            raise SchemaError(f"{self.where}: expected references within {SUFFIX} files, got: {exc}") from None


class _PythonPattern:
    """``pattern`` for jsonschema-rs with the meaning that jsonschema gives to it."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        self._pattern = re.compile(value)

    def validate(self, instance: Any) -> None:
        """Raise ValueError unless *instance* matches or is no string."""
        if isinstance(instance, str) and not self._pattern.search(instance):
            raise ValueError(f"{instance!r} does not match {self._pattern.pattern!r}")


class Schemas:
    """Finds schemas by name in folders; the first folder that has one wins.

    Args:
        folders: the project's own, then the package's.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)

    @classmethod
    def of(cls, settings: BaseSettings) -> Schemas:
        """Those of a project: ``SCHEMAS_DIR``, or ``schemas`` beside ``scrapy.cfg``; then those of the package.

        Raises:
            SchemaError: ``SCHEMAS_DIR`` is not a folder.
        """
        given = settings.get("SCHEMAS_DIR")
        if given and not Path(given).is_dir():
            raise SchemaError(
                f"SCHEMAS_DIR: expected a folder of JSON Schemas, got {given!r}: make it, or correct the setting"
            )
        return cls([Path(given) if given else _project_folder(), *_PACKAGE_FOLDERS])

    def load(self, name: str) -> Schema:
        """The schema *name*: ``record``, ``task``, ``annotation``, ``dataset`` or ``run``.

        Raises:
            SchemaError: it is missing, unreadable or no schema; says where it was looked for.
        """
        path = self._find(f"{name}{SUFFIX}")
        if path is None:
            looked = ", ".join(str(folder) for folder in self.folders)
            raise SchemaError(f"expected a schema {name}{SUFFIX}, got none in {looked}: restore it, or set SCHEMAS_DIR")
        return self._schema(path)

    def load_source(self, source: str) -> Schema | None:
        """The schema of the own fields of *source*, ``sources/<source>.schema.json``; None where it has none.

        Raises:
            SchemaError: it is unreadable or no schema.
        """
        path = self._find(f"sources/{source}{SUFFIX}")
        return None if path is None else self._schema(path)

    def _find(self, name: str) -> Path | None:
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def _schema(self, path: Path) -> Schema:
        return Schema(_read(path), str(path), self._neighbours)

    @cached_property
    def _neighbours(self) -> list[dict[str, Any]]:
        """The package's schemas, to which any schema may refer."""
        paths = {path.name: path for folder in reversed(self.folders) for path in folder.glob(f"*{SUFFIX}")}
        return [contents for path in paths.values() if isinstance(contents := _read(path), dict)]


def _project_folder() -> Path:
    from scrapy.utils.conf import closest_scrapy_cfg  # reads the working folder: only when it is asked for

    found = closest_scrapy_cfg()
    return (Path(found).parent if found else Path()) / "schemas"


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except OSError as exc:
        raise SchemaError(f"{path}: expected a JSON Schema that can be read, got: {exc.strerror or exc}") from None
    except orjson.JSONDecodeError as exc:
        raise SchemaError(f"{path}: expected JSON, got: {exc}") from None


def _patterns(value: Any) -> Iterator[tuple[str, bool]]:
    """Each regular expression of a schema, and whether it is one for the names of properties."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"], False
        if isinstance(value.get("patternProperties"), dict):
            yield from ((pattern, True) for pattern in value["patternProperties"])
        for item in value.values():
            yield from _patterns(item)
    elif isinstance(value, list):
        for item in value:
            yield from _patterns(item)


def _message(error: ValidationError) -> str:
    """What is wrong; where there were alternatives, why each of them does not fit."""
    reasons = list(dict.fromkeys(part.message for part in error.context or ()))
    return _cut(" and ".join(reasons[:3]) if reasons else error.message)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 40]} … {text[-30:]}"


def _short(value: Any) -> Any:
    """*value*, or the beginning of its text where that is long."""
    if isinstance(value, int | float | bool) or value is None:
        return value
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= _SHOWN else text[:_SHOWN] + "…"
