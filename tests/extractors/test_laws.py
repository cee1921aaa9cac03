"""Laws of the whole of extraction, on random bytes, random markup and broken pages: it answers, or says that it cannot."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.errors import ExtractionError, Rejected
from crawlers.extractors import hidden, references, rights, threads
from crawlers.extractors.dates import rfc3339
from crawlers.extractors.kinds import kind_of
from crawlers.extractors.links import links
from crawlers.extractors.metadata import metadata
from crawlers.extractors.page import Page
from crawlers.extractors.text import extract_text
from crawlers.items import Record, from_dict, to_dict
from crawlers.pipelines.extract import ExtractPipeline
from tests.webpages import broken_twins, ordinary, page_of, saved

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
PIECES = [
    "<p>", "</p>", "<div class='content'>", "</div>", "<h1>", "</h1>", "<ul><li>", "</ul>", "<table><tr><td>", "</table>", "<pre>", "</pre>",
    "<blockquote>", "<script>", "</script>", "<!--", "-->", "<style>", "<a href='/x'>", "</a>", "<br>", "<br><br>", "<article>", "<nav>",
    "<span style='display:none'>", "<div hidden>", "</span>", "<svg>", "<template>", "<textarea>", "<noscript>", "&amp;", "&#0;", "&#xD800;",
    "&nbsp;", "Words that make a sentence of some length, so that it counts. ", "e\u0301", "\u202eabc", "\U0001f600", "\t\n ", "日本語。", "<",
    '<script type="application/ld+json">', '{"@type": "Article", "headline": "x"}', "<html lang='en'>", "<base href='//x'>", "<img src='a.jpg'>",
    "<time datetime='2026-01-01'>", "<meta name='date' content='2026-13-45'>", "<div itemscope>", "<i itemprop='a b'>", "<figure><figcaption>",
]  # fmt: skip
MARKUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=40).map("".join)


def hold(page: Page) -> None:
    """Everything that is true of what is extracted from any page."""
    try:
        found = extract_text(page, "auto")
    except ExtractionError:
        return
    assert unicodedata.is_normalized("NFC", found.text)
    assert "\0" not in found.text
    found.text.encode()
    assert 0.0 <= found.confidence <= 1.0
    end = 0
    for block in found.blocks:
        part = found.text[block.start : block.end]
        assert part.strip()
        assert part == part.strip("\n")
        assert found.text[end : block.start] in {"", "\n\n"}
        assert block.level is None or 1 <= block.level <= 6
        end = block.end
    assert end == len(found.text) or not found.blocks


@settings(deadline=None, max_examples=150)
@given(MARKUP)
def test_any_markup_is_read(html):
    hold(page_of(html))


@settings(deadline=None, max_examples=100)
@given(
    st.binary(max_size=400),
    st.sampled_from(["text/html", "text/html; charset=zlib", "text/plain; charset=utf-16", "", "image/png"]),
)
def test_any_bytes_are_read_or_refused(body, content_type):
    page = Page(body, "https://site.example/", {"content-type": [content_type]})
    hold(page)
    kind_of(page)


@settings(deadline=None, max_examples=100)
@given(MARKUP)
def test_every_extractor_answers(html):
    page = page_of(html)
    found = metadata(page)
    assert found.published_at is None or MOMENT.fullmatch(found.published_at)
    assert all(link.url.startswith("http") for link in links(page))
    references.media(page)
    rights.license_of(page)
    rights.signals_of(page)
    hidden.flags_of(page)
    threads.posts(page)


@settings(deadline=None, max_examples=60)
@given(MARKUP)
def test_the_pipeline_gives_a_record_that_can_be_written_or_a_reason(html):
    record = Record("site", "key")
    record.page = page_of(html)
    try:
        filled = ExtractPipeline("auto").process_item(record)
    except Rejected as refused:
        reason = refused.reason
    else:
        reason = "" if from_dict(to_dict(filled)) == filled else "changed on the way"
    assert reason in {"", "empty", "unreadable"}


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("what", sorted(broken_twins(saved("article").html)))
def test_broken_twins_are_read(name, what):
    hold(page_of(broken_twins(saved(name).html)[what]))


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("what", ["cut in the middle", "many attributes", "invalid UTF-8", "broken JSON-LD", "twice"])
def test_a_page_that_is_damaged_is_not_lost(name, what):
    page = page_of(broken_twins(saved(name).html)[what])
    assert extract_text(page, "auto").text or metadata(page).title


@given(st.text(max_size=40))
def test_no_text_becomes_a_date_that_it_does_not_name(text):
    found = rfc3339(text)
    if found is not None:
        assert MOMENT.fullmatch(found)
        assert re.search(r"\d{4}|\d\d", text)


@given(st.datetimes())
def test_a_time_of_iso_8601_comes_back(moment):
    if moment.year >= 1000:
        assert rfc3339(moment.isoformat()) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert rfc3339(moment.date().isoformat()) == moment.strftime("%Y-%m-%dT00:00:00Z")


@pytest.mark.parametrize(
    "text",
    ["", " ", "yesterday", "2 h ago", "03/04/2024", "2024", "2024-05", "13:45", "2024-13-01", "2024-02-30", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", "1700000000", "Tue, 24 Nov 99999999999 10:00:00 GMT", "Mon, 0 Foo 0 0:0:0", "{{ date }}", "NaN"],
)  # fmt: skip
def test_what_is_no_certain_date_is_none(text):
    assert rfc3339(text) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-03", "2026-03-03T00:00:00Z"), ("2026-03-03T07:30:00+01:00", "2026-03-03T06:30:00Z"), ("2026-03-03T07:30Z", "2026-03-03T07:30:00Z"),
        ("2026-03-03T00:30:00+0200", "2026-03-02T22:30:00Z"), ("2026-03-03 07:30:00", "2026-03-03T07:30:00Z"),
        ("2026-03-03T07:30:00.123Z", "2026-03-03T07:30:00Z"), (" 2026-03-03T07:30:00-05:00 ", "2026-03-03T12:30:00Z"),
        ("Tue, 03 Mar 2026 07:30:00 +0100", "2026-03-03T06:30:00Z"), ("March 3, 2026", "2026-03-03T00:00:00Z"), ("3 mars 2026", "2026-03-03T00:00:00Z"),
        ("20260303", "2026-03-03T00:00:00Z"),
    ],
)  # fmt: skip
def test_certain_dates_are_read(text, moment):
    assert rfc3339(text) == moment
