"""`scrapy genspider -t web|sql|files` writes short spiders that run; Scrapy's own templates stay."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from crawlers.commands.genspider import TEMPLATES
from tests.flow import harness

SCRAPYS = ("basic", "crawl", "csvfeed", "xmlfeed")
OURS = ("files", "sql", "web")


def make_project(path: Path) -> Path:
    """A project with our settings, whose spiders are its own."""
    (path / "shelf" / "spiders").mkdir(parents=True)
    (path / "shelf" / "__init__.py").touch()
    (path / "shelf" / "spiders" / "__init__.py").touch()
    (path / "scrapy.cfg").write_text("[settings]\ndefault = shelf.settings\n")
    (path / "shelf" / "settings.py").write_text(
        "from crawlers.settings import *\n"
        'BOT_NAME = "shelf"\nSPIDER_MODULES = ["shelf.spiders"]\nNEWSPIDER_MODULE = "shelf.spiders"\n'
    )
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one spider of each template, named like it."""
    project = make_project(tmp_path_factory.mktemp("shelf"))
    for template in (*SCRAPYS, *OURS):
        result = scrapy(project, "genspider", "-t", template, f"{template}-shelf", "books.example")
        assert result.code == 0, result
    return project


def scrapy(project: Path, *args: str) -> harness.Result:
    return harness.run(project / "data", *args, cwd=project, PYTHONPATH=f"{project}{os.pathsep}{harness.ROOT}")


def generated(project: Path, *args: str) -> str:
    result = scrapy(project, "genspider", *args)
    assert result.code == 0, result
    [file] = [path for path in (project / "shelf" / "spiders").glob("*.py") if path.stem != "__init__"]
    return file.read_text(encoding="utf-8")


def test_our_templates_are_listed_beside_scrapys(shelf):
    listed = scrapy(shelf, "genspider", "--list").out.split()
    assert set(SCRAPYS) | set(OURS) <= set(listed)


def test_every_template_writes_a_spider_that_is_found(shelf):
    assert scrapy(shelf, "list").out.split() == sorted(f"{template}-shelf" for template in (*SCRAPYS, *OURS))


@pytest.mark.parametrize("template", OURS)
def test_what_is_written_is_short_and_keeps_the_house_rules(shelf, template):
    file = shelf / "shelf" / "spiders" / f"{template}_shelf.py"
    text = file.read_text(encoding="utf-8")
    assert "$" not in text
    assert len(text.splitlines()) <= 15
    check = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_template_of_ours_is_tested():
    assert sorted(path.stem for path in TEMPLATES.glob("*.tmpl")) == sorted(OURS)


def test_without_a_template_it_is_scrapys_basic_one(project):
    assert "scrapy.Spider" in generated(project, "book", "books.example")


def test_a_spider_is_not_written_over(project):
    before = generated(project, "-t", "web", "book", "books.example")
    result = scrapy(project, "genspider", "-t", "sql", "book", "rows")
    assert result.code == 2, result
    assert "already exists in module: shelf.spiders.book; --force" in result.err.splitlines()[-1]
    assert (project / "shelf" / "spiders" / "book.py").read_text() == before
    assert scrapy(project, "genspider", "--force", "-t", "sql", "book", "rows").code == 0
    assert (project / "shelf" / "spiders" / "book.py").read_text() != before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("-t", "webb", "book", "books.example"),
            "expected a template that `scrapy genspider --list` shows, got 'webb'",
        ),
        (("--dump", "webb"), "expected a template that `scrapy genspider --list` shows, got 'webb'"),
        (("-t", "web", "x/../../y", "books.example"), "expected a spider's name of letters"),
        (("bad name!", "books.example"), "expected a spider's name of letters"),
        (("", "books.example"), "expected a spider's name of letters"),
        (("shelf", "books.example"), "expected another name than the project's (BOT_NAME), got 'shelf'"),
        (("book", "http://[bad"), "expected a domain or URL, got 'http://[bad': Invalid IPv6 URL"),
        (("-t", "web", "book", 'books.example"'), "expected a domain or URL without quotes"),
    ],
)
def test_wrong_use_writes_nothing_and_is_one_line(project, args, message):
    result = scrapy(project, "genspider", *args)
    assert result.code == 2, result
    assert message in result.err.splitlines()[-1]
    assert "Traceback" not in result.err
    assert [path.name for path in (project / "shelf" / "spiders").glob("*.py")] == ["__init__.py"]


def test_a_web_spider_runs_as_it_is(project, site):
    generated(project, "-t", "web", "book", site.url("/"))
    result = scrapy(project, "crawl", "book", "-a", "max_pages=6", *harness.settings(ITEM_PIPELINES=PLAIN))
    assert result.code == 0, result
    assert len(harness.records(project / "data", "book")) == 6


def test_an_sql_spider_runs_as_it_is(project):
    generated(project, "-t", "sql", "book", "titles")
    with sqlite3.connect(project / "titles.db") as db:
        db.execute("CREATE TABLE titles (id INTEGER PRIMARY KEY, title TEXT)")
        db.executemany("INSERT INTO titles (title) VALUES (?)", [("Emma",), ("Walden",)])
    db.close()
    result = scrapy(project, "crawl", "book", "-a", "database=sqlite:///titles.db")
    assert result.code == 0, result
    assert sorted(r["fields"]["title"] for r in harness.records(project / "data", "book")) == ["Emma", "Walden"]


def test_a_files_spider_runs_as_it_is(project):
    generated(project, "-t", "files", "book", "corpus")
    (project / "corpus").mkdir()
    (project / "corpus" / "a.jsonl").write_text("\n".join(json.dumps({"id": n, "n": n}) for n in range(3)))
    result = scrapy(project, "crawl", "book", "-a", "folder=corpus")
    assert result.code == 0, result
    assert len(harness.records(project / "data", "book")) == 3


PLAIN = harness.PLAIN["ITEM_PIPELINES"]
