"""Each setting has a rule, and what is wrong stops a command before anything is built, with one line."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from scrapy.settings import Settings, default_settings

from crawlers import checks
from crawlers import settings as defaults
from crawlers.errors import ConfigurationError
from tests.flow import harness

OURS = sorted(name for name in dir(defaults) if name.isupper())


def ours(**values) -> Settings:
    settings = Settings()
    settings.setmodule(defaults, priority="project")
    settings.setdict(values, priority="cmdline")
    return settings


# --- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_ours_is_covered(name):
    """A new one whose default tells nothing needs a line in the tables of crawlers/checks.py."""
    assert name in checks.RULES


@pytest.mark.parametrize("name", [name for name in OURS if checks.RULES.get(name) is not checks.COMPONENT])
def test_every_setting_of_ours_can_be_refused(name):
    """But for components, which may be a path or a class: Scrapy says what it cannot import."""
    with pytest.raises(ConfigurationError, match=f"^{name}: expected .*, got <object"):
        checks.RULES[name].value(name, object())


def test_the_defaults_pass():
    checks.check(ours())


def test_scrapys_own_defaults_pass():
    checks.check(Settings())


def test_tables_name_settings_that_exist():
    known = set(OURS) | set(dir(default_settings))
    assert {*checks._BY_NAME, *checks._RANGES, *checks._POSITIVE} <= known


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CAPTURE_ENABLED", "perhaps", "True or False"),
        ("CAPTURE_ENABLED", None, "True or False"),
        ("DEDUP_ENABLED", "", "True or False"),
        ("TELNETCONSOLE_ENABLED", "x", "True or False"),
        ("REDIRECT_ENABLED", "x", "True or False"),
        ("DOWNLOAD_TIMEOUT", "abc", "a number greater than 0"),
        ("DOWNLOAD_TIMEOUT", "0", "a number greater than 0"),
        ("LEASE_SECONDS", "-1", "a number greater than 0"),
        ("LEASE_SECONDS", math.nan, "a number greater than 0"),
        ("LEDGER_TIMEOUT", "-0.5", "a number of at least 0"),
        ("CAPTURE_RETENTION_DAYS", "x", "a number of at least 0"),
        ("SETTLE_PAGES", "0", "a whole number of at least 1"),
        ("TRAP_PAGES", "1.5", "a whole number of at least 0"),
        ("TRAP_PAGES", 1.5, "a whole number of at least 0"),
        ("TRAP_PAGES", math.inf, "a whole number of at least 0"),
        ("DOWNLOAD_MAXSIZE", "x", "a whole number of at least 0"),
        ("DEPTH_LIMIT", "x", "a whole number of at least 0"),
        ("DEMO_PORT", "70000", "a whole number from 1 to 65535"),
        ("DEDUP_THRESHOLD", "5", "a number from 0.3 to 1"),
        ("LOG_LEVEL", "FOO", "one of CRITICAL, ERROR"),
        ("LOG_LEVEL", "10", "one of CRITICAL, ERROR"),
        ("DATA_DIR", 3, "text"),
        ("EXPORTS", [1], "formats apart by commas"),
        ("NETWORK_ALLOW", "127.0.0.1/99", "networks or addresses"),
        ("RETRY_HTTP_CODES", "500,x", "a list of status codes"),
        ("CLEAN_MISSING", 3, "a list"),
        ("CLEAN_MISSING", '["a', "JSON such as"),
        ("KEYWORDS", 3, "phrases as a list"),
        ("ITEM_PIPELINES", {"a.B": "first"}, "a mapping, or a JSON object, from components to numbers"),
    ],
)
def test_what_is_wrong_is_refused(name, value, expected):
    with pytest.raises(ConfigurationError) as caught:
        checks.value_of(Settings({name: value}), name)
    assert str(caught.value).startswith(f"{name}: expected {expected}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("CAPTURE_ENABLED", "false", False),
        ("CAPTURE_ENABLED", 1, True),
        ("DOWNLOAD_TIMEOUT", "0.5", 0.5),
        ("DOWNLOAD_DELAY", "1e-3", 0.001),
        ("TRAP_PAGES", "0", 0),
        ("TRAP_PAGES", 3.0, 3),
        ("RETRY_PRIORITY_ADJUST", "-3", -3),
        ("DEPTH_PRIORITY", None, None),
        ("LOG_LEVEL", 10, 10),
        ("LOG_LEVEL", "WARN", "WARN"),
        ("RETRY_HTTP_CODES", "", []),
        ("KEYWORDS_PATTERNS", "[Ss]olar", "[Ss]olar"),
        ("KEYWORDS_PATTERNS", "[1]", "[1]"),
        ("KEYWORDS_PATTERNS", '["[Ss]olar", "wind"]', ["[Ss]olar", "wind"]),
        ("CLEAN_MISSING", '["a,b"]', ["a,b"]),
        ("KEYWORDS", '{"de": "@de.txt"}', {"de": "@de.txt"}),
        ("NETWORK_ALLOW", "", ()),
    ],
)
def test_what_is_right_is_read(name, value, read):
    assert checks.value_of(Settings({name: value}), name) == read


_SCRIPT = """
import sys
from scrapy.crawler import AsyncCrawlerProcess
from crawlers.spiders.site import SiteSpider

