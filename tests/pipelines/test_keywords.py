"""Keywords are found where they stand, in the text as it is, and records are kept or rejected by them."""

from __future__ import annotations

import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exceptions import NotConfigured
from scrapy.utils.test import get_crawler

from crawlers import settings as defaults
from crawlers.errors import ConfigurationError, Rejected
from crawlers.items import Record
from crawlers.pipelines.keywords import Group, KeywordsPipeline


def record(text: str | None = None, **values) -> Record:
    return Record("s", "k", text=text, **values)


def stage(**parts) -> KeywordsPipeline:
    options = {
        name: parts.pop(name)
        for name in list(parts)
        if name in {"whole_words", "fold_case", "fold_accents", "max_matches"}
    }
    return KeywordsPipeline([Group("keywords", **parts)], **options)


def matches(item: Record) -> list[tuple[str, str]]:
    """Phrase and what stands at its place."""
    texts = {"title": item.title, "text": item.text}
    return [(m.phrase, (texts[m.field] or "")[m.start : m.end]) for m in item.keywords]


def refused(pipeline: KeywordsPipeline, item: Record) -> Rejected:
    with pytest.raises(Rejected) as caught:
        pipeline.process_item(item)
    assert caught.value.stage == "keywords"
    return caught.value


# --- finding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "text", "options", "found"),
    [
        ("solar", "Solar power and SOLAR panels", {}, ["Solar", "SOLAR"]),
        ("solar", "Solar power", {"fold_case": False}, []),
        ("solar panel", "solar\npanel, solar  panel", {}, ["solar\npanel"]),
        ("art", "art, party, art-house (art)", {}, ["art", "art", "art"]),
        ("art", "party", {"whole_words": False}, ["art"]),
        ("art", "art_1 art1 1art artſ", {}, []),
        ("straße", "Die STRASSE und die Straße", {}, ["STRASSE", "Straße"]),
        ("STRASSE", "Die Straße", {}, ["Straße"]),
        ("stras", "Straße", {"whole_words": False}, []),  # half of ß has no place
        ("istanbul", "İstanbul", {}, []),
        ("istanbul", "İstanbul", {"fold_accents": True}, ["İstanbul"]),
        ("cafe", "Café CAFE\u0301 cafe", {"fold_accents": True}, ["Café", "CAFE\u0301", "cafe"]),
        ("cafe", "Café CAFE\u0301 cafe", {}, ["cafe"]),
        ("café", "cafe", {"fold_accents": True}, ["cafe"]),
        ("oresund", "Øresund", {"fold_accents": True}, ["Øresund"]),
        ("aether", "Æther", {"fold_accents": True}, ["Æther"]),
        ("office", "the oﬃce", {"fold_accents": True}, ["oﬃce"]),
        ("office", "the oﬃce", {}, ["oﬃce"]),
        ("κόσμος", "ΚΌΣΜΟΣ", {}, ["ΚΌΣΜΟΣ"]),
        ("κοσμος", "κόσμος", {"fold_accents": True}, ["κόσμος"]),
        ("東京", "東京都に住む", {}, ["東京"]),
        ("ไทย", "ประเทศไทยสวย", {}, ["ไทย"]),
        ("서울", "서울에서 만나요", {}, ["서울"]),
        ("हिन्दी", "हिन्दी भाषा", {}, ["हिन्दी"]),
        ("हिन्द", "हिन्दी भाषा", {}, []),
        ("c++", "C++, c++14 and c+", {}, ["C++", "c++"]),
        ("#1", "the #1 and #12", {}, ["#1"]),
        ("emoji 😀", "an emoji 😀 here", {}, ["emoji 😀"]),
        ("end", "the \ud800 end", {}, ["end"]),
        ("new york", "New York York", {}, ["New York"]),
    ],
)
def test_phrases(phrase, text, options, found):
    item = record(text)
    pipeline = stage(any=[phrase], **options)
    if found:
        pipeline.process_item(item)
        assert matches(item) == [(phrase, part) for part in found]
    else:
        assert refused(pipeline, item).reason == "no-keyword"


def test_overlapping_phrases_are_all_found():
    item = record("the New York Times")
    stage(any=["new york", "york times", "york", "NEW  YORK"]).process_item(item)
    assert matches(item) == [
        ("new york", "New York"),
        ("NEW YORK", "New York"),
        ("york", "York"),
        ("york times", "York Times"),
    ]


words = st.sampled_from(
    [
        "straße",
        "İx",
        "ﬁn",
        "café",
        "cafe\u0301",
        "Σίσυφος",
        "plain",
        "naïve",
        "日本",
        "a\u0301\u0302b",
        "ŉ",
        "ǰ",
        "Æ",
        "\u0301",
    ]
)


