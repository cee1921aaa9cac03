"""Main text: what a reader came for is kept, in order and with its structure; the page's frame is not."""

from __future__ import annotations

import sys
import unicodedata
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.errors import ExtractionError
from crawlers.extractors import classifier
from crawlers.extractors import text as module
from crawlers.extractors.outline import ROLES, outline
from crawlers.extractors.page import Page
from crawlers.extractors.text import MODES, Text, explain, extract_text
from tests.webpages import broken_twins, ordinary, page_of, saved

KEPT = {
    "article": [
        "The harbour bridge opened to pedestrians at seven on Tuesday morning, nine months after",
        "What was repaired",
        "Two suspension cables",
        "A second inspection is planned for the summer",
    ],
    "blog-de": [
        "Für dieses Brot braucht man weder Maschine noch Muskeln",
        "500 g Weizenmehl, Type 700",
        "Den Topf im Ofen auf 240 °C vorheizen",
        "Das Brot klingt hohl, wenn man auf die Unterseite klopft",
    ],
    "documentation": [
        "A process that wants a lock which another one holds has three choices",
        'with Lock("/run/job.lock", timeout=5):\n    work()',
        "path str where the lock file is written\ntimeout float seconds to wait",
        "Locks on network file systems are advice.",
    ],
    "listing": ["A small kettle made of copper", "For the camp fire, with a chain."],
    "product": ["Handgetriebener Kessel aus Kupfer mit Griff aus Buche"],
    "thread": ["My kettle whistles long before the water boils.", "Clean the valve, then try again."],
}
DROPPED = {
    "article": ["Sport", "Ferry timetable changes", "All rights reserved", "Privacy"],
    "blog-de": ["Cookies", "Rezepte", "Facebook", "Knäckebrot", "Newsletter", "Impressum"],
    "documentation": ["index", "Table of Contents", "Quick search", "Copyright"],
}


def holds(found: Text) -> None:
    """What is true of every main text."""
    assert unicodedata.is_normalized("NFC", found.text)
    assert found.text == found.text.strip("\n")
    found.text.encode("utf-8")
    assert "\0" not in found.text
    assert 0.0 <= found.confidence <= 1.0
    assert bool(found.text) == bool(found.blocks)
    at = 0
    for block in found.blocks:
        assert block.start == at
        assert block.start < block.end <= len(found.text)
        assert found.text[block.start : block.end].strip("\n") == found.text[block.start : block.end]
        assert found.text[block.end : block.end + 2] in {"\n\n", ""}
        assert block.level is None or (block.role == "heading" and block.level in range(1, 7))
        at = block.end + 2
    assert not found.text or found.blocks[-1].end == len(found.text)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(KEPT))
def test_what_a_reader_came_for_is_kept(name, mode):
    found = extract_text(saved(name), mode)
    holds(found)
    at = -1
    for passage in KEPT[name]:
        assert passage in found.text
        assert found.text.index(passage) > at
        at = found.text.index(passage)
    for passage in DROPPED.get(name, ()):
        assert passage not in found.text


def test_parts_keep_their_roles():
    found = extract_text(saved("documentation"))
    parts = {found.text[block.start : block.end].split("\n")[0]: block.role for block in found.blocks}
    assert parts["from lockfile import Lock"] == "code"
    assert parts["Name Type Meaning"] == "table"
    assert next(role for text, role in parts.items() if text.startswith("Locks on network")) == "quote"
    assert {b.role for b in extract_text(saved("blog-de")).blocks} == {"heading", "paragraph", "list-item"}
    levels = [block.level for block in extract_text(saved("article")).blocks if block.role == "heading"]
    assert levels[-1] == 2


def test_a_caption_is_a_caption():
    figure = "<figure><img src=a.jpg><figcaption>The old kettle of copper, as it hangs in the museum today.</figcaption></figure>"
    prose = "<p>There are many kinds of kettles, and most of them boil water, some of them with a great noise.</p>" * 3
    decisions = explain(page_of(f"<main><article><h1>Kettles</h1>{prose}{figure}{prose}</article></main>"))
    roles = {decision.text: decision.role for decision in decisions}
    assert roles["The old kettle of copper, as it hangs in the museum today."] == "caption"


def test_roles_are_those_that_records_know():
    known = {"heading", "paragraph", "list-item", "table", "caption", "code", "quote"}
    for name in ordinary():
        assert {block.role for block in extract_text(saved(name)).blocks} <= known


@pytest.mark.parametrize("name", ordinary())
@pytest.mark.parametrize("mode", MODES)
def test_a_broken_page_is_read_as_far_as_it_goes(name, mode):
    page = saved(name)
    for what, body in broken_twins(page.html).items():
        if mode == "precise" and what == "nested deeply":
            continue  # trafilatura takes its time with it; test_pages_that_are_too_much has it
        holds(extract_text(page_of(body), mode))


