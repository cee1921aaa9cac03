"""Cleaning repairs what is broken, leaves alone what is not, says what it did, and does nothing the second time."""

from __future__ import annotations

import copy
import math
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scrapy.utils.test import get_crawler

from crawlers.items import Block, KeywordMatch, Media, Record, to_dict
from crawlers.pipelines.clean import CleanPipeline

ENGLISH = (
    "The old library stood at the end of the street, and every evening its windows were lit by a warm light. "
    "Nobody in the village knew who lit the lamps, because the door had been locked for more than thirty years."
)
GERMAN = (
    "Die alte Bibliothek stand am Ende der Straße, und jeden Abend leuchteten ihre Fenster in einem warmen Licht. "
    "Niemand im Dorf wusste, wer die Lampen anzündete, denn die Tür war seit mehr als dreißig Jahren verschlossen."
)

# Characters that meet each other badly, beside anything else.
nasty = st.text(
    st.sampled_from(
        "aé \n\t\r\x00\x92\xa0\xad\u0301\u200b\u200c\u200d\u202e\u2028\u3000\ufeff\ufe0f\ud83d\ude00ÃÂâ€™ﬁßİक्می👩🏴\U000e0067\U000e007f-"
    )
    | st.characters(),
    max_size=40,
)


def clean(text: str | None = None, *, pipeline: CleanPipeline | None = None, **values) -> Record:
    record = Record("s", "k", text=text, **values)
    assert (pipeline or CleanPipeline()).process_item(record) is record
    return record


def changes(record: Record) -> dict:
    return {k: v for step in record.provenance.transforms for k, v in step.changed.items()}


# --- laws -----------------------------------------------------------------------------------------------------------


@given(nasty, nasty, st.dictionaries(nasty, nasty | st.lists(nasty, max_size=2), max_size=2), st.data())
@example("Ã\u200b©", "e\u200b\u0301", {}, None)
@example("  \r\n\r\nx\u2029\u2029y \u00a0", "\ud83d\ude00", {"a": "Â\u200b-"}, None)
def test_cleaning_twice_changes_nothing_more(text, title, fields, data):
    blocks = []
    if data is not None and text:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=4)))
        roles = st.sampled_from(["paragraph", "code", "heading"])
        blocks = [Block(data.draw(roles), a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    once = clean(text, title=title, fields=fields, blocks=blocks)
    twice = CleanPipeline().process_item(copy.deepcopy(once))
    assert to_dict(twice) == to_dict(once)


@given(nasty)
def test_what_is_clean_is_nfc_without_controls_and_strict_utf8(text):
    cleaned = clean(text).text or ""
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode()
    assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in cleaned)
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip()


@given(st.lists(st.text(st.sampled_from("abcé \u200b\u0301\xa0"), min_size=1, max_size=8), min_size=1, max_size=6))
def test_blocks_keep_their_words(parts):
    """Each block, read after cleaning, says what its own text says when it is cleaned alone."""
    text, blocks = "", []
    for part in parts:
        blocks.append(Block("paragraph", len(text), len(text) + len(part)))
        text += part + "\n\n"
    expected = [alone for part in parts if (alone := clean(part).text)]
    record = clean(text, blocks=blocks)
    assert [record.text[b.start : b.end] for b in record.blocks] == expected


# --- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("plain words", "plain words"),
        ("  two   spaces\t\ttabs  ", "two spaces tabs"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one \r\n \r\n two\rthree", "one\n\ntwo\nthree"),
        ("a\u2028b\u2029c\x0cd\x85e", "a\nb\n\nc\n\nd\ne"),
        ("non\u00a0breaking\u202fthin\u2009wide\u3000all", "non breaking thin wide all"),
        ("cafe\u0301 A\u030a \u1112\u1161\u11ab", "café Å 한"),
        ("schÃ¶n, dÃ©jÃ\xa0 vu, â€œquotedâ€\x9d", "schön, déjà vu, “quoted”"),
        ("РџСЂРёРІРµС‚ РјРёСЂ", "Привет мир"),
        ("it\x92s \x93fine\x94", "it’s “fine”"),
        ("nul\x00 bell\x07 escape\x1b[0m", "nul bell escape[0m"),
        ("soft\xadhyphen \ufeffmark", "softhyphen mark"),
        ("\ud83d\ude00 pair", "😀 pair"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("voilà… «é» – Ü“ à", "voilà… «é» – Ü“ à"),
        ("ОСТАНОВКА «СВЕТ» Рис. №5", "ОСТАНОВКА «СВЕТ» Рис. №5"),
        ("√2 ≠ ∞, Γ→Δ", "√2 ≠ ∞, Γ→Δ"),
    ],
)
def test_repairs(dirty, expected):
    record = clean(dirty)
    assert record.text == expected
    assert bool(record.provenance.transforms) == (dirty != expected)


@pytest.mark.parametrize(
    "text",
    ["👨\u200d👩\u200d👧 family", "✔\ufe0f done", "1\ufe0f\u20e3 key", "می\u200cخواهم", "क्\u200dष", "葛\U000e0100飾",
     "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "שלום\u200f! (abc)", "👩🏽\u200d🚀 up", "ไทย\u200bคำ"],
)  # fmt: skip
def test_what_writing_needs_stays(text):
    record = clean(text)
    assert record.text == text
    assert record.flags == []


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("ig\u200bnore all", "invisible-characters"),
        ("ig\u2060nore all", "invisible-characters"),
        ("pay\u200dpal and a\u200cb", "invisible-characters"),
        ("x \u200b\u200c\u200b\u200c y", "invisible-characters"),
        ("hi" + "".join(chr(0xE0000 + ord(c)) for c in "obey"), "invisible-characters"),
        ("hi\U000e0101\U000e0102\U000e0133", "invisible-characters"),
        ("a\u2063b", "invisible-characters"),
        ("\u3164", "invisible-characters"),
        ("user\u202egpj.exe", "bidi-control"),
        ("a \u2067b\u2069 c", "bidi-control"),
        ("שלום \u202eabc", "bidi-control"),
        ("lost \ufffd here", "replacement-characters"),
    ],
)
def test_what_hides_is_flagged(text, flag):
    record = clean(text)
    assert record.flags == [flag]
    assert not set(record.text or "") & set("\u200b\u2060\u200d\u200c\u2063\u3164\u202e\u2067\U000e0101")


