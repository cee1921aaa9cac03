"""What is kept of a command has no passwords, and is otherwise as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.credentials import MASK, masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql+psycopg://me:hunter2@db.example/shop", "postgresql+psycopg://me:***@db.example/shop"),
        ("postgresql://me:hun/ter?2@db.example/shop", "postgresql://me:***@db.example/shop"),
        ("mysql://:hunter2@h/x", "mysql://:***@h/x"),
        ("http://me:hunter2@shop.example:8000/a@b", "http://me:***@shop.example:8000/a@b"),
        (
            "scrapy crawl orders -a database=mysql://u:p@h/x -s A=b",
            "scrapy crawl orders -a database=mysql://u:***@h/x -s A=b",
        ),
        ("https://x.example/?a=1&api_key=abc&b=2", "https://x.example/?a=1&api_key=***&b=2"),
        ("postgresql://h/x?user=me&password=hunter2", "postgresql://h/x?user=me&password=***"),
        ("https://x.example/?access_token=abc#top", "https://x.example/?access_token=***#top"),
    ],
)
def test_passwords_are_masked(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example:8000/a@b",
        "http://127.0.0.1:8642/news?token_of=love",
        "sqlite:////home/me/shop.db",
        "postgresql+psycopg://me@db.example:5432/shop",
        "keywords=password:secret@work",
        "",
    ],
)
def test_what_is_no_password_stays(text):
    assert masked(text) == text


@given(st.text(alphabet="abc:/@?&=.# password", max_size=60))
def test_masking_twice_changes_nothing(text):
    once = masked(f"x://{text}")
    assert masked(once) == once


@given(st.text(alphabet="abcXYZ0189!$%-_", min_size=3, max_size=20))
def test_no_password_of_a_database_comes_through(password):
    assert f":{password}@" not in masked(f"postgresql://me:{password}@h/shop") or password == MASK
