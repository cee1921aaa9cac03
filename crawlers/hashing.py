"""Identities: the hashes that name records, contents and bytes. sha256 wherever it is an identity."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def sha256(data: bytes) -> str:
    """``sha256:`` and 64 hex digits, the form in which every hash is written in records and manifests."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def record_id(source: str, key: str) -> str:
    """The identity of a record: the first 128 bits (32 hex digits) of sha256 of source, NUL, key."""
    return hashlib.sha256(f"{source}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no white space, so that equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """``sha256:…`` of the canonical JSON of *value* (settings digests, content hashes)."""
    return sha256(canonical_json(value))
