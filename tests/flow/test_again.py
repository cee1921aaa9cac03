"""What is asked again, and what is not: later crawls, refine and readmit."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.flow import harness
from tests.server import HTML, Reply, Site

ARTICLE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>
<nav><a href="/">Home</a></nav><main><article><h1>{title}</h1>{paragraphs}</article></main></body></html>"""
SENTENCES = {
    "solar": "The solar plant on the old airfield delivered its first electricity on Monday, a month before the date "
    "that the council had named. Its four thousand panels cover the southern runway, and sheep keep the grass short.",
    "harbour": "Dredging in the inner harbour goes on until the end of the month, and the ferry leaves from the northern "
    "pier until then. Fishermen had asked for a later start because the herring came early this year.",
    "library": "The library opens its reading room on Sundays from November, with volunteers at the desk and tea in the "
    "hall. More than two hundred people signed the petition that the students had started in spring.",
}


def article(name, more=""):
    paragraphs = "".join(
        f"<p>{part}</p>" for part in (SENTENCES[name], f"{more} {name} " * 3 if more else SENTENCES[name][::-1])
    )
    return ARTICLE.format(title=f"News of the {name}", paragraphs=paragraphs)


@pytest.fixture
def site():
    with Site(pages=1) as site:
        links = "".join(f'<li><a href="/news/{name}">{name}</a></li>' for name in SENTENCES)
        site.add("/news", f"<html><body><ul>{links}</ul></body></html>", headers=[("ETag", '"list"')])
        for name in SENTENCES:
            site.add(f"/news/{name}", article(name), headers=[("ETag", f'"{name}-1"')])
        yield site


def crawl(data, site, *args):
    result = harness.run(
        data, "crawl", "site", "-a", f"url={site.url('/news')}", "-a", "follow=/news", "-a", "sitemap=no", *args
    )
    assert result.code == 0, result
    return result


def titles(data):
    return sorted(record["title"].removeprefix("News of the ") for record in harness.records(data, "site"))


def answers(site, path):
    return [asked.status for asked in site.log if asked.path == path]


def rows(data, sql):
    with sqlite3.connect(data / "gristmill.db") as db:
        return db.execute(sql).fetchall()


def test_the_next_crawl_asks_conditionally_and_changes_nothing(tmp_path, site):
    crawl(tmp_path, site)
    before = (tmp_path / "site" / "records.jsonl").read_bytes()
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    site.log.clear()
    crawl(tmp_path, site)
    asked = {asked.path: asked.headers.get("if-none-match") for asked in site.log}
    assert asked["/news/solar"] == '"solar-1"'
    assert (tmp_path / "site" / "records.jsonl").read_bytes() == before
    harness.ledger_is_sound(tmp_path)


def test_a_304_is_answered_from_the_capture_and_its_links_are_followed(tmp_path, site):
    crawl(tmp_path, site)

    def unchanged(asked):
        from tests.server import Reply

        return Reply(304 if asked.headers.get("if-none-match") else 500)

    for path in ("/news", *(f"/news/{name}" for name in SENTENCES)):
        site.add(path, unchanged)
    site.log.clear()
    crawl(tmp_path, site)
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    assert {row[0] for row in rows(tmp_path, "SELECT version FROM records")} == {1}
    assert len([asked for asked in site.log if asked.path.startswith("/news")]) == 4


def test_what_changed_is_a_new_version_and_what_is_gone_is_marked(tmp_path, site):
    crawl(tmp_path, site)
    site.add(
        "/news/solar", article("solar", "A second field of panels is planned beside the"), headers=[("ETag", '"2"')]
    )
    site.add("/news/harbour", "gone", status=410)
    crawl(tmp_path, site)
    assert titles(tmp_path) == ["library", "solar"]
    found = dict(rows(tmp_path, "SELECT json_extract(body, '$.title'), version FROM records WHERE state = 'kept'"))
    assert found == {"News of the solar": 2, "News of the library": 1}
    assert rows(tmp_path, "SELECT state, count(*) FROM records GROUP BY state ORDER BY state") == [
        ("gone", 1),
        ("kept", 2),
    ]
    assert rows(tmp_path, "SELECT count(*) FROM record_versions") == [(1,)]
    harness.ledger_is_sound(tmp_path)