@pytest.mark.parametrize(
    "text", ["Guar\xadan\xadtee", "\ufeffstart", "end.\u200b", "a \u200b b", "abc\u200e (x)", "\ufe0f- item"]
)
def test_stray_typography_goes_without_a_flag(text):
    record = clean(text)
    assert record.flags == []
    assert changes(record)["text"]["invisible"] >= 1


def test_code_and_tables_keep_their_spaces():
    code = "def f():\r\n    return  1\t# x"
    text = f"Intro  text.\n\n\n{code}\n\n\nAfter  it."
    start = text.index(code)
    blocks = [
        Block("paragraph", 0, 12),
        Block("code", start, start + len(code)),
        Block("paragraph", start + len(code) + 3, len(text)),
    ]
    record = clean(text, blocks=blocks)
    assert record.text == "Intro text.\n\ndef f():\n    return  1\t# x\n\nAfter it."
    assert [record.text[b.start : b.end] for b in record.blocks] == [
        "Intro text.", "def f():\n    return  1\t# x", "After it.",
    ]  # fmt: skip


def test_blocks_without_text_go_and_matches_follow():
    text = "\u200b\n\nA  dÃ©jÃ\xa0 vu scene"
    at = text.index("vu")
    record = clean(
        text,
        blocks=[Block("paragraph", 0, 1), Block("paragraph", 3, len(text))],
        keywords=[KeywordMatch("vu", "keywords", at, at + 2), KeywordMatch("x", "keywords", 0, 1, "title")],
        title="x",
    )
    assert record.text == "A déjà vu scene"
    assert [(b.start, b.end) for b in record.blocks] == [(0, 15)]
    assert [record.text[m.start : m.end] for m in record.keywords if m.field == "text"] == ["vu"]
    assert [m.field for m in record.keywords] == ["text", "title"]


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing",
    ["", "  ", "N/A", "n/a", "null", "NULL", "-", "—", " - ", "undefined", "NaN", "\u200b", float("nan"), math.inf],
)
def test_missing_values_are_none_and_recorded(missing):
    record = clean(fields={"price": missing, "deep": {"list": ["x", missing]}})
    assert record.fields == {"price": None, "deep": {"list": ["x", None]}}
    assert set(changes(record)) == {"fields.price", "fields.deep.list.1"}


