"""A record as the text that the ledger keeps, and the hash that tells whether anything about it changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from crawlers.items import compact, to_dict

if TYPE_CHECKING:
    from crawlers.items import Record

AS_DICT = "dict"
"""Key in ``Record.cache``: the record as plain values, left by the last stage that needed them."""

_MAX_INT = (1 << 63) - 1


class Body(NamedTuple):
    """What is stored of a record."""

    text: str
    """The record, JSON."""
    envelope_hash: str
    """32 hex digits: of everything but the provenance, which changes with every visit."""


def body_of(record: Record) -> Body:
    """*record* as JSON text. What JSON cannot hold (lone surrogates, foreign objects) is replaced, never an error."""
    data = record.cache.pop(AS_DICT, None)
    if data is None:
        data = to_dict(record)
    else:  # what validation saw, and what came after it
        data["version"], data["content_hash"] = record.version, record.content_hash
    del data["provenance"]  # the last field, so that it can be written behind the others
    envelope, provenance = _dump(data), _dump(compact(record.provenance))
    text = b'%b,"provenance":%b}' % (envelope[:-1], provenance)
    return Body(text.decode(), envelope_hash(envelope))


def envelope_hash(envelope: bytes) -> str:
    """Hash of a record's JSON without its provenance."""
    return hashlib.sha256(envelope).hexdigest()[:32]


def json_text(value: Any) -> str | None:
    """*value* as JSON text; None for None."""
    return None if value is None else _dump(value).decode()


def storable(text: str | None) -> str | None:
    """*text* without what UTF-8 cannot hold."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """*value* with what orjson refuses made plain: surrogates, huge integers, foreign keys and objects."""
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INT else str(value)
    if isinstance(value, dict):
        return {storable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return storable(str(value))