def test_refine_makes_the_records_again_without_a_request(tmp_path, site):
    crawl(tmp_path, site)
    site.log.clear()
    result = harness.run(tmp_path, "refine", "site", "-s", "KEYWORDS=solar,harbour")
    assert result.code == 0, result
    assert site.log == []
    assert titles(tmp_path) == ["harbour", "solar"]
    assert "2 records in the ledger: 2 updated (metadata only)" in result.out
    html = max((tmp_path / "site/runs").glob("*.html")).read_text(encoding="utf-8")
    assert "0 new, 0 changed, 2 updated (metadata only) and 0 unchanged in this crawl" in html
    assert rows(tmp_path, "SELECT stage, reason FROM rejections") == [("keywords", "no-keyword")]
    keywords = [r["keywords"] for r in harness.records(tmp_path, "site")]
    assert all(keywords)
    again = harness.run(tmp_path, "refine", "site")
    assert again.code == 0, again
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    assert rows(tmp_path, "SELECT count(*) FROM rejections") == [(0,)]
    assert {row[0] for row in rows(tmp_path, "SELECT version FROM records")} == {1}
    harness.ledger_is_sound(tmp_path)


def test_rejected_records_are_listed_and_readmitted_without_a_request(tmp_path, site):
    crawl(tmp_path, site, "-a", "keywords=solar")
    assert titles(tmp_path) == ["solar"]
    listed = harness.run(tmp_path, "rejected", "site", "--format", "jsonl")
    assert listed.code == 0, listed
    assert len(listed.out.splitlines()) == 2
    site.log.clear()
    unchanged = harness.run(tmp_path, "readmit", "site", "--reason", "no-keyword")
    assert unchanged.code == 0, unchanged
    assert titles(tmp_path) == ["solar"], "nothing changed, so nothing passes"
    chosen = harness.run(
        tmp_path, "readmit", "site", "--reason", "no-keyword", "--where", "url ~ library", "-a", "keywords=tea"
    )
    assert chosen.code == 0, chosen
    assert titles(tmp_path) == ["library", "solar"]
    rest = harness.run(tmp_path, "readmit", "site", "--reason", "no-keyword", "-a", "keywords=herring")
    assert rest.code == 0, rest
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    assert site.log == []
    assert rows(tmp_path, "SELECT count(*) FROM rejections") == [(0,)]
    harness.ledger_is_sound(tmp_path)


