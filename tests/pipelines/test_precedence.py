"""A record that precedes those it is a duplicate of takes their place, once it is kept itself."""

from __future__ import annotations

import asyncio

import pytest

from crawlers.errors import Rejected
from crawlers.items import Media, Record
from crawlers.ledger.database import Database, open_database
from crawlers.ledger.settlement import Displaced, Settlement
from crawlers.pipelines.deduplicate import DeduplicatePipeline
from crawlers.pipelines.images import ImagesPipeline
from crawlers.pipelines.nearduplicates import DuplicateIndex
from crawlers.pipelines.precedence import DISPLACED, Precedence
from crawlers.pipelines.sameimages import SameImages
from tests.ledger_pages import SOURCE, Ledger
from tests.pages import paragraphs_of

LONG = "\n\n".join(paragraphs_of("/item/1"))
NEAR = LONG.replace(LONG.split()[60], "changed", 1)


def text_record(key: str, text: str = LONG, source: str = SOURCE) -> Record:
    return Record(source, key, text=text)


def picture(key: str, sha256: str = "ab" * 32) -> Record:
    media = Media(url=f"http://a/{key}.jpg", sha256=f"sha256:{sha256}", width=500, height=500, role="main")
    return Record(SOURCE, key, modality="image", media=[media])


class Scene:
    """A ledger, what is on its way there, and the pipelines before it."""

    def __init__(self, url: str, database: Database) -> None:
        self.ledger = ledger = Ledger(database)
        self.under_way: set[str] = set()
        self.precedence = Precedence(url, lambda: ledger.crawl.id, lambda: self.under_way)
        self.index = DuplicateIndex(lambda ids: dict.fromkeys(ids, LONG))
        self.deduplicate = DeduplicatePipeline(self.index, precedence=self.precedence)
        self.images = ImagesPipeline(same=SameImages(), precedence=self.precedence)

    def run(self, stage, record: Record, *, kept: bool = True, commit: bool = True) -> Rejected | None:
        """Take *record* through *stage* and tell its fate; return why it was rejected."""

        async def passed():
            result = stage.process_item(record)
            return await result if asyncio.iscoroutine(result) else result

        try:
            assert asyncio.run(passed()) is record
        except Rejected as exc:
            stage.settled(record, False)
            self.ledger.commit(Settlement(None, rejections=[(record, exc)]))
            return exc
        stage.settled(record, kept)
        if kept:
            self.under_way.add(record.id)
            if commit:
                self.commit(record)
        return None

    def commit(self, record: Record) -> None:
        record.seal()
        signatures = [record.cache["signature"]] if "signature" in record.cache else []
        displaced = list(record.cache.get(DISPLACED, ()))
        self.ledger.commit(Settlement(None, records=[record], signatures=signatures, displaced=displaced))
        self.under_way.discard(record.id)


