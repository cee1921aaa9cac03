"""`scrapy shell|fetch|view|parse` look at a page as in bare Scrapy, and keep nothing; in our project and in others'."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.flow import harness

QUIET = ("-L", "WARNING")
TITLE = 'response.css("title::text").get()'

SPIDER = """
import scrapy


class ArticlesSpider(scrapy.Spider):
    name = "articles"
    custom_settings = {"ITEM_PIPELINES": {"shop.pipelines.ShopPipeline": 300}}

    def parse(self, response):
        yield {"url": response.url, "title": response.css("title::text").get()}
        yield from response.follow_all(css="a")
"""

PIPELINE = """
import sys


class ShopPipeline:
    def process_item(self, item):
        sys.stderr.write("theirs ran\\n")
        return item
"""


def addon_project(root: Path) -> Path:
    """A project as ``scrapy startproject`` makes it, with one line more."""
    command = [sys.executable, "-m", "scrapy", "startproject", "shop", str(root)]
    subprocess.run(command, check=True, capture_output=True, cwd=root.parent)
    settings = root / "shop" / "settings.py"
    settings.write_text(settings.read_text() + '\nADDONS = {"crawlers.addon.GristmillAddon": 500}\n')
    (root / "shop" / "spiders" / "articles.py").write_text(SPIDER)
    (root / "shop" / "pipelines.py").write_text(PIPELINE)
    return root


def install(folder: Path) -> Path:
    """What `pip install` would write of pyproject.toml's entry points, ahead of what is installed here."""
    points = tomllib.loads((harness.ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["scrapy.commands"]
    info = folder / "gristmill-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gristmill\nVersion: 0.1.0\n")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[scrapy.commands]\n{lines}\n")
    return folder


class Place:
    """A project to run commands in."""

    def __init__(self, root: Path, data: Path, spider: tuple[str, ...], path: str) -> None:
        self.root, self.data, self.spider, self._path = root, data, spider, path

    def run(self, *args: str, **environment: str) -> harness.Result:
        environment = {"PYTHONPATH": self._path, **environment}
        return harness.run(self.data, *args, cwd=self.root, timeout=60, **environment)

    def files(self) -> set[str]:
        if self.root == harness.ROOT:
            return {str(p) for p in self.data.rglob("*")}
        return {str(p) for p in self.root.rglob("*") if p.suffix != ".pyc" and p.name != "__pycache__"}


@pytest.fixture(params=["ours", "addon"])
def place(request, tmp_path, site):
    data = tmp_path / "data"
    if request.param == "ours":
        spider = ("--spider=site", "-a", f"url={site.url('/')}")
        return Place(harness.ROOT, data, spider, str(harness.ROOT))
    path = f"{install(tmp_path / 'installed')}{os.pathsep}{harness.ROOT}"
    return Place(addon_project(tmp_path / "shop"), data, ("--spider=articles",), path)


@pytest.fixture
def untouched(place):
    """Nothing is written."""
    before = place.files()
    yield
    assert place.files() == before
    assert not place.data.exists()


@pytest.mark.usefixtures("untouched")
class TestNothingIsKept:
    def test_shell_has_the_response(self, place, site):
        result = place.run("shell", "-c", f"(response.status, {TITLE})", site.url("/item/1"))
        assert result.code == 0, result
        assert result.out.startswith("(200, 'School Teacher")

    def test_shell_opens_a_file_of_the_users_own(self, place, tmp_path):
        page = tmp_path / "page.html"
        page.write_text("<title>a file</title>")
        result = place.run("shell", "-c", TITLE, str(page))
        assert result.out == "a file\n", result

    def test_fetch_prints_the_body(self, place, site):
        result = place.run("fetch", site.url("/item/1"), *QUIET)
        assert result.code == 0, result
        assert "<title>School Teacher" in result.out
        assert result.err == ""

    def test_a_setting_that_is_no_number_is_told_in_one_line(self, place):
        result = place.run("fetch", "http://127.0.0.1:9/", "-s", "CONCURRENT_REQUESTS=abc")
        assert result.code == 2, result
        assert result.err.splitlines()[-1].startswith("error: CONCURRENT_REQUESTS: expected a whole number")
        assert "Traceback" not in result.err

    def test_fetch_prints_headers(self, place, site):
        result = place.run("fetch", "--headers", site.url("/item/1"), *QUIET)
        assert "> User-Agent: " in result.out, result
        assert "< Content-Type: text/html" in result.out

    def test_view_opens_the_page(self, place, site, tmp_path):
        browser = tmp_path / "browser"
        browser.write_text('#!/bin/sh\necho "opened $1"\n')
        browser.chmod(0o755)
        result = place.run("view", site.url("/item/1"), BROWSER=str(browser), TMPDIR=str(tmp_path))
        assert result.code == 0, result
        assert "opened file://" in result.out

    def test_parse_shows_items_and_requests(self, place, site):
        result = place.run("parse", *place.spider, "-c", "parse", "--nocolour", site.url("/item/1"))
        assert result.code == 0, result
        items, _, requests = result.out.partition("# Requests ")
        assert f"'url': '{site.url('/item/1')}'" in items
        assert f"<GET {site.url('/item/8')}>" in requests

    def test_parse_follows_to_a_depth(self, place, site):
        result = place.run("parse", *place.spider, "-d", "2", "-v", "--nocolour", site.url("/item/1"))
        assert result.code == 0, result
        deeper = result.out.partition("DEPTH LEVEL: 2")[2]
        assert f"'url': '{site.url('/item/8')}'" in deeper

    def test_pipelines_without_a_ledger_run_and_the_others_are_named(self, place, site):
        result = place.run("parse", *place.spider, "--pipelines", "--nocolour", site.url("/item/1"), *QUIET)
        assert result.code == 0, result
        assert "Not run, because they work on the ledger: deduplicate, media, store" in result.err
        assert "'language': 'en'" in result.out if place.root == harness.ROOT else "theirs ran" in result.err
        assert "Traceback" not in result.err

    @pytest.mark.parametrize("command", [("fetch",), ("shell", "-c", "response")])
    def test_forbidden_addresses_stay_forbidden(self, place, site, command):
        result = place.run(*command, site.url("/item/1"), *QUIET, NETWORK_ALLOW="")
        assert "was not fetched: forbidden-address: expected a public address, got 127.0.0.1" in result.err
        assert result.out in {"", "None\n"}
        assert not site.log

    def test_a_host_that_does_not_answer_is_said_at_once(self, place):
        result = place.run("fetch", "http://127.0.0.1:1/", *QUIET)
        assert "http://127.0.0.1:1/ was not fetched: " in result.err
        assert result.seconds < 30


@pytest.fixture
def ours(tmp_path):
    return lambda *args: harness.run(tmp_path / "data", *args, *QUIET)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("parse", "--spider=site", "http://127.0.0.1:1/"), "site: missing argument 'url'"),
        (("fetch", "--spider=site", "http://127.0.0.1:1/"), "site: missing argument 'url'"),
        (("parse", "http://127.0.0.1:1/"), "name one with --spider"),
        (("parse", "--spider=nope", "http://127.0.0.1:1/"), "unknown source 'nope'"),
        (("shell", "--spider=nope"), "unknown source 'nope'"),
        (("fetch", "http://[bad"), "expected a URL, got 'http://[bad'"),
    ],
)
def test_wrong_use_is_one_line(ours, tmp_path, args, message):
    result = ours(*args)
    assert result.code == 2, result
    assert message in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert not (tmp_path / "data").exists()