def test_max_pages_bounds_the_whole_crawl(tmp_path, site):
    crawl(tmp_path, site, "-a", "max_pages=2")
    states = harness.states(tmp_path)
    assert states == {"done": 2, "skipped": 2}
    assert rows(tmp_path, "SELECT DISTINCT reason FROM requests WHERE state = 'skipped'") == [("max-pages",)]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["crawl", "sitte"], 2, "did you mean 'site'"),
        (["crawl"], 2, "expected the name of one source"),
        (["crawl", "site"], 2, "missing argument 'url'"),
        (["crawl", "site", "-a", "url=ftp://x/"], 2, "expected http"),
        (["crawl", "site", "-a", "url=http://x/", "-a", "max_pages=many"], 2, "expected int"),
        (["crawl", "site", "-a", "url=http://x/", "-a", "keywords=@/nowhere"], 2, "/nowhere"),
        (["crawl", "site", "-a", "url=http://x/", "-s", "EXPORTS=docx"], 2, "docx"),
        (["crawl", "site", "-a", "url=http://x/", "-s", "SCHEMAS_DIR=/nowhere"], 2, "/nowhere"),
        (["refine", "site"], 2, "crawl site"),
        (["readmit", "site"], 2, "--reason"),
        (["readmit", "site", "--reason", "x", "--where", "?"], 2, "value < 0.9"),
        (["rejected", "nobody"], 2, "nobody"),
        (["export", "nobody"], 2, "nobody"),
        (["export", "site", "--format", "docx"], 2, "docx"),
        (["ledger", "explode"], 2, "status"),
        (["check", "nobody"], 2, "nobody"),
    ],
)
def test_wrong_use_is_said_without_a_traceback(tmp_path, args, code, said):
    result = harness.run(tmp_path, *args)
    assert result.code == code, result
    assert said in result.err + result.out
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("path", "said"), [("/status/500", "500"), ("/status/404", "404"), ("/empty", ""), ("/garbage", ""), ("/login", "")]
)
def test_a_site_that_gives_nothing_fails_with_the_reason(tmp_path, site, path, said):
    result = harness.run(
        tmp_path, "crawl", "site", "-a", f"url={site.url(path)}", "-a", "sitemap=no", "-s", "RETRY_TIMES=1",
        "-s", "RETRY_BACKOFF=0.05",
    )  # fmt: skip
    assert result.code in {1, 3} or path in {"/login", "/garbage"}, result
    assert said in result.out
    assert "Traceback" not in result.err


def test_a_site_behind_a_login_says_so_and_what_a_session_would_give(tmp_path):
    def answer(asked):
        name = asked.path.rpartition("/")[2]
        if "session=7" in asked.headers.get("cookie", ""):
            return Reply(200, article(name).encode() if name in SENTENCES else links.encode(), HTML)
        return Reply(302, b"", HTML, [("Location", f"/login?next={asked.path}")])

    links = "<ul>" + "".join(f'<li><a href="/news/{name}">{name}</a></li>' for name in SENTENCES) + "</ul>"
    with Site(pages=1) as site:
        for name in ("", *SENTENCES):
            site.add(f"/news/{name}".rstrip("/"), answer)
        urls = ",".join(site.url(path) for path in ("/news", "/news/solar"))
        args = ("crawl", "site", "-a", f"url={urls}", "-a", "follow=/news")
        shut = harness.run(tmp_path, *args)
        assert shut.code == 1, shut
        assert "2 pages were fetched, but no record was found on any of them. (exit code 1, failed)" in shut.out
        assert "rejected    2 (login-wall 2)" in shut.out
        assert "looks like a login page" in shut.out
        assert harness.records(tmp_path, "site") == []
        cookie = ("-s", "COOKIES_ENABLED=0", "-s", 'DEFAULT_REQUEST_HEADERS={"Cookie": "session=7"}')
        assert all(part in shut.out for part in ("COOKIES_ENABLED=0", 'DEFAULT_REQUEST_HEADERS=\'{"Cookie": "…"}\''))
        opened = harness.run(tmp_path, *args, *cookie)
        assert opened.code == 0, opened
    assert titles(tmp_path) == sorted(SENTENCES)


def test_a_budget_that_lists_have_spent_is_told(tmp_path):
    with Site(pages=1) as site:
        for page in range(9):
            items = "".join(f'<li class="item"><a href="/news/{page}-{n}">Story number {n}</a></li>' for n in range(12))
            site.add(f"/news/page/{page}", f'<main><ul>{items}</ul><a href="/news/page/{page + 1}">Next</a></main>')
        urls = ",".join(site.url(f"/news/page/{page}") for page in range(4))
        result = harness.run(tmp_path, "crawl", "site", "-a", f"url={urls}", "-a", "max_pages=3")
    assert result.code == 0, result
    said = result.out.splitlines()[0]
    assert "3 pages were fetched, but no record was found on any of them. The budget of 3 pages is spent: " in said
    assert "larger max_pages" in result.out
    assert "selectors" not in result.out


