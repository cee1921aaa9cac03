"""Dates: those that a page states, in every form that can be read in one way only, and no others."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.dates import modified_at, published_at, rfc3339
from crawlers.extractors.metadata import metadata
from tests.webpages import broken_twins, page_of, saved


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-03-05", "2024-03-05T00:00:00Z"),
        ("2024-3-5", "2024-03-05T00:00:00Z"),
        ("2024/03/05", "2024-03-05T00:00:00Z"),
        ("20240305", "2024-03-05T00:00:00Z"),
        ("2024-03-05T10:11:12Z", "2024-03-05T10:11:12Z"),
        ("2024-03-05T10:11:12z", "2024-03-05T10:11:12Z"),
        ("2024-03-05T10:11", "2024-03-05T10:11:00Z"),
        ("2024-03-05 10:11:12", "2024-03-05T10:11:12Z"),
        ("2024-03-05 10:11:12 UTC", "2024-03-05T10:11:12Z"),
        ("2024-03-05T10:11:12.123456789Z", "2024-03-05T10:11:12Z"),
        ("2024-03-05T10:11:12+02:00", "2024-03-05T08:11:12Z"),
        ("2024-03-05T10:11:12-0730", "2024-03-05T17:41:12Z"),
        ("2024-03-05 23:30:00 -0200", "2024-03-06T01:30:00Z"),
        ("Tue, 05 Mar 2024 10:11:12 GMT", "2024-03-05T10:11:12Z"),
        ("Tue, 05 Mar 2024 10:11:12 +0100", "2024-03-05T09:11:12Z"),
        ("March 5, 2024", "2024-03-05T00:00:00Z"),
        ("Mar. 5 2024", "2024-03-05T00:00:00Z"),
        ("5 March 2024", "2024-03-05T00:00:00Z"),
        ("5th March, 2024", "2024-03-05T00:00:00Z"),
        ("5. März 2024", "2024-03-05T00:00:00Z"),
        ("5 de marzo de 2024", "2024-03-05T00:00:00Z"),
        ("1er février 2024", "2024-02-01T00:00:00Z"),
        ("  2024-03-05\n", "2024-03-05T00:00:00Z"),
    ],
)
def test_forms_of_a_date(text, date):
    assert rfc3339(text) == date


@pytest.mark.parametrize(
    "text",
    [
        None, "", " ", "yesterday", "3 days ago", "03/04/2024", "3.4.2024", "04-03-2024", "2024", "March 2024", "2024-13-01",
        "2024-02-30", "0000-00-00", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "1709632800", "32 March 2024",
        "5 Smarch 2024", "March 5, 2024 and March 6, 2024", "2024-03-05T25:00:00Z", "T10:00", "{{ date }}", "12:30",
    ],
)  # fmt: skip
def test_what_is_no_date_or_two(text):
    assert rfc3339(text) is None


@given(
    st.integers(-30_000_000_000, 200_000_000_000).map(
        lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
    ),
    st.integers(-14 * 60, 14 * 60),
)
def test_every_moment_is_read_in_its_zone(moment, minutes):
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    wanted = zoned.astimezone(UTC)
    form = "%Y-%m-%dT%H:%M:%SZ"
    if wanted.year >= 1000:
        assert rfc3339(zoned.isoformat()) == wanted.strftime(form)
        assert rfc3339(rfc3339(zoned.isoformat())) == wanted.strftime(form)
    if moment.year >= 1900:
        assert rfc3339(format_datetime(zoned)) == wanted.strftime(form)


@given(st.text(max_size=40))
def test_any_text_gives_a_date_or_none(text):
    found = rfc3339(text)
    assert found is None or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found)


def of(head: str = "", body: str = "", main: dict | None = None) -> str | None:
    return published_at(page_of(f"<head>{head}</head><body>{body}</body>"), main or {})


TITLE = "<h1>Kettles</h1>"
DAY = "2024-03-05T00:00:00Z"


@pytest.mark.parametrize(
    ("head", "body", "main"),
    [
        ("", "", {"datePublished": "2024-03-05"}),
        ("", "", {"datePublished": ["2024-03-05"]}),
        ("", "", {"uploadDate": "2024-03-05"}),
        ("", "", {"dateCreated": "2024-03-05"}),
        ('<meta property="article:published_time" content="2024-03-05">', "", {}),
        ('<meta name="DC.date.issued" content="2024-03-05">', "", {}),
        ('<meta name="citation_publication_date" content="2024/03/05">', "", {}),
        ('<meta name="parsely-pub-date" content="2024-03-05">', "", {}),
        ('<meta itemprop="datePublished" content="2024-03-05">', "", {}),
        ('<meta name="date" content="nonsense"><meta name="pubdate" content="2024-03-05">', "", {}),
        ("", '<time datetime="2024-03-05">long ago</time>', {}),
        ("", '<time class="entry-date published" datetime="2024-03-05"></time><time datetime="2020-01-01"></time>', {}),
        ("", '<time class=updated datetime="2025-01-01"></time><time datetime="2024-03-05"></time>', {}),
        ("", '<p>Last updated on <time datetime="2025-01-01"></time></p><time datetime="2024-03-05"></time>', {}),
        ("", f"{TITLE}<p>By Ada Writer | March 5, 2024</p><p>Text.</p>", {}),
        ("", f"<p>5 March 2024</p>{TITLE}<p>Text.</p>", {}),
        ("", f"{TITLE}<div><span>Veröffentlicht am 5. März 2024</span></div>", {}),
    ],
)
def test_where_a_page_states_when_it_was_published(head, body, main):
    assert of(head, body, main) == DAY


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<footer>© 2024</footer>",
        '<time datetime="2024-03-05"></time><time datetime="2024-03-06"></time>',
        '<p>Updated <time datetime="2024-03-05">March 5</time></p>',
        f"{TITLE}<p>Updated on March 5, 2024</p>",
        f"{TITLE}<p>March 5, 2024</p><p>March 6, 2024</p>",
        f"{TITLE}{TITLE}<p>March 5, 2024</p>",
        f"{TITLE}<p>03/04/2024</p>",
        f"{TITLE}<p>A long sentence in which there is talk of the morning of March 5, 2024, when the kettle was invented.</p>",
        f"{TITLE}{'<p>One more line.</p>' * 9}<p>March 5, 2024</p>",
        "<p>March 5, 2024</p>",
        '<a href="/2024/03/05/kettles">Kettles</a>',
    ],
)
def test_no_day_is_made_up(body):
    assert of("", body) is None


def test_what_speaks_for_the_article_goes_before_what_stands_in_the_page():
    head = '<meta property="article:published_time" content="2021-01-01">'
    body = f'{TITLE}<p>5 March 2024</p><time datetime="2022-02-02"></time>'
    assert of(head, body, {"datePublished": "2020-01-01"}) == "2020-01-01T00:00:00Z"
    assert of(head, body) == "2021-01-01T00:00:00Z"
    assert of("", body) == "2022-02-02T00:00:00Z"
    assert of(head, body, {"datePublished": "soon"}) == "2021-01-01T00:00:00Z"


def test_a_plug_ins_date_of_a_page_is_not_its_day_of_publication():
    graph = '<script type="application/ld+json">{"@type":"WebPage","datePublished":"2024-03-05","dateModified":"2025-01-01"}</script>'
    found = metadata(page_of(f"<head>{graph}</head>"))
    assert (found.published_at, found.modified_at) == (None, "2025-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("head", "main"),
    [
        ("", {"dateModified": "2024-03-05"}),
        ('<meta property="article:modified_time" content="2024-03-05">', {}),
        ('<meta property="og:updated_time" content="2024-03-05">', {}),
        ('<meta http-equiv="x" name="last-modified" content="Tue, 05 Mar 2024 00:00:00 GMT">', {}),
    ],
)
def test_where_a_page_states_when_it_was_changed(head, main):
    assert modified_at(page_of(f"<head>{head}</head>"), main) == DAY


def test_dates_of_saved_pages_and_of_what_is_left_of_them():
    assert metadata(saved("article")).published_at == "2026-03-03T06:30:00Z"
    assert metadata(saved("blog-de")).published_at == "2025-11-02T07:15:00Z"
    assert metadata(saved("documentation")).published_at is None
    for name in ("article", "blog-de"):
        for body in broken_twins(saved(name).html).values():
            found = metadata(page_of(body)).published_at
            assert found is None or found.startswith(("2025-11-0", "2026-03-03"))
