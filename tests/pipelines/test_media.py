"""Pictures are fetched once, stored once, looked into, and asked for again only if they changed."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import time

import pytest
from PIL import Image, ImageDraw
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers.errors import ConfigurationError, DiskFull
from crawlers.items import Media, Record
from crawlers.ledger import media as table
from crawlers.ledger.database import open_database
from crawlers.mediastore import MediaStore
from crawlers.middlewares.outcomes import Postponed
from crawlers.pipelines.media import MediaPipeline
from crawlers.sandbox import Sandbox


def png(colour="red"):
    picture = Image.new("RGB", (100, 80), "white")
    ImageDraw.Draw(picture).rectangle([20, 20, 60, 60], fill=colour)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


class Web:
    """Answers by URL, and what was asked."""

    def __init__(self):
        self.pages = {}
        self.asked = []

    async def fetch(self, request):
        self.asked.append(request)
        await asyncio.sleep(0.01)
        answer = self.pages[request.url]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        return Response(request.url, body=answer, headers={"ETag": '"1"'})


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def pipeline(tmp_path, web):
    database = open_database(f"sqlite:///{tmp_path}/gristmill.db")
    pipeline = MediaPipeline(web.fetch, MediaStore(tmp_path), database, Sandbox(), max_bytes=50_000)
    yield pipeline
    pipeline.close_spider()
    database.close()


def process(pipeline, *records):
    async def run():
        async def one(record):
            result = pipeline.process_item(record)
            return await result if asyncio.iscoroutine(result) else result

        return await asyncio.gather(*map(one, records))

    return asyncio.run(run())


def record(*urls, key="k"):
    return Record("s", key, media=[Media(url=url) for url in urls])


def test_a_picture_is_stored_and_described(tmp_path, web, pipeline):
    web.pages["http://a.example/1.jpg"] = png()
    [found] = process(pipeline, record("http://a.example/1.jpg"))
    [media] = found.media
    assert (media.media_type, media.width, media.height, media.error) == ("image/png", 100, 80, None)
    assert media.path.endswith(".png"), "named by what it is, not by what the site calls it"
    assert (tmp_path / media.path).stat().st_size == media.bytes == len(png())
    assert media.quality["sharpness"] >= 0.5
    assert len(media.perceptual_hash) == 16


def test_the_same_address_is_fetched_once_at_a_time(web, pipeline):
    web.pages["http://a.example/1.png"] = png()
    one, two = process(pipeline, record("http://a.example/1.png"), record("http://a.example/1.png", key="l"))
    assert len(web.asked) == 1
    assert one.media[0].sha256 == two.media[0].sha256


def test_an_address_is_asked_once_in_a_run(web, pipeline):
    web.pages = {"http://a.example/1.png": png(), "http://a.example/no.png": lambda r: Response(r.url, status=404)}
    for key in "abc":
        [found] = process(pipeline, record(*web.pages, key=key))
        assert found.media[0].sha256
        assert found.media[1].error == "http-404"
        found.media[0].quality["sharpness"] = 0.0  # each record has its own
    assert len(web.asked) == 2
    [found] = process(pipeline, record(*web.pages))
    assert found.media[0].quality["sharpness"] != 0.0


@pytest.mark.parametrize("answer", [TimeoutError("slow"), lambda request: Response(request.url, status=503)])
def test_what_may_pass_is_asked_again(web, pipeline, answer):
    web.pages["http://a.example/1.png"] = answer
    process(pipeline, record("http://a.example/1.png"))
    web.pages["http://a.example/1.png"] = png()
    [found] = process(pipeline, record("http://a.example/1.png"))
    assert found.media[0].error is None


def test_a_host_that_asks_to_wait_is_waited_for(web, pipeline):
    waits = [time.time() + 0.05, time.time() + 0.1]

    def busy(request):
        if waits:
            raise Postponed(request, waits.pop(0), "retry-after")
        return Response(request.url, body=png())

    web.pages["http://a.example/1.png"] = busy
    [found] = process(pipeline, record("http://a.example/1.png"))
    assert found.media[0].error is None
    web.pages["http://a.example/2.png"] = lambda r: (_ for _ in ()).throw(
        Postponed(r, time.time() + 900, "retry-after")
    )
    [found] = process(pipeline, record("http://a.example/2.png"))
    assert found.media[0].error.startswith("retry-after")


def test_a_download_is_cut_at_the_limit(web, pipeline):
    web.pages["http://a.example/1.png"] = png()
    process(pipeline, record("http://a.example/1.png"))
    assert web.asked[0].meta["download_maxsize"] == 50_000


def test_other_media_are_stored_where_they_are_asked_for(tmp_path, web, pipeline):
    web.pages = {"http://a.example/a.jpg": b"%PDF-1.7 something", "http://a.example/b": b"PK\x03\x04 something"}
    [refused] = process(pipeline, record(*web.pages))
    assert refused.media[0].error == "unwanted: MEDIA_TYPES is image, got application/pdf"
    assert refused.media[1].error.startswith("unreadable")
    assert not (tmp_path / "media").exists()
    pipeline._types = ("image", "application/pdf")
    pipeline._found.clear()
    [found] = process(pipeline, record(*web.pages))
    [media, other] = found.media
    assert (media.media_type, media.width, media.quality, media.error) == ("application/pdf", None, {}, None)
    assert media.path.endswith(".pdf")
    assert other.error.startswith("unreadable")


def test_a_full_disk_is_not_the_pictures_fault(web, pipeline, monkeypatch):
    web.pages["http://a.example/1.png"] = png()

    def full(handle):
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskFull, match="free some space"):
            process(pipeline, record("http://a.example/1.png"))
    [found] = process(pipeline, record("http://a.example/1.png"))
    assert found.media[0].error is None


def test_it_is_off_where_it_is_switched_off():
    from scrapy.exceptions import NotConfigured

    with pytest.raises(NotConfigured, match="MEDIA_ENABLED"):
        MediaPipeline.from_crawler(get_crawler(settings_dict={"MEDIA_ENABLED": False}))


def test_a_type_that_cannot_be_stored_is_refused(tmp_path):
    given = {"MEDIA_ENABLED": True, "DATA_DIR": str(tmp_path), "LEDGER_TIMEOUT": 1}
    with pytest.raises(ConfigurationError, match=r"MEDIA_TYPES: expected some of .*image/webp.*, got 'foo'"):
        MediaPipeline.from_crawler(get_crawler(settings_dict={**given, "MEDIA_TYPES": "image,foo"}))
    made = MediaPipeline.from_crawler(get_crawler(settings_dict={**given, "MEDIA_TYPES": '["image", "audio/mpeg"]'}))
    made.close_spider()
    assert made._types == ("image", "audio/mpeg")


def test_the_same_content_is_stored_once(tmp_path, web, pipeline):
    web.pages = {f"http://a.example/{i}.png": png() for i in range(3)}
    process(pipeline, record(*web.pages))
    assert len(list((tmp_path / "media").rglob("*.png"))) == 1


def test_a_second_run_asks_conditionally_and_downloads_nothing(web, pipeline):
    web.pages["http://a.example/1.png"] = png()
    [first] = process(pipeline, record("http://a.example/1.png"))
    pipeline._found.clear()
    web.pages["http://a.example/1.png"] = lambda request: Response(request.url, status=304)
    [second] = process(pipeline, record("http://a.example/1.png"))
    assert web.asked[1].headers["If-None-Match"] == b'"1"'
    assert second.media == first.media


def test_a_half_written_file_is_fetched_again(tmp_path, web, pipeline):
    web.pages["http://a.example/1.png"] = png()
    [first] = process(pipeline, record("http://a.example/1.png"))
    path = tmp_path / first.media[0].path
    path.write_bytes(path.read_bytes()[:50])
    pipeline._found.clear()
    [second] = process(pipeline, record("http://a.example/1.png"))
    assert "If-None-Match" not in web.asked[1].headers
    assert path.read_bytes() == png()
    assert second.media == first.media


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda request: Response(request.url, status=404), "http-404"),
        (b"<html>not a picture</html>", "unreadable"),
        (png()[:120], "unreadable"),
        (b"\x89PNG" + b"x" * 60_000, "too-large"),
        (TimeoutError("slow"), "timeout"),
    ],
)
def test_what_cannot_be_had_costs_the_picture_not_the_record(web, pipeline, answer, error):
    web.pages = {"http://a.example/bad.png": answer, "http://a.example/good.png": png()}
    [found] = process(pipeline, record(*web.pages))
    assert found.media[0].error.startswith(error)
    assert found.media[0].sha256 is None
    assert found.media[1].error is None


def test_only_the_web_is_asked_and_no_more_than_allowed(web, pipeline):
    pipeline._per_record = 2
    web.pages = {f"http://a.example/{i}.png": png() for i in range(4)}
    process(pipeline, record("file:///etc/passwd", "data:image/png;base64,xx", *web.pages))
    assert {request.url for request in web.asked} == {"http://a.example/0.png", "http://a.example/1.png"}


def test_a_record_without_pictures_is_not_made_to_wait(pipeline):
    found = pipeline.process_item(Record("s", "k"))
    assert isinstance(found, Record)


def test_the_ledger_knows_what_an_address_gave(web, pipeline):
    web.pages["http://a.example/1.png"] = png()
    [found] = process(pipeline, record("http://a.example/1.png"))
    with pipeline._database.read() as conn:
        row = table.by_url(conn, "http://a.example/1.png")
    assert (row.sha256, row.etag) == (found.media[0].sha256, '"1"')


@pytest.fixture
def offline(tmp_path, pipeline):
    """The pipeline of `refine`: beside that of the crawl, on the same ledger."""
    database = open_database(f"sqlite:///{tmp_path}/gristmill.db")
    offline = MediaPipeline(None, MediaStore(tmp_path), database, Sandbox())
    yield offline
    offline.close_spider()


def test_without_fetching_what_is_stored_is_found(tmp_path, web, pipeline, offline):
    web.pages["http://a.example/1.png"] = png()
    [first] = process(pipeline, record("http://a.example/1.png"))
    [second] = process(offline, record("http://a.example/1.png"))
    assert second.media == first.media
    assert len(web.asked) == 1


def test_without_fetching_what_is_not_stored_says_so(tmp_path, web, pipeline, offline):
    web.pages["http://a.example/1.png"] = png()
    [first] = process(pipeline, record("http://a.example/1.png"))
    (tmp_path / first.media[0].path).unlink()
    [found] = process(offline, record("http://a.example/1.png", "http://a.example/2.png"))
    assert found.media[0].error == (
        f"not-stored: {first.media[0].path} is missing or damaged, the next crawl fetches it again"
    )
    assert found.media[1].error == "not-stored: refine and readmit fetch nothing, the next crawl does"
    assert {media.sha256 for media in found.media} == {None}