@pytest.mark.parametrize("what", ["tags inside out", "NUL and controls", "nested deeply", "many attributes"])
def test_a_broken_article_still_has_its_paragraphs(what):
    page = saved("article")
    found = extract_text(page_of(broken_twins(page.html)[what]))
    assert "engineers" in found.text
    assert "pedestrians" in found.text
    assert len(found.text) > 400


@pytest.mark.parametrize(
    "html", ["", " ", "<html></html>", "<script>x()</script>", "<!-- -->", "<body><nav></nav></body>"]
)
@pytest.mark.parametrize("mode", MODES)
def test_a_page_without_text_has_none(html, mode):
    found = extract_text(page_of(html), mode)
    assert (found.text, found.blocks, found.confidence) == ("", [], 0.0)
    assert explain(page_of(html), mode) == []


def test_a_page_that_is_all_frame_is_not_trusted():
    frame = "<nav>" + "".join(f"<a href=/{i}>Section {i}</a> " for i in range(30)) + "</nav><footer>© 2026</footer>"
    assert extract_text(page_of(frame)).confidence < 0.6 < extract_text(saved("article")).confidence


def test_text_is_composed():
    prose = "Une re\u0301ponse a\u0300 la question, et puis une autre encore. " * 9
    page = page_of(f"<article><h1>Cafe\u0301</h1><p>{prose}</p></article>")
    found = extract_text(page)
    holds(found)
    assert "Café" in found.text
    assert "réponse à" in found.text


def test_the_same_page_gives_the_same_text():
    for name in ordinary():
        assert extract_text(saved(name)) == extract_text(saved(name))
        page = saved(name)
        assert extract_text(page) == extract_text(page)


def test_the_extractor_says_what_it_was():
    names = {mode: extract_text(saved("documentation"), mode).extractor for mode in MODES}
    assert names["fast"].endswith(" fast")
    assert names["precise"].endswith(" with trafilatura")
    assert names["auto"].split(" with")[0].removesuffix(" fast") == names["precise"].split(" with")[0]


def test_auto_asks_further_only_in_doubt():
    sure, doubtful = extract_text(saved("article")), extract_text(saved("product"))
    assert sure.extractor.endswith(" fast")
    assert not doubtful.extractor.endswith(" fast")
    assert sure.confidence > doubtful.confidence


def test_precise_goes_on_where_trafilatura_fails(monkeypatch):
    import trafilatura

    def fail(*args, **kwargs):
        raise RecursionError

    monkeypatch.setattr(trafilatura, "extract", fail)
    found = extract_text(saved("article"), "precise")
    assert "trafilatura" not in found.extractor
    assert "pedestrians" in found.text


def test_pages_that_are_too_much_for_trafilatura_are_not_given_to_it(monkeypatch):
    import trafilatura

    monkeypatch.setattr(trafilatura, "extract", lambda *args: sys.exit("was asked"))
    monkeypatch.setattr(module, "_VOTE_CHARS", 100)
    assert "pedestrians" in extract_text(saved("article"), "precise").text
    monkeypatch.setattr(module, "_VOTE_CHARS", 10**9)
    monkeypatch.setattr(module, "_VOTE_TAGS", 3)
    assert "pedestrians" in extract_text(saved("article"), "precise").text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("one\n\ntwo", "one\n\ntwo"),
        ("one\r\nline\r\n\r\n\r\n\r\ntwo\r\n", "one\nline\n\ntwo"),
        ("  indented\n    more  \n", "  indented\n    more"),
        ("", ""),
        ("\n \n\t\n", ""),
        ("Cafe\u0301", "Café"),
    ],
)
def test_plain_text_is_parted_by_blank_lines(source, text):
    found = extract_text(Page(source.encode(), "http://x/a.txt", {"content-type": ["text/plain; charset=utf-8"]}))
    holds(found)
    assert found.text == text
    assert found.extractor == "plain"
    assert found.confidence == (1.0 if text else 0.0)


@pytest.mark.parametrize("media_type", ["text/markdown", "text/x-python", "text/x-rst"])
def test_text_of_any_kind_is_read_as_it_is(media_type):
    page = Page(b"def f():\n    pass\n\n\nf()\n", "https://site.example/f.py", {"content-type": [media_type]})
    assert extract_text(page).text == "def f():\n    pass\n\nf()"


@pytest.mark.parametrize("media_type", ["application/json", "image/png", "application/pdf", "text/csv", "text/css"])
def test_other_media_types_are_refused_by_name(media_type):
    page = Page(b"{}", "https://site.example/thing", {"content-type": [media_type]})
    with pytest.raises(ExtractionError, match=f"got {media_type} at https://site.example/thing: give its records"):
        extract_text(page)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ordinary())
def test_every_block_of_a_page_is_explained(name, mode):
    page = saved(name)
    found, decisions = extract_text(page, mode), explain(page, mode)
    kept = [decision for decision in decisions if decision.kept]
    assert "\n".join(decision.text for decision in kept).split() == found.text.split()
    for decision in decisions:
        assert 0 <= decision.score <= 1
        assert decision.reasons[-2].endswith(" words")
        assert decision.reasons[-1].endswith("% links")
        if decision.kept:
            assert decision.score >= decision.threshold - 1e-3 or decision.reasons[0].startswith("belongs to")
        else:
            assert decision.score <= decision.threshold + 1e-3 or decision.role == "heading"


