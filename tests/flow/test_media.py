"""Pictures of a real crawl: through all middlewares, once each, whole, and asked for again only if they changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3

import pytest

from crawlers.demo.pictures import picture
from tests.flow import harness
from tests.server import Reply, Site

PIPELINES = {
    "crawlers.pipelines.media.MediaPipeline": 500,
    "crawlers.pipelines.images.ImagesPipeline": 550,
    "crawlers.pipelines.store.StorePipeline": 900,
}
SETTINGS = harness.settings(**{**harness.PLAIN, "ITEM_PIPELINES": json.dumps(PIPELINES), "RETRY_TIMES": "1"})
CANARY = "canary-1b5c"


class Gallery:
    """A site with pages of pictures."""

    def __init__(self, site):
        self.site = site
        self.pages = {}

    def page(self, name, *sources):
        self.pages[name] = sources
        images = "".join(f'<img src="{source}">' for source in sources)
        self.site.add(f"/p/{name}", f"<html><body><h1>{name}</h1>{images}</body></html>")
        links = "".join(f'<a href="/p/{name}">{name}</a>' for name in self.pages)
        self.site.add("/gallery", f"<html><body>{links}</body></html>")

    def picture(self, path, body, etag=None):
        def answer(asked):
            if etag and asked.headers.get("if-none-match") == etag:
                return Reply(304)
            return Reply(200, body, "text/plain", [("ETag", etag)] if etag else [])

        self.site.add(path, answer)

    def crawl(self, data, *args, code=0, **environment):
        self.site.log.clear()
        url = self.site.url("/gallery")
        result = harness.run(data, "crawl", "gallery", "-a", f"url={url}", *SETTINGS, *args, **environment)
        assert result.code == code, result
        return result

    def asked(self, prefix="/i/"):
        return [asked.path for asked in self.site.log if asked.path.startswith(prefix)]


@pytest.fixture
def gallery():
    with Site(pages=1) as site:
        yield Gallery(site)


def by_title(data):
    return {record["title"]: record for record in harness.records(data, "gallery")}


def stored(data):
    return sorted(path for path in (data / "media").rglob("*") if path.is_file())


def test_each_picture_is_fetched_once_and_the_next_crawl_downloads_nothing(tmp_path, gallery):
    for name in "abc":
        gallery.picture(f"/i/{name}", picture(name), etag=f'"{name}"')
        gallery.page(name, f"/i/{name}", "/i/shared")
    gallery.picture("/i/shared", picture("shared"), etag='"s"')
    gallery.crawl(tmp_path)
    assert sorted(gallery.asked()) == ["/i/a", "/i/b", "/i/c", "/i/shared"]
    found = by_title(tmp_path)
    main = found["a"]["media"][0]
    assert main["sha256"] == "sha256:" + hashlib.sha256(picture("a")).hexdigest()
    assert (tmp_path / main["path"]).read_bytes() == picture("a")
    assert (main["media_type"], main["width"], main["height"]) == ("image/png", 160, 160)
    assert len(stored(tmp_path)) == 4

    tasks = json.loads((tmp_path / "gallery" / "tasks.label-studio.json").read_text())
    for task in tasks:
        assert (tmp_path / task["data"]["image"].removeprefix("/data/local-files/?d=")).is_file()
    assert "<Image" in (tmp_path / "gallery" / "label-studio.xml").read_text()

    before = (tmp_path / "gallery" / "records.jsonl").read_bytes()
    gallery.crawl(tmp_path)
    assert {asked.status for asked in gallery.site.log if asked.path.startswith("/i/")} == {304}
    assert (tmp_path / "gallery" / "records.jsonl").read_bytes() == before
    harness.ledger_is_sound(tmp_path)


@pytest.mark.parametrize("damage", [b"", picture("a")[:100], b"x" * len(picture("a"))])
def test_a_file_that_is_not_whole_is_found_and_repaired(tmp_path, gallery, damage):
    gallery.picture("/i/a", picture("a"), etag='"a"')
    gallery.page("a", "/i/a")
    gallery.crawl(tmp_path)
    [path] = stored(tmp_path)
    path.write_bytes(damage)
    gallery.crawl(tmp_path)
    assert path.read_bytes() == picture("a")
    assert stored(tmp_path) == [path]
    harness.ledger_is_sound(tmp_path)


def test_pictures_are_asked_for_as_politely_and_as_carefully_as_pages(tmp_path, gallery):
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("x") + CANARY.encode())
    gallery.site.robots = "User-agent: *\nDisallow: /i/private\n"
    gallery.picture("/i/private", picture("private"))
    gallery.picture("/i/ok", picture("ok"))
    gallery.site.add("/i/away", b"", status=302, headers=[("Location", "http://169.254.169.254/latest/meta-data")])
    gallery.site.add("/i/local", b"", status=302, headers=[("Location", f"file://{secret}")])
    gallery.page("robots", "/i/private")
    gallery.page("inside", "http://10.0.0.1/x.png")
    gallery.page("away", "/i/away")
    gallery.page("local", "/i/local")
    gallery.page("file", f"file://{secret}", f"data:image/png;base64,{CANARY}", "ftp://127.0.0.1/x.png")
    gallery.page("ok", "/i/ok")
    result = gallery.crawl(tmp_path / "data", "-s", "IMAGE_REQUIRED_FOR=")
    found = by_title(tmp_path / "data")
    assert found["ok"]["media"][0]["sha256"]
    assert found["robots"]["media"][0]["error"].startswith("robots")
    assert found["inside"]["media"][0]["error"].startswith("forbidden")
    for name in ("away", "local"):
        assert found[name]["media"][0]["error"].startswith("forbidden"), found[name]["media"]
    assert all("sha256" not in media for media in found["file"]["media"])
    assert gallery.asked("/i/private") == []
    assert len(stored(tmp_path / "data")) == 1
    for path in (p for p in (tmp_path / "data").rglob("*") if p.is_file() and p.suffix in {".png", ".bin"}):
        assert CANARY.encode() not in path.read_bytes()
    assert "Traceback" not in result.err


def test_poor_pictures_are_rejected_with_what_was_measured(tmp_path, gallery):
    gallery.picture("/i/good", picture("good"))
    gallery.picture("/i/blurred", picture("blurred", blurred=True))
    gallery.picture("/i/cut", picture("cut", truncated=True))
    for name in ("good", "blurred", "cut", "gone"):
        gallery.page(name, f"/i/{name}")
    gallery.site.add("/i/gone", b"", status=404)
    gallery.crawl(tmp_path)
    assert list(by_title(tmp_path)) == ["good"]
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        rows = db.execute("SELECT json_extract(body, '$.title'), reason, value, threshold FROM rejections").fetchall()
    reasons = {title: reason for title, reason, _, _ in rows}
    assert reasons == {"blurred": "blurred-image", "cut": "broken-image", "gone": "broken-image"}
    [(value, threshold)] = [(value, threshold) for _, reason, value, threshold in rows if reason == "blurred-image"]
    assert float(value) < float(threshold)


def test_one_record_of_each_picture_is_kept_across_crawls(tmp_path, gallery):
    for path in ("/i/1", "/i/2"):
        gallery.picture(path, picture("same"))
    gallery.page("first", "/i/1")
    gallery.crawl(tmp_path)
    gallery.page("second", "/i/2")
    gallery.crawl(tmp_path)
    assert list(by_title(tmp_path)) == ["first"]
    with sqlite3.connect(tmp_path / "gristmill.db") as db:
        [row] = db.execute("SELECT stage, reason, duplicate_of FROM rejections").fetchall()
    assert row == ("images", "duplicate-image", by_title(tmp_path)["first"]["id"])


def test_killed_again_and_again_it_ends_as_an_undisturbed_crawl(tmp_path, gallery):
    for name in map(str, range(12)):
        gallery.picture(f"/i/{name}", picture(name), etag=f'"{name}"')
        gallery.page(name, f"/i/{name}", "/i/shared")
    gallery.picture("/i/shared", picture("shared"))
    gallery.crawl(tmp_path / "whole")
    expected = {title: record["media"] for title, record in by_title(tmp_path / "whole").items()}
    args = ["crawl", "gallery", "-a", f"url={gallery.site.url('/gallery')}", *SETTINGS]
    for pictures in (1, 4, 9):
        gallery.site.log.clear()
        assert harness.run_and_kill(tmp_path / "data", *args, when=lambda n=pictures: len(gallery.asked()) >= n)
    gallery.crawl(tmp_path / "data")
    found = by_title(tmp_path / "data")
    assert {title: record["media"] for title, record in found.items()} == expected
    assert {record["version"] for record in found.values()} == {1}
    files = stored(tmp_path / "data")
    assert [path.name for path in files] == [path.name for path in stored(tmp_path / "whole")]
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    harness.ledger_is_sound(tmp_path / "data")


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(small_disk, tmp_path, gallery):
    """Only the media are on the full disk: the ledger could go on, but the records would be lost."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "media").symlink_to(small_disk.path)
    noise = [hashlib.sha256(bytes([i])).digest() * 12_000 for i in range(20)]  # 384 KB each
    for i, more in enumerate(noise):
        gallery.picture(f"/i/{i}", picture(str(i)) + more)
        gallery.page(str(i), f"/i/{i}")
    full = gallery.crawl(data, code=1)
    assert "no space left" in full.err
    assert str(data / "media") in full.err
    assert "Traceback" not in full.err
    states = harness.states(data)
    assert set(states) <= {"done", "leased", "pending"}
    assert 0 < states["done"] < 21
    small_disk.resize(50)
    gallery.crawl(data)
    assert sorted(by_title(data), key=int) == [str(i) for i in range(20)]
    for record in by_title(data).values():
        path = data / record["media"][0]["path"]
        assert "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() == record["media"][0]["sha256"]
    assert not [path for folder in (data, small_disk.path) for path in folder.rglob("*.tmp-*")]
    harness.ledger_is_sound(data)


