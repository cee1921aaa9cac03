"""Validate: a record has the shape that everything after it relies on, and its own fields are what its source promises."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING

from crawlers.errors import Rejected, SchemaError
from crawlers.items import to_dict
from crawlers.ledger.bodies import AS_DICT
from crawlers.schemas import Schemas

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from crawlers.items import Record
    from crawlers.schemas import Schema, Violation

_SHOWN_MAX = 50


class ValidatePipeline:
    """Checks each record against ``schemas/record.schema.json``, and its own fields against the source's schema.

    ``schemas/sources/<source>.schema.json`` describes the record's ``fields`` object, nothing else. A record that
    breaks a rule is rejected with the reason ``schema``; ``value`` lists each violation with path, rule, message and
    value, ``threshold`` names the schema.

    The plain form of the record, which is made for this, is left in ``record.cache[AS_DICT]`` for the store: what
    comes after must not change the record.

    Args:
        envelope: schema of the record.
        fields: schema of the source's own fields, where there is one.

    Settings:
        SCHEMAS_DIR, VALIDATE_SOURCE

    Stats:
        none of its own; gristmill/rejected/validate/schema counts what it rejects.
    """

    def __init__(self, envelope: Schema, fields: Schema | None = None) -> None:
        self._envelope = envelope
        self._fields = fields

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ValidatePipeline:
        """Load and compile the schemas; a wrong or missing one stops the crawl here."""
        schemas = Schemas.of(crawler.settings)
        source = crawler.spider.name if crawler.spider is not None else crawler.spidercls.name
        fields = schemas.load_source(source)
        if fields is None and crawler.settings.getbool("VALIDATE_SOURCE"):
            raise SchemaError(
                f"VALIDATE_SOURCE: expected sources/{source}.schema.json in {', '.join(map(str, schemas.folders))}, "
                "got none: write it, or set VALIDATE_SOURCE to False"
            )
        return cls(schemas.load("record"), fields)

    def process_item(self, record: Record) -> Record:
        """Check *record*."""
        data = to_dict(record)
        if not self._envelope.is_valid(data):
            raise _rejected(self._envelope, list(islice(self._envelope.violations(data), _SHOWN_MAX)))
        if self._fields is not None and not self._fields.is_valid(record.fields):
            found = islice(self._fields.violations(record.fields), _SHOWN_MAX)
            raise _rejected(self._fields, [replace(v, path=f"$.fields{v.path[1:]}") for v in found])
        record.cache[AS_DICT] = data
        return record


def _rejected(schema: Schema, violations: list[Violation]) -> Rejected:
    more = f", and {len(violations) - 1} more" if len(violations) > 1 else ""
    return Rejected(
        stage="validate",
        reason="schema",
        detail=f"{violations[0]}{more}",
        value=[asdict(violation) for violation in violations],
        threshold=schema.id,
    )
