"""Fixtures of all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import databases
from tests.server import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what rewrites the expected records of tests/golden/."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/*/*/expected.jsonl")


@pytest.fixture
def site() -> Iterator[Site]:
    """A local site of forty articles; see :mod:`tests.server` for its misbehaviours."""
    with Site(pages=40) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[databases.Server]:
    """One server for all tests of a process."""
    with databases.postgresql() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: databases.Server) -> Iterator[str]:
    """An empty database on it."""
    with postgresql_server.database() as url:
        yield url