def test_refine_needs_no_network_for_pictures(tmp_path, gallery):
    for name in "abc":
        gallery.picture(f"/i/{name}", picture(name), etag=f'"{name}"')
        gallery.page(name, f"/i/{name}", "/i/shared", "/i/gone")
    gallery.picture("/i/shared", picture("shared"))
    gallery.site.add("/i/late", b"", status=404)
    gallery.page("late", "/i/late")
    gallery.crawl(tmp_path)
    exported, rejected = (tmp_path / "gallery" / "records.jsonl").read_bytes(), rejections(tmp_path)
    assert [reason for reason, _, _ in rejected] == ["broken-image"]
    gallery.site.log.clear()
    gallery.picture("/i/late", picture("late"))
    online = harness.run(tmp_path, "refine", "gallery", *SETTINGS)
    assert online.code == 0, online
    assert gallery.site.log == []
    gallery.site.stop_listening()
    offline = harness.run(tmp_path, "refine", "gallery", *SETTINGS, NETWORK_ALLOW="")
    assert offline.code == 0, offline
    for result in (online, offline):
        assert "3 records in the ledger: 3 unchanged" in result.out, result
    assert (tmp_path / "gallery" / "records.jsonl").read_bytes() == exported
    assert rejections(tmp_path) == rejected
    harness.ledger_is_sound(tmp_path)


