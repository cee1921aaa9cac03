"""Extract fills in what the spider left empty, and nothing else."""

from __future__ import annotations

import pytest

from crawlers.errors import ConfigurationError, Rejected
from crawlers.extractors.page import Page
from crawlers.items import Record
from crawlers.pipelines.extract import ExtractPipeline
from tests.extractors.test_text import ARTICLE


def record(html, content_type="text/html; charset=utf-8", **values):
    body = html.encode() if isinstance(html, str) else html
    made = Record("s", "k", **values)
    made.page = Page(body, "http://a.example/", {"content-type": [content_type]})
    return made


def test_an_empty_record_is_filled():
    found = ExtractPipeline().process_item(record(ARTICLE))
    assert found.title == "Kingfishers"
    assert "eleven kingfishers" in found.text
    assert found.provenance.extractor
    assert 0 < found.provenance.confidence <= 1
    assert found.provenance.encoding


def test_what_the_spider_knows_stays():
    known = {
        "title": "Mine",
        "text": "My text",
        "authors": ["Me"],
        "type": "Product",
        "fields": {"description": "mine"},
    }
    found = ExtractPipeline().process_item(record(ARTICLE, **known))
    assert (found.title, found.text, found.authors, found.type) == ("Mine", "My text", ["Me"], "Product")
    assert found.fields["description"] == "mine"
    assert found.provenance.extractor is None


def test_a_record_without_a_page_passes():
    made = Record("s", "k", fields={"a": 1})
    assert ExtractPipeline().process_item(made) is made


def test_an_empty_page_is_refused():
    with pytest.raises(Rejected) as caught:
        ExtractPipeline().process_item(record("<html></html>"))
    assert (caught.value.stage, caught.value.reason) == ("extract", "empty")


def test_bytes_without_text_are_refused_with_their_type():
    with pytest.raises(Rejected) as caught:
        ExtractPipeline().process_item(record(b"%PDF-1.7", "application/pdf"))
    assert (caught.value.reason, caught.value.value) == ("unreadable", "application/pdf")


def test_a_wrong_mode_stops_before_the_first_request():
    with pytest.raises(ConfigurationError, match="fast, precise, auto"):
        ExtractPipeline("careful")
