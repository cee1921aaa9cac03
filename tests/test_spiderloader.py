"""Spiders are found by name; what is unknown or broken is said, and hides nothing else."""

from __future__ import annotations

import itertools
import sys

import pytest
from scrapy.exceptions import UsageError
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader, get_spider_loader

from crawlers.spiderloader import GristmillSpiderLoader
from tests.flow import harness

SPIDER = "import scrapy\nclass S(scrapy.Spider):\n    name = {!r}\n"
numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package of spider modules and returns its name; each test has one of its own."""
    name = f"loader_case_{next(numbers)}"
    monkeypatch.syspath_prepend(tmp_path)

    def write(**modules):
        for module, text in {"__init__": "", **modules}.items():
            file = tmp_path / name / f"{module.replace('__in__', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return name

    yield write
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        del sys.modules[module]


def loader(*modules):
    return GristmillSpiderLoader.from_settings(Settings({"SPIDER_MODULES": list(modules)}))


def test_it_finds_what_scrapy_finds():
    settings = Settings({"SPIDER_MODULES": ["crawlers.spiders"]})
    assert sorted(loader("crawlers.spiders").list()) == sorted(SpiderLoader.from_settings(settings).list())


def test_it_is_the_loader_of_the_project():
    settings = Settings({"SPIDER_LOADER_CLASS": "crawlers.spiderloader.GristmillSpiderLoader"})
    assert isinstance(get_spider_loader(settings), GristmillSpiderLoader)


def test_a_spider_is_loaded_by_its_name():
    assert loader("crawlers.spiders").load("site").name == "site"


def test_packages_in_packages_are_searched(package):
    name = package(a=SPIDER.format("a"), deep__in____init__="", deep__in__b=SPIDER.format("b"))
    assert sorted(loader(name).list()) == ["a", "b"]


def test_an_unknown_name_lists_the_known_and_guesses():
    with pytest.raises(UsageError) as caught:
        loader("crawlers.spiders").load("quots")
    said = str(caught.value)
    assert "unknown source 'quots' (did you mean 'quotes'?)" in said
    assert "books, demo, notes, orders, quotes, site" in said
    assert caught.value.print_help is False


def test_nothing_near_is_guessed_where_nothing_is_near():
    with pytest.raises(UsageError) as caught:
        loader("crawlers.spiders").load("zzzz")
    assert "did you mean" not in str(caught.value)


def test_no_spiders_at_all_is_said(package):
    with pytest.raises(UsageError, match="Known sources: none"):
        loader(package()).load("x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_package_at_all\n", "ModuleNotFoundError: No module named 'no_such_package_at_all'"),
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("def broken(:\n", "SyntaxError"),
        ("\n\nraise RuntimeError('no key')\n", "b.py:3"),
    ],
)
def test_a_broken_module_is_named_and_hides_no_other(package, caplog, text, said):
    name = package(a=SPIDER.format("a"), b=text, c=SPIDER.format("c"))
    found = loader(name)
    assert sorted(found.list()) == ["a", "c"]
    assert list(found.broken) == [f"{name}.b"]
    assert f"{name}.b cannot be imported" in caplog.text
    with pytest.raises(UsageError) as caught:
        found.load("b")
    assert said in str(caught.value)


def test_a_broken_package_is_named_and_hides_no_other(package):
    name = package(a=SPIDER.format("a"), deep__in____init__="1 / 0", deep__in__b=SPIDER.format("b"))
    found = loader(name)
    assert found.list() == ["a"]
    assert list(found.broken) == [f"{name}.deep"]


def test_a_missing_package_is_named():
    found = loader("no_such_spiders", "crawlers.spiders")
    assert "site" in found.list()
    assert "no_such_spiders" in found.broken


def test_two_spiders_of_one_name_are_warned_of(package):
    name = package(a=SPIDER.format("same"), b=SPIDER.format("same"))
    with pytest.warns(UserWarning, match="several spiders with the same name"):
        loader(name)


@pytest.mark.parametrize("command", ["crawl", "refine", "readmit"])
def test_the_command_line_says_it_without_a_traceback(tmp_path, command):
    result = harness.run(tmp_path, command, "sitee")
    assert result.code == 2, result
    assert "did you mean 'site'" in result.err
    assert "Traceback" not in result.err


def test_scrapys_own_loader_says_it_too(tmp_path):
    result = harness.run(tmp_path, "crawl", "sitee", *harness.settings(**harness.PLAIN))
    assert result.code == 2, result
    assert "unknown source 'sitee'. Known sources: copies, gallery, outcomes, pages." in result.err
    assert "Traceback" not in result.err