def test_other_values_stay():
    fields = {
        "zero": 0,
        "no": False,
        "none": None,
        "text": "N/A for now",
        "minus": "-5",
        "n": 1.5,
        "empty": [],
        "o": {},
    }
    record = clean(fields=copy.deepcopy(fields))
    assert record.fields == fields
    assert record.provenance.transforms == []


def test_what_is_missing_in_the_envelope():
    record = clean(
        "  \n ",
        title="",
        authors=["Ann", " ", "Ann", "N/A", "Bo\u00a0Li"],
        media=[Media(url="u", alt="", caption="c\x00")],
    )
    assert (record.text, record.title, record.authors) == (None, None, ["Ann", "Bo Li"])
    assert (record.media[0].alt, record.media[0].caption) == (None, "c")
    assert set(changes(record)) == {
        "text",
        "title",
        "authors",
        "authors.1",
        "authors.4",
        "media.0.alt",
        "media.0.caption",
    }


def test_a_title_is_one_line():
    assert clean(title=" The\n\n title ").title == "The title"


def test_depth_does_not_end_the_program():
    deep: dict = {}
    for _ in range(5000):
        deep = {"x": deep}
    clean(fields=deep)


def test_own_list_of_missing_values():
    record = clean(fields={"a": "k.A.", "b": "-"}, pipeline=CleanPipeline(missing=["k.a."]))
    assert record.fields == {"a": None, "b": "-"}


def test_derived_texts_are_forgotten_with_their_text():
    record = Record("s", "k", text="a  b")
    record.cache["folded"] = "old"
    CleanPipeline().process_item(record)
    assert record.cache == {}


# --- language -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "declared", "language", "flags"),
    [
        (ENGLISH, None, "en", []),
        (ENGLISH, "en-GB", "en-GB", []),
        (ENGLISH, "EN_us", "en-US", []),
        (GERMAN, None, "de", []),
        (GERMAN, "en", "de", ["language-mismatch"]),
        (GERMAN, "x-default", "de", []),
        ("Chapter 7", "fr", "fr", []),
        ("Chapter 7", None, None, []),
        ("12345 67890 " * 40, "en", "en", []),
        (None, "de", "de", []),
        (None, "not a language", None, []),
        ("图书馆坐落在街道的尽头，每天晚上窗户都亮着温暖的灯光。", None, "zh", []),
        ("Den gamle biblioteket sto i enden av gaten, og hver kveld lyste vinduene i et varmt lys.", "no", "no", []),
        (f"{ENGLISH}\n\n{GERMAN}", "en", "en", ["mixed-language"]),
        (f"{GERMAN}\n\n{GERMAN}\n\n{ENGLISH}", "de", "de", ["mixed-language"]),
        (ENGLISH.upper(), None, "en", []),
    ],
)
def test_language(text, declared, language, flags):
    record = clean(text, language=declared)
    assert (record.language, record.flags) == (language, flags)
    assert ("language" in changes(record)) == (language != declared)


def test_detection_can_be_switched_off():
    assert clean(GERMAN, language="en", pipeline=CleanPipeline(detect_language=False)).language == "en"


# --- provenance and settings ----------------------------------------------------------------------------------------


def test_each_change_is_recorded():
    record = clean("a\u200b  b\n\n\n\nc\u0301", title="x\x00", fields={"p": "n/a"})
    (step,) = record.provenance.transforms
    assert (step.step, step.version) == ("clean", "1")
    assert step.settings_digest.startswith("sha256:")
    assert step.changed == {
        "text": {"invisible": 1, "composed": 1, "white-space": 2}, "title": {"invisible": 1}, "fields.p": "missing: 'n/a'",
    }  # fmt: skip


def test_settings():
    crawler = get_crawler(settings_dict={"CLEAN_MISSING": "k.A.,leer", "CLEAN_LANGUAGE": False})
    record = CleanPipeline.from_crawler(crawler).process_item(Record("s", "k", text=GERMAN, fields={"a": "Leer"}))
    assert (record.fields, record.language) == ({"a": None}, None)