@given(st.lists(words, min_size=1, max_size=8), st.data(), st.booleans())
def test_each_match_folds_to_its_phrase_and_every_planted_phrase_is_found(parts, data, accents):
    text = " ".join(parts)
    phrase = data.draw(st.sampled_from(parts).filter(lambda part: part != "\u0301"))
    pipeline = stage(any=[phrase], whole_words=False, fold_accents=accents)
    item = record(text)
    pipeline.process_item(item)
    fold = pipeline._matcher._fold
    for _, found in matches(item):
        assert fold(found).text == fold(phrase).text
    at = 0
    places = {(m.start, m.end) for m in item.keywords}
    for part in parts:
        if part == phrase:
            assert any(start <= at and at + len(part) <= end for start, end in places)
        at += len(part) + 1


inline = st.text(min_size=1, max_size=3).filter(lambda phrase: not phrase.startswith("@"))


@given(st.text(max_size=30), inline, st.booleans())
def test_places_lie_in_the_text(text, phrase, accents):
    pipeline = stage(any=[phrase, "always"], whole_words=False, fold_accents=accents)
    item = record(f"{text} always")
    pipeline.process_item(item)
    fold = pipeline._matcher._fold
    for m in item.keywords:
        assert 0 <= m.start < m.end <= len(item.text)
        assert fold(item.text[m.start : m.end]).text == fold(m.phrase).text


def test_patterns_have_places_too():
    item = record("Ärger: Order A-17 and a-9", title="A-1")
    stage(patterns=[r"\b[a-z]-[0-9]+"]).process_item(item)
    assert matches(item) == [(r"\b[a-z]-[0-9]+", part) for part in ("A-1", "A-17", "a-9")]
    assert refused(stage(patterns=["a-17"], fold_case=False), record("A-17")).value == 1


def test_a_hostile_text_takes_no_time():
    pipeline = stage(patterns=[r"(a+)+b|z"])
    item = record("a" * 50_000 + "z")
    pipeline.process_item(item)
    assert len(item.keywords) == 1


def test_own_fields_lists_and_what_is_missing():
    item = record(None, title=None, fields={"tags": ["red", "solar"], "deep": {"name": "Solar Ltd", "n": 3}})
    KeywordsPipeline(
        [Group("g", any=["solar"], fields=["fields.tags", "fields.deep", "fields.none", "text"])]
    ).process_item(item)
    assert [(m.field, m.start, m.end) for m in item.keywords] == [("fields.tags.1", 0, 5), ("fields.deep.name", 0, 5)]


def test_too_many_matches_are_cut_and_flagged():
    item = record("x " * 50)
    stage(any=["x"], max_matches=10).process_item(item)
    assert len(item.keywords) == 10
    assert item.flags == ["keywords-truncated"]


def test_a_second_pass_finds_the_same():
    item, pipeline = record("solar and wind"), stage(any=["solar", "wind"])
    first = list(pipeline.process_item(item).keywords)
    assert pipeline.process_item(item).keywords == first


# --- deciding -------------------------------------------------------------------------------------------------------


def test_none_of_the_phrases():
    found = refused(stage(any=["a1", "b1", "c1"], patterns=["z9"]), record("text"))
    assert (found.reason, found.value, found.threshold) == ("no-keyword", 4, "keywords")
    assert "none of 4 phrases occurs in title, text" in found.detail


def test_excluded():
    found = refused(stage(any=["solar"], none=["casino"]), record("solar", title="Casino night"))
    assert (found.reason, found.value) == ("excluded-keyword", "casino")
    assert "title at 0" in found.detail
    assert refused(stage(none_patterns=["cas[io]+no"]), record("a casino")).value == "cas[io]+no"


def test_only_exclusions_keep_the_rest():
    item = record("fine")
    assert stage(none=["casino"]).process_item(item) is item
    assert item.keywords == []


def test_all():
    pipeline = stage(all=["solar", "Wind", "water"])
    found = refused(pipeline, record("SOLAR power"))
    assert (found.reason, found.value) == ("missing-keyword", ["Wind", "water"])
    item = pipeline.process_item(record("water, wind, solar"))
    assert [m.phrase for m in item.keywords] == ["water", "Wind", "solar"]


def test_one_phrase_in_several_parts():
    pipeline = stage(any=["solar"], all=["SOLAR"], none=["solar eclipse"])
    assert len(pipeline.process_item(record("solar")).keywords) == 2
    assert refused(pipeline, record("a solar eclipse")).reason == "excluded-keyword"