def test_reasons_name_what_stands_out():
    said = {decision.text: decision for decision in explain(saved("article"))}
    home = said["Home News Sport"]
    assert not home.kept
    assert {"in nav", "in header"} <= set(home.reasons)
    assert home.place == "header > nav"
    assert "words of a site's frame" in said["© 2026 The Harbour Gazette. All rights reserved."].reasons
    assert said["Two suspension cables"].place == "main > article > ul > li"
    hidden = explain(page_of("<p style='display:none'>Some words that nobody sees.</p><p>Others.</p>"))
    assert "hidden" in hidden[0].reasons


@pytest.mark.parametrize("mode", MODES)
def test_what_a_reader_does_not_see_is_left_out(mode):
    trap = "Cheap watches, cheap shoes, cheap sunglasses for every reader of this newspaper, only today and only here."
    html = saved("article").html.replace("<h2>What", f'<div style="display:none"><p>{trap}</p></div><h2>What')
    page = page_of(html)
    found = extract_text(page, mode)
    holds(found)
    assert trap not in found.text
    assert "What was repaired" in found.text
    assert not next(decision.kept for decision in explain(page, mode) if decision.text == trap)


def test_nothing_but_html_is_explained():
    assert explain(Page(b"x", "http://x/", {"content-type": ["text/plain"]})) == []


TAGS = ["<p>", "</p>", "<h2>", "<li>", "<tr><td>", "<td>", "<pre>", "</pre>", "<br>", "<nav>", "</nav>", "<div>"]


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body):
    with suppress(ExtractionError):  # bytes that begin like a picture are one
        holds(extract_text(page_of(body), "fast"))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(TAGS),
            st.text(max_size=12),
        ),
        max_size=40,
    )
)
def test_any_markup_is_read(parts):
    page = page_of("".join(parts))
    holds(extract_text(page, "auto"))


def test_a_term_stays_with_its_definition_and_a_heading_with_its_text():
    entry = "<dt>RUSAGE_{0}</dt><dd>Pass to getrusage() to request the resources that are consumed by process {0}, its children too.</dd>"
    part = "<h2>Part {0}</h2><p>Kettles boil water, and the best of them do it quietly, in a corner of kitchen {0} that nobody sees.</p>"
    body = "".join(part.format(i) for i in range(6)) + "<dl>" + "".join(entry.format(i) for i in range(6)) + "</dl>"
    page = page_of(
        f"<nav><a href=/>Home</a></nav><main><h1>Kettles</h1>{body}</main><footer>All rights reserved</footer>"
    )
    decisions = explain(page)
    for label, what in pairwise(decisions):
        if what.kept and label.role == "term":
            assert label.kept
    kept = [decision.kept for decision in decisions]
    for place, decision in enumerate(decisions[1:-1], 1):
        if decision.role == "heading" and kept[place - 1] and kept[place + 1]:
            assert decision.kept
    assert sum(kept) > 12


def between(*blocks: str) -> str:
    """Paragraphs of main text with *blocks* between the second and the third."""
    said = "<p>Kettles boil water, and the best of them do it quietly, in a corner of kitchen {0} that nobody sees.</p>"
    first, second = ("".join(said.format(i) for i in part) for part in (range(2), range(2, 8)))
    return f"<nav><a href=/>Home</a></nav><main><h1>Kettles</h1>{first}{''.join(blocks)}{second}</main><footer>© 2026</footer>"


def judged(monkeypatch, markup: str, code_odds: float) -> list[tuple[str, bool]]:
    """Role of each block and whether it is kept, where the model gives code these odds."""
    known = classifier.log_odds

    def log_odds(matrix, *args, **options):
        odds = known(matrix, *args, **options)
        odds[[place for place, row in enumerate(outline(page).rows) if row.role == ROLES.index("code")]] = code_odds
        return odds

    page = page_of(markup)
    with monkeypatch.context() as patch:
        patch.setattr(classifier, "log_odds", log_odds)
        return [(decision.role, decision.kept) for decision in explain(page, "fast")]


def test_code_stays_between_the_texts_that_are_kept(monkeypatch):
    pieces = "<pre>kettle --boil</pre>", "<pre>kettle --pour | cup</pre>"
    assert judged(monkeypatch, between(*pieces), -0.8).count(("code", True)) == 2
    assert judged(monkeypatch, between(*pieces), -5.0).count(("code", False)) == 2
    at_the_ends = pieces[0] + between() + pieces[1]
    assert judged(monkeypatch, at_the_ends, -0.8).count(("code", False)) == 2
    only_code = judged(monkeypatch, "".join(pieces), -0.8)
    assert [role for role, _ in only_code] == ["code", "code"]
