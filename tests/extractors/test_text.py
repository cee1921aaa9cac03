"""The main text: paragraphs kept, boilerplate gone, offsets that hold, and nothing that breaks it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.errors import ExtractionError
from crawlers.extractors.page import Page
from crawlers.extractors.text import extract_text

PARAGRAPHS = [
    "The river group counted eleven kingfishers this winter, four more than in the year before, although the ice stayed long.",
    "Most of them were seen below the weir, where the water never freezes, and two near the old mooring behind the mill.",
    "The group asks everybody who walks there to keep dogs on the lead until the end of March, when the nesting begins.",
] * 3
ARTICLE = (
    "<html><head><title>Kingfishers</title></head><body><nav><a href='/'>Home</a><a href='/news'>All news</a></nav>"
    "<main><article><h1>Kingfishers</h1><h2>Below the weir</h2>"
    + "".join(f"<p>{part}</p>" for part in PARAGRAPHS)
    + "<ul><li>Bring binoculars for the walk</li><li>Come before eight in the morning</li></ul></article></main>"
    "<footer>Copyright notice and imprint</footer><script>var x = 'script text';</script></body></html>"
)


def page(html, content_type="text/html; charset=utf-8"):
    body = html.encode("utf-8", "replace") if isinstance(html, str) else html
    return Page(body, "http://a.example/", {"content-type": [content_type]})


@pytest.mark.parametrize("mode", ["fast", "precise", "auto"])
def test_an_article(mode):
    found = extract_text(page(ARTICLE), mode)
    for part in set(PARAGRAPHS):
        assert part in found.text
    for boilerplate in ("All news", "imprint", "script text"):
        assert boilerplate not in found.text
    assert "\n\n" in found.text
    assert found.confidence > 0.6
    assert found.extractor.split()[0] in {"resiliparse", "trafilatura"}


@pytest.mark.parametrize("mode", ["fast", "precise", "auto"])
def test_blocks_are_parts_of_the_text(mode):
    found = extract_text(page(ARTICLE), mode)
    assert [found.text[block.start : block.end] for block in found.blocks] == found.text.split("\n\n")
    assert "paragraph" in {block.role for block in found.blocks}


def test_plain_text_keeps_its_paragraphs():
    found = extract_text(page("One\r\nline.\r\n\r\n\r\nTwo.", "text/plain"))
    assert found.text == "One\nline.\n\nTwo."
    assert found.confidence == 1.0


def test_what_has_no_text_here_is_said():
    with pytest.raises(ExtractionError, match="application/pdf"):
        extract_text(page(b"%PDF-1.7 ...", "application/pdf"))


def test_an_empty_page_has_an_empty_text():
    assert extract_text(page("<html></html>")).text == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_nothing_breaks_it(html):
    found = extract_text(page(f"<html><body>{html}</body></html>"), "fast")
    assert unicodedata.is_normalized("NFC", found.text)
    assert "\x00" not in found.text
    assert [found.text[b.start : b.end] for b in found.blocks] == (found.text.split("\n\n") if found.text else [])