def test_a_page_budget_goes_on_where_it_was(tmp_path, site):
    args = ["crawl", "site", "-a", f"url={site.url('/news')}", "-a", "follow=/news", "-a", "max_pages=3"]
    first = harness.run(tmp_path, *args, "-s", "CLOSESPIDER_PAGECOUNT=1", "-s", "CONCURRENT_REQUESTS=1")
    assert first.code == 3, first
    assert harness.run(tmp_path, *args).code == 0
    sql = "SELECT count(*) FROM requests WHERE state = 'done' AND (reason IS NULL OR reason = 'list')"
    assert rows(tmp_path, sql) == [(3,)], "robots.txt and the sitemap are no pages"


def test_a_larger_page_budget_goes_on_where_the_crawl_ended(tmp_path, site):
    crawl(tmp_path, site, "-a", "max_pages=2")
    site.log.clear()
    crawl(tmp_path, site, "-a", "max_pages=3")
    assert len([asked for asked in site.log if asked.path.startswith("/news")]) == 1
    assert harness.states(tmp_path) == {"done": 3, "skipped": 1}
    crawl(tmp_path, site)
    assert harness.states(tmp_path) == {"done": 4}
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    assert len([asked for asked in site.log if asked.path.startswith("/news")]) == 2
    assert rows(tmp_path, "SELECT round, state, arguments LIKE '%max_pages%' FROM crawls") == [(1, "complete", 0)]
    harness.ledger_is_sound(tmp_path)


def test_a_spent_page_budget_is_told_wherever_a_run_is_told_of(tmp_path, site):
    said = "The budget of 2 pages is spent: 2 known URLs are left."
    result = crawl(tmp_path, site, "-a", "max_pages=2")
    first, *rest = result.out.splitlines()
    assert said in first
    assert first.endswith("(exit code 0, complete)")
    assert "the same command with a larger max_pages" in rest[-1]
    [path] = (tmp_path / "site/runs").glob("*.json")
    run = json.loads(path.read_text(encoding="utf-8"))
    assert run["budget"] == {"max_pages": 2, "pages": 2, "left": 2}
    assert said in run["outcome"]["headline"]
    html = path.with_suffix(".html").read_text(encoding="utf-8")
    assert said in html
    assert "2 of 2 pages answered, 2 known URLs left" in html
    assert "The budget" not in crawl(tmp_path, site, "-a", "max_pages=4").out, "four pages are all there are"
    runs = sorted((tmp_path / "site/runs").glob("*.json"))
    assert json.loads(runs[-1].read_text(encoding="utf-8"))["budget"] == {"max_pages": 4, "pages": 4, "left": 0}


@pytest.mark.parametrize("second", [["-a", "max_pages=2"], ["-a", "max_pages=3", "--fresh"]])
def test_the_same_page_budget_and_a_fresh_crawl_begin_anew(tmp_path, site, second):
    crawl(tmp_path, site, "-a", "max_pages=2")
    crawl(tmp_path, site, *second)
    assert rows(tmp_path, "SELECT round FROM crawls ORDER BY id") == [(1,), (2,)]


def test_a_killed_crawl_goes_on_with_another_page_budget(tmp_path, site):
    args = ["crawl", "site", "-a", f"url={site.url('/news')}", "-a", "follow=/news", "-a", "sitemap=no"]
    first = harness.run(
        tmp_path, *args, "-a", "max_pages=3", "-s", "CLOSESPIDER_PAGECOUNT=1", "-s", "CONCURRENT_REQUESTS=1"
    )
    assert first.code == 3, first
    crawl(tmp_path, site, "-a", "max_pages=2")
    assert harness.states(tmp_path) == {"done": 2, "skipped": 2}
    assert rows(tmp_path, "SELECT round FROM crawls") == [(1,)]


