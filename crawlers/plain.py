"""Values of Python as JSON has them, without losing anything."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from crawlers.hashing import canonical_json

_INT_MAX = 2**63


def plain(value: Any) -> Any:
    """*value* in JSON types: text for decimals, dates and what JSON cannot hold, hex for bytes, sorted lists for sets."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if -_INT_MAX <= value < 2 * _INT_MAX else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=canonical_json)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds()}S"
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value) if not isinstance(value, Decimal) else format(value, "f")
