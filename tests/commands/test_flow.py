"""The real command; what it finds out is tested in tests/test_flow.py."""

from __future__ import annotations

import re

import pytest

from tests.flow import harness

SPIDERS = harness.settings(SPIDER_MODULES="tests.flow.spiders")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    result = harness.run(data, "flow", "pages", "-a", "url=http://shop.example/", *SPIDERS)
    return data, result


def test_it_shows_every_step_in_flow_order(shown):
    _, result = shown
    assert result.code == 0, result
    titles = [line for line in result.out.splitlines() if line[:2] in {"1.", "2.", "3.", "4.", "5."}]
    assert len(titles) == 5
    stages = [
        "ExtractPipeline",
        "CleanPipeline",
        "DeduplicatePipeline",
        "KeywordsPipeline",
        "ValidatePipeline",
        "StorePipeline",
    ]
    places = [result.out.index(name) for name in stages]
    assert places == sorted(places)


def test_it_says_what_is_off_and_why(shown):
    _, result = shown
    off = {
        line.split()[1 if line.split()[1].isalpha() else 2]: line
        for line in result.out.splitlines()
        if line.startswith("  off")
    }
    assert "not set: HTTPCACHE_ENABLED" in off["HttpCacheMiddleware"]
    assert "set to None in EXTENSIONS" in off["LogStats"]
    assert re.search(r"^  on +25  StartSpiderMiddleware", result.out, re.MULTILINE)
    assert not re.search(r" $", result.out, re.MULTILINE)


def test_it_shows_the_settings_as_they_are(tmp_path):
    result = harness.run(tmp_path, "flow", *SPIDERS, *harness.settings(PROGRESS_INTERVAL="0", RETRY_TIMES="17"))
    assert result.code == 0, result
    assert "RETRY_TIMES = 17" in result.out
    assert "PROGRESS_INTERVAL is 0: set it" in result.out


def test_without_a_source_it_lists_them_with_kind_and_one_line_each(tmp_path):
    result = harness.run(tmp_path, "flow")
    assert result.code == 0, result
    listed = result.out.partition("\nSources (scrapy crawl <source>)\n")[2].partition("\n\n")[0].splitlines()
    found = {name: (kind, does) for name, kind, does in (line.split(maxsplit=2) for line in listed)}
    assert {name: kind for name, (kind, _) in found.items()} == {
        "books": "web", "demo": "web", "notes": "files", "orders": "sql", "quotes": "web", "site": "web",
    }  # fmt: skip
    assert found["site"][1] == "Any web site by its address: the article, product or thread on each page is a record."
    assert all(does.endswith(".") for _, does in found.values())
    assert result.out.index("Sources") < result.out.index("1. ")


def test_with_a_source_it_lists_no_others(shown):
    _, result = shown
    assert "Sources" not in result.out


def test_a_module_that_cannot_be_imported_stands_among_the_sources(tmp_path):
    package = tmp_path / "half"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "good.py").write_text("import scrapy\n\nclass Good(scrapy.Spider):\n    name = 'good'\n")
    (package / "bad.py").write_text("1 / 0\n")
    result = harness.run(
        tmp_path / "data", "flow", "-s", "SPIDER_MODULES=half", PYTHONPATH=f"{tmp_path}:{harness.ROOT}"
    )  # fmt: skip
    assert result.code == 0, result
    assert re.search(r"^  good +spider", result.out, re.MULTILINE)
    assert re.search(r"^  half\.bad +error +ZeroDivisionError", result.out, re.MULTILINE)


def test_scrapys_own_list_stays_as_it_is(tmp_path):
    result = harness.run(tmp_path, "list")
    assert result.out.splitlines() == ["books", "demo", "notes", "orders", "quotes", "site"]


def test_it_writes_nothing(shown):
    data, result = shown
    assert list(data.iterdir()) == []
    assert result.err == ""


def test_a_missing_argument_hides_nothing(tmp_path):
    result = harness.run(tmp_path, "flow", "pages", *SPIDERS)
    assert result.code == 0, result
    assert "shown without its arguments: " in result.out
    assert "StorePipeline" in result.out


def test_a_component_that_cannot_be_built_is_wrong_use(tmp_path):
    result = harness.run(tmp_path, "flow", *SPIDERS, *harness.settings(EXTENSIONS='{"nowhere.to.Be": 5}'))
    assert result.code == 2
    assert "error" in result.out
    assert "EXTENSIONS names what cannot be imported: No module named 'nowhere'" in result.out


def test_an_unknown_source_lists_the_known_ones(tmp_path):
    result = harness.run(tmp_path, "flow", "nope", *SPIDERS)
    assert result.code == 2
    assert "pages" in result.err
    assert "Traceback" not in result.err


def test_a_reader_that_leaves_early(tmp_path):
    """Like `| head -1`: no traceback, and no other exit code."""
    process = harness.start(tmp_path, "flow", "pages", *SPIDERS)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0, err
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
