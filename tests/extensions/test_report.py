"""The report of real runs of the real command."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest
from scrapy import Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from crawlers.extensions.report import ReportExtension
from crawlers.report import Ending, summary
from crawlers.report.html import render
from tests.flow import harness
from tests.missing import missing
from tests.report import ledgers
from tests.server import Site

SCHEMA = json.loads((harness.ROOT / "schemas/run.schema.json").read_text(encoding="utf-8"))
QUICK = {**harness.PLAIN, "RETRY_TIMES": "0", "ROBOTSTXT_OBEY": "False"}


def crawl(data, url, *args, **settings):
    return harness.run(data, "crawl", "pages", "-a", f"url={url}", *harness.settings(**{**QUICK, **settings}), *args)


def reports(data) -> list[dict]:
    """Every report of the source, oldest first; each valid, each with its page beside it."""
    found = []
    for path in sorted((data / "pages/runs").glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(SCHEMA).validate(run)
        assert path.stem == run["run_id"]
        html = path.with_suffix(".html").read_text(encoding="utf-8")
        assert run["run_id"] in html
        found.append(run)
    return found


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    with Site(pages=12) as site:
        return data, crawl(data, site.url("/")), site.url("/")


def test_the_report_says_what_the_ledger_says(ordinary):
    data, result, _ = ordinary
    assert result.code == 0, result
    (run,) = reports(data)
    states = {state: n for state, n in run["requests"]["states"].items() if n}
    assert states == harness.states(data)
    assert run["requests"]["discovered"] == sum(states.values())
    assert run["records"]["kept"] == len(harness.records(data, "pages"))
    assert run["crawl"]["state"] == "complete"
    assert run["this_run"]["settled"] == run["this_run"]["requests"] == run["requests"]["discovered"]
    assert run["this_run"]["bytes"] > 0
    assert run["seconds"] > 0
    assert run["command"].startswith("scrapy crawl pages")


def test_ten_lines_say_where_everything_is(ordinary):
    data, result, _ = ordinary
    lines = result.out.splitlines()
    assert len(lines) <= 10
    assert lines[0].startswith("pages: ")
    assert lines[0].endswith("(exit code 0, complete)")
    named = [Path(word) for line in lines for word in line.split() if word.endswith((".jsonl", ".json", ".html"))]
    assert {path.name for path in named} >= {"records.jsonl", "tasks.label-studio.json"}
    assert all(path.exists() for path in named)
    assert str(data) in result.out


def test_the_run_is_closed_in_the_ledger(ordinary):
    data, _, _ = ordinary
    (run,) = reports(data)
    with sqlite3.connect(data / "gristmill.db") as db:
        rows = db.execute("SELECT id, finished_at, reason, exit_code, summary FROM runs").fetchall()
    ((run_id, finished, reason, code, text),) = rows
    assert (run_id, reason, code) == (run["run_id"], "finished", 0)
    assert finished
    assert json.loads(text)["requests"] == run["requests"]


def test_the_log_has_no_counters_and_no_link_of_scrapys(ordinary):
    _, result, _ = ordinary
    assert "Dumping Scrapy stats" not in result.err
    assert "Crawled " not in result.err


def test_every_run_has_a_report(tmp_path):
    with Site(pages=5) as site:
        first, second = crawl(tmp_path, site.url("/")), crawl(tmp_path, site.url("/"))
    assert (first.code, second.code) == (0, 0)
    one, two = reports(tmp_path)
    assert (one["crawl"]["round"], two["crawl"]["round"]) == (1, 2)
    assert two["records"]["unchanged"] == one["records"]["new"] == two["records"]["kept"]
    assert two["records"]["new"] == 0


def test_a_site_that_answers_500_to_everything(tmp_path):
    with Site() as site:
        result = crawl(tmp_path, site.url("/status/500"))
    assert result.code == 1
    assert "Nothing could be fetched: the site answered 500 to every request." in result.out
    assert reports(tmp_path)[0]["outcome"]["exit_code"] == 1


def test_a_site_that_is_not_there(tmp_path):
    with Site() as site:
        url = site.url("/")
    result = crawl(tmp_path, url, RETRY_OUTAGE="0.2")
    assert result.code == 1
    assert "Nothing could be fetched: " in result.out
    assert "Traceback" not in result.err


def test_an_address_that_is_not_allowed(tmp_path):
    result = crawl(tmp_path, "http://127.0.0.1:9/", NETWORK_ALLOW="")
    assert result.code == 1
    assert "NETWORK_ALLOW" in result.out


def test_an_interrupted_run_and_the_one_that_goes_on(tmp_path):
    with Site(pages=300) as site:
        process = harness.start(
            tmp_path, "crawl", "pages", "-a", f"url={site.url('/')}", *harness.settings(**QUICK, DOWNLOAD_DELAY="0.02")
        )
        while len(site.log) < 30:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 3, out + err
        rest = crawl(tmp_path, site.url("/"))
    assert re.search(r"Run the same command again to go on \([\d,]+ pages? pending\)", out)
    assert rest.code == 0
    one, two = reports(tmp_path)
    assert (one["finish_reason"], one["crawl"]["state"], one["crawl"]["resumed"]) == ("shutdown", "open", False)
    assert (two["finish_reason"], two["crawl"]["state"], two["crawl"]["resumed"]) == ("finished", "complete", True)
    assert one["crawl"]["id"] == two["crawl"]["id"]
    assert one["this_run"]["settled"] + two["this_run"]["settled"] == two["requests"]["discovered"]


def test_a_report_that_cannot_be_written_costs_only_the_report(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/runs").write_text("a file where a folder should be")
    with Site(pages=3) as site:
        result = crawl(tmp_path, site.url("/"))
    assert result.code == 0
    assert "The report could not be written to" in result.err
    assert "Traceback" not in result.err
    assert ".html" not in result.out
    assert len(harness.records(tmp_path, "pages")) > 0


def test_an_export_that_fails_is_a_failure(tmp_path):
    (tmp_path / "pages/records.jsonl").mkdir(parents=True)
    with Site(pages=3) as site:
        result = crawl(tmp_path, site.url("/"))
    assert result.code == 1, result
    assert "records.jsonl" in result.out
    assert "scrapy export pages" in result.out
    assert [problem["kind"] for problem in reports(tmp_path)[0]["problems"]] == ["export"]


def test_a_feed_on_standard_output_is_not_disturbed(tmp_path):
    with Site(pages=3) as site:
        result = crawl(tmp_path, site.url("/"), "-o", "-:jsonlines")
    assert result.code == 0, result
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert len(rows) == len(harness.records(tmp_path, "pages"))
    assert "(exit code 0, complete)" in result.err


def test_without_our_scheduler_there_is_no_report():
    with pytest.raises(NotConfigured, match="expected SCHEDULER"):
        ReportExtension.from_crawler(Crawler(Spider, {"SCHEDULER": "scrapy.core.scheduler.Scheduler"}))


# --- in a real browser ----------------------------------------------------------------------------------------------

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><svg onload=alert(1)>"


def browse(path: Path, folder: Path) -> tuple[str, str]:
    """The page as the browser has it after scripts ran, and the browser's console."""
    flags = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--enable-logging=stderr", f"--user-data-dir={folder}", "--dump-dom",
    )  # fmt: skip
    done = subprocess.run(
        [BROWSER or missing("no Chromium (Debian: chromium)"), *flags, path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, console


def test_no_script_of_a_page_runs_in_a_real_browser(tmp_path):
    filled = ledgers.begin(tmp_path, arguments={"keywords": SCRIPT})
    filled.discover(*(f"http://shop.example/{n}/{SCRIPT}" for n in range(4)))
    kept = ledgers.record("http://shop.example/", flags=[SCRIPT])
    kept.type = kept.language = kept.rights.license = SCRIPT
    filled.settle(1, status=200, records=[kept])
    bad, why = ledgers.rejected(
        f"javascript:alert(1)//{SCRIPT}", SCRIPT, SCRIPT, detail=SCRIPT, value=SCRIPT, threshold=[SCRIPT]
    )
    bad.title = bad.text = SCRIPT
    filled.settle(1, status=200, rejections=[(bad, why)])
    filled.settle(1, state="failed", reason=SCRIPT, detail=SCRIPT)
    with filled.database.read() as conn:
        found = summary(
            conn, ledgers.SOURCE, filled.crawl_id, filled.run_id, Ending(reason=SCRIPT, files={SCRIPT: SCRIPT})
        )
    page = tmp_path / "report.html"
    page.write_text(render(found), encoding="utf-8")
    dom, console = browse(page, tmp_path / "browser")
    assert f"<title>shop · {found['run_id']}</title>" in dom
    assert console == ""  # a violation of the policy would be reported here


def test_the_browser_would_tell(tmp_path):
    """The check above can fail: with a script let in, the policy stops it and the console says so."""
    page = tmp_path / "report.html"
    filled = ledgers.ordinary(tmp_path)
    with filled.database.read() as conn:
        html = render(summary(conn, ledgers.SOURCE, filled.crawl_id, filled.run_id))
    page.write_text(html.replace("<main>", f"<main>{SCRIPT}"), encoding="utf-8")
    dom, console = browse(page, tmp_path / "browser")
    assert "<title>owned</title>" not in dom
    assert "Content Security Policy" in console