def test_groups_must_all_hold_each_in_its_own_place():
    pipeline = KeywordsPipeline([
        Group("energy", any=["solar", "wind"], fields=["title"]),
        Group("place", all=["berlin"], none=["potsdam"], fields=["text"]),
    ])  # fmt: skip
    item = pipeline.process_item(record("In Berlin.", title="Wind and Potsdam"))
    assert [(m.list, m.phrase, m.field) for m in item.keywords] == [
        ("energy", "wind", "title"),
        ("place", "berlin", "text"),
    ]
    assert refused(pipeline, record("wind in Berlin", title="News")).threshold == "energy"
    assert refused(pipeline, record("In Hamburg", title="Wind")).threshold == "place"
    assert refused(pipeline, record("Berlin, Potsdam", title="Wind")).reason == "excluded-keyword"


def test_lists_by_language():
    pipeline = stage(any={"de": ["Sonne"], "en": ["sun"], "*": ["solar"]})
    assert pipeline.process_item(record("Die Sonne", language="de-AT")).keywords[0].list == "keywords/de"
    assert pipeline.process_item(record("solar", language="fr")).keywords[0].list == "keywords"
    assert pipeline.process_item(record("sun and Sonne")).keywords != []  # unknown language: every list
    assert refused(pipeline, record("sun", language="de")).value == 2
    only = stage(any={"de": ["Sonne"]})
    found = refused(only, record("Sonne", language="fr"))
    assert found.value == 0
    assert "no list for 'fr'" in found.detail


def test_all_by_language_is_not_asked_of_other_languages():
    pipeline = stage(all={"de": ["und"], "en": ["and"]})
    pipeline.process_item(record("a and b", language="en"))
    assert refused(pipeline, record("a and b", language="de")).value == ["und"]
    pipeline.process_item(record("who knows"))


# --- settings -------------------------------------------------------------------------------------------------------


def crawler(args: object = None, **values):
    given = {name: getattr(defaults, name) for name in dir(defaults) if name.startswith("KEYWORDS")}
    made = get_crawler(settings_dict={**given, **values})
    made.spider = types.SimpleNamespace(name="s", args=args)
    return made


def build(args: object = None, **values) -> KeywordsPipeline:
    return KeywordsPipeline.from_crawler(crawler(args, **values))


def test_nothing_configured():
    with pytest.raises(NotConfigured, match="KEYWORDS"):
        build()
    with pytest.raises(NotConfigured, match="-a keywords"):
        build(types.SimpleNamespace(keywords=[], exclude=[]))


def test_inline_and_json():
    assert build(KEYWORDS="solar, wind power").process_item(record("Wind  power".replace("  ", " "))).keywords
    assert build(KEYWORDS=["a,b"]).process_item(record("a,b")).keywords
    assert build(KEYWORDS='{"de": ["Sonne"], "*": "x,y"}').process_item(record("y", language="de")).keywords


