from __future__ import annotations

import orjson

from crawlers.errors import Rejected
from crawlers.items import Media
from crawlers.ledger import media
from tests.ledger_pages import entry, record

FILE = {"path": "media/ab/cd/abcd.png", "media_type": "image/png", "size": 10, "facts": {"width": 4}}


def put(ledger, sha256: str, **values) -> None:
    ledger.database.run(lambda conn: media.put(conn, sha256=sha256, **{**FILE, **values}))


def test_a_file_is_found_by_url(ledger):
    put(ledger, "sha256:1", url="http://x/a.png", etag='"e"', last_modified="yesterday")
    with ledger.database.read() as conn:
        found = media.by_url(conn, "http://x/a.png")
        assert (found.path, found.media_type, found.bytes, orjson.loads(found.facts)) == tuple(FILE.values())
        assert (found.sha256, found.etag, found.last_modified) == ("sha256:1", '"e"', "yesterday")
        assert found.fetched_at.endswith("Z")
        assert media.by_url(conn, "http://x/b.png") is None


def test_two_urls_may_give_one_file(ledger):
    put(ledger, "sha256:1", url="http://x/a.png")
    put(ledger, "sha256:1", url="http://x/b.png")
    assert len(ledger.rows("media")) == 1
    with ledger.database.read() as conn:
        assert media.by_url(conn, "http://x/b.png").sha256 == "sha256:1"


def test_a_url_that_gives_another_file_later(ledger):
    put(ledger, "sha256:1", url="http://x/a.png")
    put(ledger, "sha256:2", url="http://x/a.png", path="media/2")
    with ledger.database.read() as conn:
        assert media.by_url(conn, "http://x/a.png").path == "media/2"
    assert len(ledger.rows("media_urls")) == 1


def test_a_file_without_a_url(ledger):
    put(ledger, "sha256:1")
    assert ledger.rows("media_urls") == []


def test_facts_that_are_known_better_now_replace_the_old(ledger):
    put(ledger, "sha256:1")
    put(ledger, "sha256:1", facts={"width": 4, "height": 5})
    assert orjson.loads(ledger.row("media")["facts"]) == {"width": 4, "height": 5}


def test_what_could_not_be_had_is_found_by_record(ledger):
    gone, there = Media(url="http://x/gone", error="http-404"), Media(url="http://x/there", sha256="sha256:1")
    kept, refused = record("kept", media=[gone, there, Media(error="unreadable")]), record("refused", media=[gone])
    ledger.add(entry(1))
    ledger.page(1, kept, rejections=[(refused, Rejected(stage="images", reason="broken-image"))])
    with ledger.database.read() as conn:
        assert media.errors(conn, kept.id) == {"http://x/gone": "http-404"}
        assert media.errors(conn, refused.id) == {"http://x/gone": "http-404"}
        assert media.errors(conn, "none") == {}


def test_the_main_pictures_of_image_records(ledger):
    def image(key, *media, modality="image"):
        return record(key, modality=modality, media=list(media))

    a, b, c = (Media(url=f"http://x/{name}", sha256=f"sha256:{name}") for name in "abc")
    c.role = "main"
    found = {
        "first": image("first", a, b), "named": image("named", a, c), "none": image("none"), "text": image("text", a, modality="text"),
        "unfetched": image("unfetched", Media(url="http://x/d")),
    }  # fmt: skip
    ledger.add(entry(1))
    ledger.page(1, *found.values())
    with ledger.database.read() as conn:
        expected = {(found["first"].id, "sha256:a"), (found["named"].id, "sha256:c")}
        assert set(media.main_pictures(conn)) == expected
        assert set(media.main_pictures(conn, batch=1)) == expected
