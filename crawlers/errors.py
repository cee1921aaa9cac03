"""Every error that Gristmill raises, in one tree.

::

    GristmillError
    ├── ConfigurationError        something the user wrote is wrong: exit code 2, before the first request
    │   ├── SchemaError           a JSON Schema is missing, unreadable or not a schema
    │   ├── ArgumentError         a spider argument is missing, unknown or of the wrong type
    │   └── MissingPackageError   an optional package is not installed (names the extra)
    ├── LedgerError               the database cannot do what was asked: exit code 1
    │   ├── LedgerLocked          another process holds the database for longer than LEDGER_TIMEOUT
    │   ├── LedgerTooNew          written by a newer Gristmill
    │   ├── LedgerCorrupt         an invariant does not hold
    │   └── DiskFull              no space left where the ledger, the media or the exports live
    ├── RequestNotSerializable    a request carries what cannot be written as JSON
    ├── ExtractionError           bytes that no extractor could read
    └── Rejected (DropItem)       a record that a pipeline refuses: kept in the ledger with the reason

A message says what was expected, what was got, where, and what to do.
"""

from __future__ import annotations

from typing import Any

from scrapy.exceptions import DropItem


class GristmillError(Exception):
    """Base of all errors of this package. ``exit_code`` is what a command ends with."""

    exit_code = 1


class ConfigurationError(GristmillError):
    """A setting, an argument or a file that the user gave is wrong. Stops before the first request."""

    exit_code = 2


class SchemaError(ConfigurationError):
    """A JSON Schema is missing, unreadable, or is not a valid schema."""


class ArgumentError(ConfigurationError):
    """A spider argument is missing, unknown, or of the wrong type."""


class MissingPackageError(ConfigurationError):
    """An optional package is not installed.

    Args:
        package: import name of the package that is missing.
        extra: the extra of ``gristmill`` that brings it.
        purpose: what it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f'{purpose} needs the package {package!r}, which is not installed: pip install "gristmill[{extra}]"'
        )


class LedgerError(GristmillError):
    """The database cannot do what was asked."""


class LedgerLocked(LedgerError):
    """Another process held the database for longer than ``LEDGER_TIMEOUT`` seconds."""


class LedgerTooNew(LedgerError):
    """The database was written by a newer version of this package."""


class LedgerCorrupt(LedgerError):
    """An invariant of the ledger does not hold."""


class DiskFull(LedgerError):
    """No space left where the ledger, the media or the exports live."""


class RequestNotSerializable(GristmillError):
    """A request carries a callback, a body or a meta value that cannot be written as JSON."""


class ExtractionError(GristmillError):
    """Bytes that no extractor could read."""


READ = "read"
"""The stage of what the source itself refuses, because it could not be read."""

REFUSED = "refused"
"""Key in ``Record.cache``: the :class:`Rejected` that the source itself gave."""

LOGIN_WALL = "login-wall"
"""Reason of a page that is a login form instead of what was asked for."""


class Rejected(DropItem):  # type: ignore[misc]
    """A record that a pipeline refuses. It is kept in the ledger with all of this.

    Args:
        stage: the pipeline's bare name, for example ``"keywords"``.
        reason: a slug that names the rule, for example ``"no-keyword"``; what people count and filter by.
        detail: one sentence for a person.
        value: what was measured (any JSON value).
        threshold: what it was measured against (any JSON value).
        duplicate_of: id of the record that was kept instead, for duplicates.
    """

    def __init__(
        self,
        *,
        stage: str,
        reason: str,
        detail: str = "",
        value: Any = None,
        threshold: Any = None,
        duplicate_of: str | None = None,
    ) -> None:
        super().__init__(f"{stage}/{reason}: {detail}", log_level="DEBUG")
        self.stage = stage
        self.reason = reason
        self.detail = detail
        self.value = value
        self.threshold = threshold
        self.duplicate_of = duplicate_of