settings = {"LOG_ENABLED": False, "ADDONS": {"crawlers.addon.GristmillAddon": 500}, "SETTLE_PAGES": "x"}
process = AsyncCrawlerProcess(settings)
task = process.crawl(SiteSpider, url="http://127.0.0.1:9/")
task.add_done_callback(lambda done: print(repr(done.exception())))
process.start()
"""


def test_a_script_is_refused_by_the_first_extension(tmp_path):
    """AsyncCrawlerProcess has no command of ours that looks before."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(harness.ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "ConfigurationError(\"SETTLE_PAGES: expected a whole number of at least 1, got 'x'\")" in done.stdout, done
    assert not list(tmp_path.iterdir())


def test_a_project_that_does_not_use_us_is_left_alone():
    assert not checks.concerned(Settings({"MEDIA_TYPES": {}}))
    assert checks.concerned(Settings({"ADDONS": {"crawlers.addon.GristmillAddon": 500}}))
    assert checks.concerned(ours())
    assert checks.concerned(ours(SCHEDULER="scrapy.core.scheduler.Scheduler"))


def test_a_name_that_is_nearly_a_settings_is_told():
    given = ["EXTRACT_TXT", "DEDUPLICATE_THRESHOLD", "EXTRACT_TEXT", "IMAGES_STORE", "MY_OWN", "COOKIES_ENABLE"]
    assert checks.misspelt(given, []) == {
        "EXTRACT_TXT": "EXTRACT_TEXT",
        "DEDUPLICATE_THRESHOLD": "DEDUP_THRESHOLD",
        "COOKIES_ENABLE": "COOKIES_ENABLED",
    }
    assert checks.misspelt(["EXTRACT_TXT"], ["EXTRACT_TXT"]) == {}, "a setting of the project's own"


# --- commands -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "given", "line"),
    [
        ("crawl", "CAPTURE_ENABLED=perhaps", "CAPTURE_ENABLED: expected True or False, got 'perhaps'"),
        ("crawl", "LOG_LEVEL=FOO", "LOG_LEVEL: expected one of"),
        ("crawl", "NETWORK_ALLOW=foo", "NETWORK_ALLOW: expected networks"),
        ("crawl", "ITEM_PIPELINES=x", "ITEM_PIPELINES: expected a mapping"),
        ("crawl", "KEYWORDS_FIELDS=nofield", "KEYWORDS_FIELDS: expected some of"),
        ("crawl", "MEDIA_TYPES=foo", "MEDIA_TYPES: expected some of"),
        ("flow", "DOWNLOAD_MAXSIZE=x", "DOWNLOAD_MAXSIZE: expected a whole number of at least 0, got 'x'"),
        ("refine", "LEASE_SECONDS=-1", "LEASE_SECONDS: expected a number greater than 0, got '-1'"),
    ],
)
def test_a_command_ends_with_one_line_and_2(tmp_path, command, given, line):
    arguments = [] if command == "refine" else ["-a", "url=http://127.0.0.1:9/"]
    result = harness.run(tmp_path / "data", command, "site", *arguments, "-s", given)
    assert result.code == 2, result
    assert "Traceback" not in result.err
    (error,) = [text for text in result.err.splitlines() if " INFO: " not in text]
    assert error.startswith(f"error: {line}")


@pytest.mark.parametrize("wrong", ["{'LOG_LEVEL': 'FOO'}", "{'DOWNLOAD_TIMEOUT': 'abc'}"])
def test_what_a_spider_sets_wrongly_is_refused_too(tmp_path, wrong):
    (tmp_path / "owned.py").write_text(
        f"import scrapy\n\n\nclass Own(scrapy.Spider):\n    name = 'own'\n    custom_settings = {wrong}\n"
    )
    path = f"{harness.ROOT}{os.pathsep}{tmp_path}"
    result = harness.run(tmp_path / "data", "crawl", "own", "-s", "SPIDER_MODULES=owned", PYTHONPATH=path)
    assert result.code == 2, result
    assert "Traceback" not in result.err
    assert f"{wrong[2:].partition(chr(39))[0]}: expected" in result.err


def test_a_misspelt_setting_is_told_and_changes_nothing(tmp_path):
    result = harness.run(tmp_path / "data", "flow", "-s", "EXTRACT_TXT=fast", "-s", "MY_OWN=1")
    assert result.code == 0, result
    assert result.err.splitlines() == ["warning: unknown setting EXTRACT_TXT, did you mean EXTRACT_TEXT?"]