def test_a_page_budget_does_not_bound_what_is_refined(tmp_path, site):
    crawl(tmp_path, site)
    crawl(tmp_path, site, "-a", "max_pages=2")
    result = harness.run(tmp_path, "refine", "site")
    assert result.code == 0, result
    sql = "SELECT state, count(*) FROM requests JOIN crawls c ON c.id = crawl_id WHERE c.kind = 'refine' GROUP BY 1"
    assert rows(tmp_path, sql.replace("state,", "requests.state,")) == [("done", 4)]


# --- a spider that no longer takes what is stored ---------------------------------------------------------------------

RENAMED = '{"callback":"parse_renamed"}'


def test_refine_goes_on_without_pages_whose_callback_is_gone(tmp_path, site):
    crawl(tmp_path, site)
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        db.execute("UPDATE pages SET request = ? WHERE url LIKE '%solar'", (RENAMED,))
    result = harness.run(tmp_path, "refine", "site", timeout=60)
    assert result.code == 0, result
    assert "names the callback 'parse_renamed', which the spider 'site' no longer has" in result.err
    assert rows(tmp_path, "SELECT state, reason, url LIKE '%solar' FROM requests WHERE reason = 'no-callback'") == [
        ("failed", "no-callback", 1)
    ]
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    harness.ledger_is_sound(tmp_path)


def test_a_crawl_stops_at_a_request_whose_callback_is_gone_and_goes_on_once_it_is_back(tmp_path, site):
    crawl(tmp_path, site)
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        ((payload,),) = db.execute("SELECT payload FROM requests WHERE url LIKE '%solar'")
        db.execute("UPDATE requests SET state = 'pending', payload = ? WHERE url LIKE '%solar'", (RENAMED,))
        db.execute("UPDATE request_counts SET number = number - 1 WHERE state = 'done'")
        db.execute(
            "INSERT INTO request_counts SELECT id, 'pending', 1 FROM crawls WHERE TRUE ON CONFLICT DO UPDATE SET number = 1"
        )
        db.execute("UPDATE crawls SET state = 'open'")
    command = "crawl", "site", "-a", f"url={site.url('/news')}", "-a", "follow=/news", "-a", "sitemap=no"
    result = harness.run(tmp_path, *command, timeout=60)
    assert result.code == 1, result
    assert "Give the method its name back" in result.err
    assert "Traceback" not in result.err
    assert harness.states(tmp_path).get("pending", 0) + harness.states(tmp_path).get("leased", 0) == 1
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        db.execute("UPDATE requests SET payload = ? WHERE url LIKE '%solar'", (payload,))
    assert harness.run(tmp_path, *command, timeout=60).code == 0
    assert titles(tmp_path) == ["harbour", "library", "solar"]
    harness.ledger_is_sound(tmp_path)


def test_what_could_not_be_read_is_not_readmitted(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"id": 1, "text": "a line"}\n{"broken\n{"id": 1, "text": "again"}\n')
    given = "-a", f"folder={folder}"
    assert harness.run(tmp_path, "crawl", "notes", *given).code == 0
    for reason in ("broken-line", "repeated-key"):
        result = harness.run(tmp_path, "readmit", "notes", "--reason", reason, *given)
        assert (result.code, "0 records readmitted, 1 rejected again" in result.out) == (0, True), result
    reasons = rows(tmp_path, "SELECT stage, reason FROM rejections ORDER BY reason")
    assert reasons == [("read", "broken-line"), ("read", "repeated-key")]
    assert len(harness.records(tmp_path, "notes")) == 1
    harness.ledger_is_sound(tmp_path)


def test_a_crawl_whose_summary_nobody_reads_ends_all_the_same(tmp_path, site):
    """Like `| head -1`: it neither hangs nor ends with another code."""
    process = harness.start(tmp_path, "crawl", "site", "-a", f"url={site.url('/news')}", "-a", "follow=/news")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0, err
    assert "Traceback" not in err
    assert titles(tmp_path) == ["harbour", "library", "solar"]