def test_refine_says_which_picture_is_no_longer_stored_and_a_crawl_gets_it_again(tmp_path, gallery):
    for name in "ab":
        gallery.picture(f"/i/{name}", picture(name), etag=f'"{name}"')
        gallery.page(name, f"/i/{name}")
    gallery.crawl(tmp_path, "-s", "IMAGE_REQUIRED_FOR=")
    before = by_title(tmp_path)
    (tmp_path / before["a"]["media"][0]["path"]).unlink()
    gallery.site.log.clear()
    for _ in range(2):
        result = harness.run(tmp_path, "refine", "gallery", *SETTINGS, "-s", "IMAGE_REQUIRED_FOR=")
        assert result.code == 0, result
        found = by_title(tmp_path)
        assert found["b"] == before["b"]
        assert found["a"]["media"][0]["error"].startswith(f"not-stored: {before['a']['media'][0]['path']} is missing")
        assert found["a"]["version"] == 2
    assert gallery.site.log == []
    gallery.crawl(tmp_path, "-s", "IMAGE_REQUIRED_FOR=")
    assert by_title(tmp_path)["a"]["media"] == before["a"]["media"]
    harness.ledger_is_sound(tmp_path)


def test_readmit_sends_no_request_for_pictures(tmp_path, gallery):
    pipelines = {"crawlers.pipelines.keywords.KeywordsPipeline": 400, **PIPELINES}
    more = harness.settings(ITEM_PIPELINES=json.dumps(pipelines), IMAGE_REQUIRED_FOR="", IMAGE_DUPLICATES="True")
    gallery.picture("/i/shared", picture("shared"))
    gallery.page("solar", "/i/shared")
    gallery.page("harbour", "/i/shared", "/i/unseen")
    gallery.crawl(tmp_path, *more, "-s", "KEYWORDS=solar")
    assert list(by_title(tmp_path)) == ["solar"]
    gallery.site.log.clear()
    result = harness.run(
        tmp_path, "readmit", "gallery", "--reason", "no-keyword", *SETTINGS, *more, "-s", "KEYWORDS=harbour"
    )
    assert result.code == 0, result
    found = by_title(tmp_path)
    shared, unseen = found["harbour"]["media"]
    assert shared["sha256"] == found["solar"]["media"][0]["sha256"]
    assert unseen["error"].startswith("not-stored")
    assert gallery.site.log == []
    harness.ledger_is_sound(tmp_path)


def rejections(data):
    with sqlite3.connect(data / "gristmill.db") as db:
        return db.execute("SELECT reason, detail, value FROM rejections ORDER BY record_id").fetchall()