def test_a_spider_that_is_not_there_is_wrong_use_in_other_projects_too(tmp_path):
    path = f"{install(tmp_path / 'installed')}{os.pathsep}{harness.ROOT}"
    place = Place(addon_project(tmp_path / "shop"), tmp_path / "data", (), path)
    result = place.run("fetch", "--spider=nope", "http://127.0.0.1:1/")
    assert result.code == 2, result
    assert "--spider: expected one of articles, got 'nope'" in result.err


def test_projects_without_our_line_keep_their_scheduler(tmp_path, site):
    """The commands are there for every project beside which we are installed."""
    root = addon_project(tmp_path / "shop")
    settings = root / "shop" / "settings.py"
    settings.write_text(settings.read_text().replace("ADDONS", "NO_ADDONS"))
    path = f"{install(tmp_path / 'installed')}{os.pathsep}{harness.ROOT}"
    place = Place(root, tmp_path / "data", (), path)
    code = "list(map(crawler.settings.get, ('SCHEDULER', 'ITEM_PROCESSOR', 'EXPORTS')))"
    result = place.run("shell", "-c", code, site.url("/item/1"), *QUIET)
    assert result.code == 0, result
    assert result.out == "['scrapy.core.scheduler.Scheduler', 'scrapy.pipelines.ItemPipelineManager', None]\n"
