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
