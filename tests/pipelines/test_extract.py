"""Extract fills in what the spider left empty, and nothing else."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from scrapy.settings import Settings

from crawlers.errors import ConfigurationError, Rejected
from crawlers.extractors.page import Page
from crawlers.items import Media, Record, from_dict, to_dict
from crawlers.pipelines.extract import ExtractPipeline
from crawlers.schemas import Schemas
from tests.webpages import broken_twins, ordinary, page_of, saved

RECORD = Schemas.of(Settings()).load("record")


def record_of(page, **values):
    record = Record("site", "key", **values)
    record.page = page
    return record


def extracted(page, mode="fast", **values):
    return ExtractPipeline(mode).process_item(record_of(page, **values))


@pytest.mark.parametrize("mode", ["fast", "precise", "auto"])
def test_an_empty_record_is_filled(mode):
    found = extracted(saved("article", "https://gazette.example/news/1"), mode)
    assert (found.type, found.title, found.language) == ("Article", "Harbour bridge reopens after nine months", "en-GB")
    assert found.authors == ["Ada Okafor", "Lars Holm"]
    assert found.published_at == "2026-03-03T06:30:00Z"
    assert found.canonical_url == "https://gazette.example/news/2026/harbour-bridge-reopens"
    assert "four hundred people walked across" in found.text
    assert "All rights reserved" not in found.text
    assert found.media[0].role == "main"
    assert found.rights.license == "CC-BY-SA-4.0"
    assert [(signal.place, signal.optout) for signal in found.rights.signals] == [("meta-robots", True)]
    assert found.provenance.extractor
    assert 0 < found.provenance.confidence <= 1
    assert found.provenance.encoding == "utf-8"


def test_blocks_are_parts_of_the_text():
    found = extracted(saved("article"))
    parts = {found.text[block.start : block.end]: block.role for block in found.blocks}
    assert parts["What was repaired"] == "heading"
    assert parts["Two suspension cables"] == "list-item"
    assert "\n\n".join(parts) == found.text


def test_what_the_spider_knows_stays():
    known = {
        "title": "Mine", "text": "My text", "authors": ["Me"], "type": "Product", "language": "fr", "published_at": "2020-01-01T00:00:00Z",
        "canonical_url": "https://mine.example/", "fields": {"description": "mine"}, "media": [Media(url="https://mine.example/a.jpg")],
    }  # fmt: skip
    found = extracted(saved("article"), **known)
    for name, value in known.items():
        if name != "fields":
            assert getattr(found, name) == value
    assert found.fields["description"] == "mine"
    assert found.fields["section"] == "Local"
    assert found.provenance.extractor is None


def test_a_licence_that_is_known_stays():
    record = record_of(saved("article"))
    record.rights.license, record.rights.license_evidence = "MIT", "given by the source"
    found = ExtractPipeline("fast").process_item(record)
    assert (found.rights.license, found.rights.license_evidence) == ("MIT", "given by the source")


def test_a_thread_keeps_every_post():
    found = extracted(saved("thread"))
    assert found.type == "DiscussionForumPosting"
    assert [post["author"] for post in found.fields["posts"]] == ["maria", "jon", "maria"]
    for post in found.fields["posts"]:
        assert post["text"].split(". ")[0] in " ".join(found.text.split())


def test_a_record_without_a_page_passes():
    made = Record("s", "k", fields={"a": 1})
    assert ExtractPipeline().process_item(made) is made


def test_plain_text_is_read_by_paragraphs():
    page = Page(
        b"First.\r\n\r\nSecond,\nin two lines.\n\n\n", "https://a.example/a.txt", {"content-type": ["text/plain"]}
    )
    found = extracted(page)
    assert found.text == "First.\n\nSecond,\nin two lines."
    assert [block.role for block in found.blocks] == ["paragraph", "paragraph"]


@pytest.mark.parametrize("html", ["", "<html></html>", "<script>var a = 1</script>", "<!-- only a comment -->"])
def test_an_empty_page_is_refused(html):
    with pytest.raises(Rejected) as caught:
        extracted(page_of(html))
    assert (caught.value.stage, caught.value.reason) == ("extract", "empty")


@pytest.mark.parametrize("body", [b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"])
def test_bytes_without_text_are_refused_with_their_type(body):
    page = page_of(body)
    with pytest.raises(Rejected) as caught:
        extracted(page)
    assert (caught.value.reason, caught.value.value) == ("unreadable", page.media_type)


def test_what_was_odd_about_the_page_is_flagged():
    page = page_of(broken_twins(saved("article").html)["broken JSON-LD"])
    assert "broken-json-ld" in extracted(page).flags
    page = page_of(broken_twins(saved("article").html)["many attributes"])
    assert "truncated" in extracted(page).flags


@pytest.mark.parametrize("mode", ["careful", "", None, 1])
def test_a_wrong_mode_stops_before_the_first_request(mode):
    with pytest.raises(ConfigurationError, match="fast, precise, auto"):
        ExtractPipeline(mode)


def test_settings_are_read_once():
    crawler = SimpleNamespace(settings=Settings({"EXTRACT_TEXT": "fast", "MEDIA_MAX_PER_RECORD": 1}))
    pages = page_of('<h1>x</h1><img src="a.jpg"><img src="b.jpg">')
    assert len(ExtractPipeline.from_crawler(crawler).process_item(record_of(pages)).media) == 1


@pytest.mark.parametrize("name", ordinary())
def test_what_is_extracted_fits_the_schema_and_comes_back(name):
    found = extracted(saved(name), url="https://site.example/folder/page")
    found.seal()
    assert list(RECORD.violations(to_dict(found))) == []
    assert from_dict(json.loads(json.dumps(to_dict(found)))) == found


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("what", sorted(broken_twins(saved("article").html)))
def test_a_broken_twin_is_a_record_or_a_reason(name, what):
    try:
        found = extracted(page_of(broken_twins(saved(name).html)[what]))
    except Rejected as refused:
        reason = refused.reason
    else:
        reason = ""
        found.seal()
        assert list(RECORD.violations(to_dict(found))) == []
        json.dumps(to_dict(found), allow_nan=False).encode()
    assert reason in {"", "empty", "unreadable"}


LOGIN = "<title>Sign in</title><h1>Please sign in</h1><form><input name=u><input type=password name=p></form>"


def test_a_login_form_is_refused_and_says_what_to_do():
    with pytest.raises(Rejected) as refused:
        extracted(page_of(LOGIN, "https://a.example/login?next=/x"))
    assert (refused.value.stage, refused.value.reason) == ("extract", "login-wall")
    assert "expected content, got a login form at https://a.example/login?next=/x" in refused.value.detail
    assert "cookies or headers" in refused.value.detail


@pytest.mark.parametrize("found", [{"text": "Tea"}, {"fields": {"price": 1}}])
def test_what_the_spider_found_beside_a_login_form_is_content(found):
    assert extracted(page_of(LOGIN), **found).title == "Please sign in"