def test_files(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("\ufeff# energy\nsolar\n\n  wind   power \n#x\nC#\n", encoding="utf-8")
    pipeline = build(KEYWORDS=f"@{file}")
    assert matches(pipeline.process_item(record("C# and wind power"))) == [("C#", "C#"), ("wind power", "wind power")]
    assert refused(pipeline, record("x, energy")).value == 3
    both = build(KEYWORDS={"*": [f"@{file}", "water"]}, KEYWORDS_NONE=f"@{file}")
    assert refused(both, record("water and solar")).reason == "excluded-keyword"


def test_a_hundred_thousand_phrases(tmp_path):
    file = tmp_path / "many.txt"
    file.write_text("\n".join(f"phrase number {i}" for i in range(100_000)))
    pipeline = build(KEYWORDS=f"@{file}")
    item = pipeline.process_item(record("This is Phrase Number 99999, not phrase number 100000."))
    assert matches(item) == [("phrase number 99999", "Phrase Number 99999")]
    assert refused(pipeline, record("nothing")).value == 100_000


def test_arguments_take_the_place_of_settings():
    args = types.SimpleNamespace(keywords=["wind"], exclude=["storm"])
    pipeline = build(args, KEYWORDS=["solar"], KEYWORDS_NONE=["moon"])
    pipeline.process_item(record("wind and moon"))
    assert refused(pipeline, record("solar")).reason == "no-keyword"
    assert refused(pipeline, record("wind storm")).value == "storm"
    assert build(types.SimpleNamespace(keywords=[], exclude=[]), KEYWORDS=["solar"]).process_item(record("solar"))


def test_options():
    pipeline = build(
        KEYWORDS=["resume"], KEYWORDS_FOLD_ACCENTS=True, KEYWORDS_WHOLE_WORDS=False, KEYWORDS_FIELDS="title,fields.x",
        KEYWORDS_PATTERNS=["z{3}"], KEYWORDS_MATCHES_MAX=1, KEYWORDS_ALL="one",
    )  # fmt: skip
    item = pipeline.process_item(record("resume", title="Résumés one", fields={"x": "zzz"}))
    assert item.flags == ["keywords-truncated"]
    groups = [{"name": "g", "any": "a,b", "in": "text"}, {"name": "h", "none_patterns": ["q+"]}]
    pipeline = build(KEYWORDS_GROUPS=groups)
    assert pipeline.process_item(record("b")).keywords[0].list == "g"
    assert refused(pipeline, record("b", title="qq")).threshold == "h"


@pytest.mark.parametrize("pattern", ["[Ss]olar", "[S]olar|[1]", "[A-Z]olar"])
def test_one_pattern_may_begin_with_a_bracket(pattern):
    pipeline = build(KEYWORDS_PATTERNS=pattern)
    pipeline.process_item(record("Solar power"))
    assert refused(pipeline, record("wind")).value == 1


def test_lists_of_the_command_line_are_json():
    """As ``-s`` gives them."""
    pipeline = build(KEYWORDS='["solar, wind", "hill"]')
    assert matches(pipeline.process_item(record("solar, wind"))) == [("solar, wind", "solar, wind")]
    pipeline.process_item(record("a hill"))
    assert refused(pipeline, record("solar")).value == 2
    pipeline = build(KEYWORDS_GROUPS='[{"name": "g", "any": ["energy"], "patterns": "s[ou]n", "in": ["fields.tags"]}]')
    pipeline.process_item(record("", fields={"tags": ["energy"]}))
    pipeline.process_item(record("", fields={"tags": ["the sun"]}))
    assert refused(pipeline, record("energy")).threshold == "g"
    pipeline = build(KEYWORDS_PATTERNS='["a{2}", "b{2}"]', KEYWORDS_FIELDS='["text"]')
    pipeline.process_item(record("bb"))
    assert refused(pipeline, record("b", title="bb")).value == 2
    with pytest.raises(NotConfigured):
        build(KEYWORDS="[]")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"KEYWORDS": "@no/such/file.txt"}, "no/such/file.txt"),
        ({"KEYWORDS_NONE": ["@also/missing"]}, "also/missing"),
        ({"KEYWORDS": "@EMPTY"}, "one phrase a line"),
        ({"KEYWORDS": "@LATIN"}, "save the file as UTF-8"),
        ({"KEYWORDS": "@FOLDER"}, "got: "),
        ({"KEYWORDS": 7}, "got int"),
        ({"KEYWORDS": [3]}, "put it in quotes"),
        ({"KEYWORDS": '{"de": '}, "expected JSON such as"),
        ({"KEYWORDS": '["solar", '}, "expected JSON such as"),
        ({"KEYWORDS": ",,"}, "expected phrases, got none"),
        ({"KEYWORDS_PATTERNS": '["a", '}, "missing ]"),
        ({"KEYWORDS_PATTERNS": [1]}, "expected regular expressions as text, got 1"),
        ({"KEYWORDS_GROUPS": "[{]"}, "expected JSON such as"),
        ({"KEYWORDS_FIELDS": "nofield", "KEYWORDS": "a"}, "title, type, url, or a name below fields"),
        ({"KEYWORDS_FIELDS": ["title.x"], "KEYWORDS": "a"}, "got 'title.x'"),
        ({"KEYWORDS_FIELDS": ["provenance.etag"], "KEYWORDS": "a"}, "got 'provenance.etag'"),
        ({"KEYWORDS_GROUPS": [{"name": "g", "any": ["x"], "in": ["tags"]}]}, "(g: in): expected some of"),
        ({"KEYWORDS_PATTERNS": ["(open"]}, "missing )"),
        ({"KEYWORDS_PATTERNS": ["(?=look)"]}, "look-around"),
        ({"KEYWORDS_PATTERNS": [r"(a)\1"]}, "back-references"),
        ({"KEYWORDS_PATTERNS": ["a*"]}, "fits none"),
        ({"KEYWORDS_PATTERNS": 3}, "expected a list"),
        ({"KEYWORDS_GROUPS": [{"any": ["x"]}]}, "KEYWORDS_GROUPS"),
        ({"KEYWORDS_GROUPS": [{"name": "g", "some": ["x"]}]}, "none_patterns and in"),
        ({"KEYWORDS_GROUPS": ["x"]}, "got 'x'"),
    ],
)
def test_wrong_settings_stop_before_the_first_request(tmp_path, monkeypatch, values, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").write_text("# nothing\n\n")
    (tmp_path / "LATIN").write_bytes("Straße".encode("latin-1"))
    (tmp_path / "FOLDER").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        build(**values)
    assert says in str(caught.value)
    assert next(iter(values)) in str(caught.value)