@pytest.fixture
def scene(tmp_path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = open_database(url)
    made = Scene(url, database)
    yield made
    made.deduplicate.close_spider()
    made.images.close_spider()
    database.close()


def kept(scene) -> list[str]:
    return sorted(row["key"] for row in scene.ledger.rows("records", state="kept"))


def test_a_text_with_a_shorter_key_takes_the_place(scene):
    assert scene.run(scene.deduplicate, text_record("long-key")) is None
    winner = text_record("key", NEAR)
    assert scene.run(scene.deduplicate, winner) is None
    [displaced] = winner.cache[DISPLACED]
    assert displaced.record_id == text_record("long-key").id
    assert (displaced.rejected.reason, displaced.rejected.duplicate_of) == ("near-duplicate", winner.id)
    assert kept(scene) == ["key"]
    refused = scene.run(scene.deduplicate, text_record("later-key"))
    assert refused is not None
    assert refused.duplicate_of == winner.id


def test_a_text_with_a_longer_key_does_not(scene):
    scene.run(scene.deduplicate, text_record("key"))
    refused = scene.run(scene.deduplicate, text_record("long-key"))
    assert refused is not None
    assert (refused.reason, refused.duplicate_of) == ("exact-duplicate", text_record("key").id)


def test_who_is_not_in_the_ledger_yet_gives_way_to_nobody(scene):
    scene.run(scene.deduplicate, text_record("long-key"), commit=False)
    assert scene.run(scene.deduplicate, text_record("key")) is not None


def test_who_is_refused_by_a_later_stage_takes_no_place(scene):
    scene.run(scene.deduplicate, text_record("long-key"))
    assert scene.run(scene.deduplicate, text_record("key"), kept=False) is None
    refused = scene.run(scene.deduplicate, text_record("longer-key"))
    assert refused is not None
    assert refused.duplicate_of == text_record("long-key").id
    assert kept(scene) == ["long-key"]


def test_who_precedes_one_and_follows_another_is_rejected_for_that_one(scene):
    scene.run(scene.deduplicate, text_record("key"))
    scene.run(scene.deduplicate, text_record("long-key", "other words " * 50))
    scene.index.add(text_record("long-key").id, scene.index.sign(NEAR), SOURCE)  # it has changed to this
    refused = scene.run(scene.deduplicate, text_record("middle", LONG))
    assert refused is not None
    assert refused.duplicate_of == text_record("key").id


def test_who_is_gone_from_the_ledger_stands_in_nobodys_way(scene):
    (lease,) = scene.ledger.lease(1)
    gone = text_record("key")
    scene.run(scene.deduplicate, gone, commit=False)
    gone.seal()
    scene.ledger.commit(Settlement(lease, records=[gone], signatures=[gone.cache["signature"]]))
    scene.under_way.clear()
    scene.ledger.next_round()
    scene.ledger.page(1, gone=True)
    assert scene.run(scene.deduplicate, text_record("long-key")) is None
    assert kept(scene) == ["long-key"]


def test_records_of_an_earlier_crawl_and_of_other_sources_stay(scene):
    scene.run(scene.deduplicate, text_record("long-key"))
    scene.ledger.next_round()
    assert scene.run(scene.deduplicate, text_record("key")) is not None
    assert scene.run(scene.deduplicate, text_record("k", source="another")) is not None


def test_of_two_that_were_kept_before_the_shorter_key_stays_in_either_order(scene):
    far = "quite another text " * 30
    for order in (("key", "long-key"), ("long-key", "key")):
        scene.run(scene.deduplicate, text_record("key", far))
        scene.run(scene.deduplicate, text_record("long-key", far.upper() + " with an end " * 40))
        assert kept(scene) == ["key", "long-key"]
        scene.ledger.next_round()
        outcomes = {key: scene.run(scene.deduplicate, text_record(key)) for key in order}
        assert kept(scene) == ["key"], order
        assert outcomes["key"] is None
        scene.ledger.next_round()


def test_without_a_crawl_who_came_first_stays(tmp_path):
    precedence = Precedence(f"sqlite:///{tmp_path}/ledger.db", lambda: None, set)
    places = precedence.places(text_record("key"), [text_record("long-key").id], unchanged=False)
    assert places == (set(), set())
    precedence.close()


# --- pictures -------------------------------------------------------------------------------------------------------


def test_a_picture_with_a_shorter_key_takes_the_place(scene):
    assert scene.run(scene.images, picture("long-key")) is None
    winner = picture("key")
    assert scene.run(scene.images, winner) is None
    [displaced] = winner.cache[DISPLACED]
    assert displaced == Displaced(picture("long-key").id, winner.id, displaced.rejected)
    assert displaced.rejected.reason == "duplicate-image"
    assert kept(scene) == ["key"]
    refused = scene.run(scene.images, picture("later-key"))
    assert refused is not None
    assert refused.duplicate_of == winner.id


def test_a_picture_has_its_place_again_where_the_one_before_it_is_refused_later(scene):
    scene.run(scene.images, picture("long-key"))
    assert scene.run(scene.images, picture("key"), kept=False) is None
    refused = scene.run(scene.images, picture("longer-key"))
    assert refused is not None
    assert refused.duplicate_of == picture("long-key").id


def test_a_record_that_gave_way_for_its_text_leaves_its_picture_too(scene):
    scene.run(scene.images, picture("long-key"))
    other = picture("key", "cd" * 32)
    other.cache[DISPLACED] = [Displaced(picture("long-key").id, other.id, Rejected(stage="deduplicate", reason="x"))]
    scene.run(scene.images, other)
    assert scene.run(scene.images, picture("longer-key")) is None
    assert kept(scene) == ["key", "longer-key"]
