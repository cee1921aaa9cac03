"""Each test of the ledger runs on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawlers.ledger.database import Database, open_database
from tests.ledger_pages import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/gristmill.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_database(url, timeout=10)
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """An open crawl of the source ``shop`` with a run and a worker."""
    return Ledger(database)
