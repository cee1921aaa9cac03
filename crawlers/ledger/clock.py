"""Times as the ledger writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """The time in RFC 3339, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
