"""Arguments are checked before the first request, and a wrong one says what there is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from crawlers.errors import ArgumentError
from crawlers.sources.arguments import CommonArguments, argument, describe, parse, read_list


@dataclass(kw_only=True)
class Arguments(CommonArguments):
    url: str = argument("where to start", example="https://example.com")
    ratio: float = argument("a share", 0.5, minimum=0)
    deep: bool = argument("follow everything", False)
    mode: str = argument("how", "fast", choices=("fast", "slow"))
    limit: int | None = argument("at most", None)


def test_strings_become_what_is_declared():
    args = parse(Arguments, {"url": "u", "ratio": "0.25", "deep": "yes", "limit": "3", "keywords": "a, b,,"}, "shop")
    assert (args.url, args.ratio, args.deep, args.limit, args.keywords) == ("u", 0.25, True, 3, ["a", "b"])
    assert (args.mode, args.exclude, args.max_pages) == ("fast", [], 0)


def test_lists_are_not_shared_between_spiders():
    parse(Arguments, {"url": "u"}, "shop").keywords.append("x")
    assert parse(Arguments, {"url": "u"}, "shop").keywords == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "missing argument 'url'"),
        ({}, "scrapy crawl shop -a url=https://example.com"),
        ({"url": "u", "ratoi": "1"}, "did you mean 'ratio'"),
        ({"url": "u", "nonsense": "1"}, "-a deep=<bool>"),
        ({"url": "u", "ratio": "much"}, "expected float, got 'much'"),
        ({"url": "u", "ratio": "-1"}, "at least 0"),
        ({"url": "u", "deep": "perhaps"}, "expected bool"),
        ({"url": "u", "mode": "medium"}, "one of fast, slow"),
        ({"url": "u", "max_pages": "1.5"}, "expected int"),
        ({"url": "u", "keywords": "@/nowhere/list.txt"}, "/nowhere/list.txt"),
        ({"url": "u", "keywords": ",,"}, "argument 'keywords': expected phrases, got none in ',,'"),
        ({"url": "u", "exclude": ""}, "argument 'exclude': expected phrases, got none in ''"),
        ({"url": "u", "keywords": '["a", '}, "what begins with [ cannot be read as JSON"),
    ],
)
def test_what_is_wrong_is_said(given, said):
    with pytest.raises(ArgumentError, match=None) as caught:
        parse(Arguments, given, "shop")
    assert said in str(caught.value)
    assert str(caught.value).startswith("shop: ")


def test_a_list_may_be_json():
    assert read_list('["solar, wind", " hill ", ""]') == ["solar, wind", "hill"]


def test_an_empty_list_may_take_the_place_of_a_default():
    @dataclass(kw_only=True)
    class WithDefault(CommonArguments):
        exclude: list[str] = argument("what is not wanted", ["casino"])

    assert parse(WithDefault, {"exclude": ""}, "shop").exclude == []


def test_a_file_gives_one_value_a_line(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\ufeffsolar power\n# a comment\n\n  wind, off shore \n", encoding="utf-8")
    assert read_list(f"@{path}") == ["solar power", "wind, off shore"]


def test_the_description_names_type_meaning_and_default():
    text = describe(Arguments)
    assert "-a url=<str>  where to start; required" in text
    assert "-a mode=<str>  how (fast, slow); default: fast" in text
    assert "-a keywords=<list>" in text
