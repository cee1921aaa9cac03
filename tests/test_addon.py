"""In somebody else's project, one ADDONS line gives their spiders our pipelines, ledger and commands."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.flow import harness

SPIDER = """
import scrapy


class ArticlesSpider(scrapy.Spider):
    name = "articles"

    def __init__(self, url, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]

    def parse(self, response):
        yield {"url": response.url, "title": response.css("title::text").get(), "words": 3}
        yield from response.follow_all(css="a")
"""


@pytest.fixture
def project(tmp_path):
    """A project as ``scrapy startproject`` makes it, with one line more."""
    command = [sys.executable, "-m", "scrapy", "startproject", "shop", str(tmp_path / "shop")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    root = tmp_path / "shop"
    settings = root / "shop" / "settings.py"
    settings.write_text(
        settings.read_text() + '\nADDONS = {"crawlers.addon.GristmillAddon": 500}\n'
        "DOWNLOAD_DELAY = 0\nCONCURRENT_REQUESTS_PER_DOMAIN = 8\n"
    )
    (root / "shop" / "spiders" / "articles.py").write_text(SPIDER)
    return root


def run(project, *args, **environment):
    return harness.run(project / "data", *args, cwd=project, PYTHONPATH=str(harness.ROOT), **environment)


def test_their_spider_gets_ledger_records_and_exports(project, site):
    result = run(project, "crawl", "articles", "-a", f"url={site.url('/')}", "-o", "own.jsonl")
    assert result.code == 0, result
    data = project / "data"
    found = harness.records(data, "articles")
    assert len(found) > 10
    assert {r["source"] for r in found} == {"articles"}
    assert all(r["fields"]["words"] == 3 and r["title"] for r in found)
    assert set(harness.states(data)) <= {"done", "skipped", "failed"}
    own = [json.loads(line) for line in (project / "own.jsonl").read_text().splitlines()]
    assert set(own[0]) == {"url", "title", "words"}, "their own feed looks as it did before"


@pytest.mark.parametrize(
    "command",
    [
        ["rejected", "articles"],
        ["flow", "articles"],
        ["ledger", "status"],
        ["ledger", "check"],
        ["export", "articles", "--format", "csv"],
    ],
)
def test_our_commands_work_there(project, site, command):
    run(project, "crawl", "articles", "-a", f"url={site.url('/')}", "-s", "CLOSESPIDER_PAGECOUNT=5")
    result = run(project, *command)
    assert result.code == 0, result
    assert "Traceback" not in result.err


def test_without_the_line_nothing_of_ours_is_there(project, site):
    settings = project / "shop" / "settings.py"
    settings.write_text(settings.read_text().replace("ADDONS", "NO_ADDONS").replace("ROBOTSTXT_OBEY", "#"))
    result = run(project, "crawl", "articles", "-a", f"url={site.url('/')}")
    assert result.code == 0, result
    assert not (project / "data").exists()


KEYLESS = """
import scrapy


class HeadingsSpider(scrapy.Spider):
    name = "headings"

    def __init__(self, url, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]

    def parse(self, response):
        for link in response.css("a"):
            yield response.follow(link, self.parse_page)

    def parse_page(self, response):
        for heading in response.css("h1::text").getall():
            yield {"h": heading}
"""


def test_an_item_without_a_key_is_the_same_however_its_page_is_linked(project, site):
    (project / "shop" / "spiders" / "headings.py").write_text(KEYLESS)
    command = ["crawl", "headings", "-a", f"url={site.url('/home')}"]
    site.add("/one", "<h1>One</h1>")
    site.add("/two", "<h1>Two</h1><h1>Three</h1>")
    site.add("/home", '<a href="/one?b=2&a=1">1</a><a href="/two">2</a>')
    first = run(project, *command)
    assert "3 new" in first.out, first
    site.add("/one", "<h1>One, and more</h1>")
    site.add("/home", '<a href="/two#top">2</a><a href="/one?a=1&b=2#top">1</a>')
    second = run(project, *command)
    assert "3 records in the ledger: 1 changed, 2 unchanged" in second.out, second
    found = {
        record["key"].removeprefix(site.url("")): record for record in harness.records(project / "data", "headings")
    }
    assert sorted(found) == ["/one?a=1&b=2", "/two", "/two#@2"]
    assert (found["/one?a=1&b=2"]["version"], found["/one?a=1&b=2"]["fields"]) == (2, {"h": "One, and more"})
