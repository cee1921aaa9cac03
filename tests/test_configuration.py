"""One meaning of DATA_DIR, and lists that may be JSON."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scrapy.settings import Settings

from crawlers.configuration import data_folder, from_json, listed
from crawlers.errors import ConfigurationError
from crawlers.ledger.database import database_url
from tests.flow import harness


@pytest.mark.parametrize("settings", [{}, {"DATA_DIR": ""}, {"DATA_DIR": None}, {"DATA_DIR": "data"}])
def test_an_empty_data_folder_is_the_default(settings, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert data_folder(Settings(settings)) == Path("data")
    assert database_url(Settings(settings)) == f"sqlite:///{tmp_path}/data/gristmill.db"


def test_the_home_folder_has_its_sign(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder(Settings({"DATA_DIR": "~/crawls"})) == tmp_path / "crawls"


def test_nobody_else_reads_it():
    pattern = re.compile(r"""settings(\.get\w*\(|\[)["']DATA_DIR""")
    readers = [
        path.name
        for path in (harness.ROOT / "crawlers").rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert readers == ["configuration.py"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, []),
        ("", []),
        ("a,b", ["a", "b"]),
        ('["a,b", "c"]', ["a,b", "c"]),
        (' [{"name": "g"}]', [{"name": "g"}]),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_lists(value, found):
    assert listed(Settings({"LIST": value}), "LIST") == found


@pytest.mark.parametrize("value", ["[a", "{", '["a"] b'])
def test_broken_json_says_so(value):
    with pytest.raises(ConfigurationError, match="LIST: expected JSON such as"):
        from_json(value, "LIST")


@pytest.mark.parametrize("value", [3, '{"a": 1}'])
def test_what_is_no_list_is_refused(value):
    with pytest.raises(ConfigurationError, match="LIST: expected a list, got"):
        listed(Settings({"LIST": value}), "LIST")
