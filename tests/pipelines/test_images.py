"""A poor picture costs the record where the record is nothing without it, and a flag elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from crawlers.errors import Rejected
from crawlers.items import Media, Record
from crawlers.pipelines.images import ImagesPipeline
from crawlers.pipelines.sameimages import SameImages


def picture(**values):
    defaults = {"url": "http://a.example/p.png", "width": 300, "height": 200, "quality": {"sharpness": 0.9}}
    return Media(**{**defaults, **values})


def record(*media, kind="ImageObject"):
    return Record("s", "k", type=kind, media=list(media))


POOR = [
    (picture(quality={"sharpness": 0.1}), "blurred-image", 0.1, 0.25),
    (picture(width=300, height=20), "small-image", 20, 64),
    (picture(error="http-404", width=None, height=None), "broken-image", "http-404", None),
]


@pytest.mark.parametrize(("media", "reason", "value", "threshold"), POOR)
def test_it_is_refused_with_what_was_measured(media, reason, value, threshold):
    with pytest.raises(Rejected) as caught:
        ImagesPipeline().process_item(record(media))
    assert (caught.value.reason, caught.value.value, caught.value.threshold) == (reason, value, threshold)
    assert media.url in caught.value.detail


@pytest.mark.parametrize(("media", "reason", "value", "threshold"), POOR)
def test_a_text_is_only_flagged(media, reason, value, threshold):
    found = ImagesPipeline().process_item(record(media, kind="Article"))
    assert found.flags == [reason]


def test_the_main_picture_decides():
    good = picture(role="main")
    assert ImagesPipeline().process_item(record(picture(quality={"sharpness": 0.0}), good)).flags == []


def test_good_pictures_and_none_pass():
    assert ImagesPipeline().process_item(record(picture())).flags == []
    assert ImagesPipeline().process_item(record()).flags == []


def test_thresholds_and_kinds_are_settings():
    pipeline = ImagesPipeline(required_for=["Product"], min_sharpness=0.95, min_side=10)
    with pytest.raises(Rejected, match="blurred-image"):
        pipeline.process_item(record(picture(), kind="Product"))
    assert pipeline.process_item(record(picture(), kind="ImageObject")).flags == ["blurred-image"]


def test_what_was_not_fetched_is_not_judged():
    assert ImagesPipeline().process_item(record(Media(url="http://a.example/p.png"))).flags == []


A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def image(key, sha256=A, **values):
    return Record("s", key, type="ImageObject", modality="image", media=[picture(sha256=sha256)], **values)


def test_one_record_of_each_picture_is_kept():
    pipeline = ImagesPipeline(same=SameImages())
    first = pipeline.process_item(image("1"))
    pipeline.settled(first, kept=True)
    with pytest.raises(Rejected) as caught:
        pipeline.process_item(image("2"))
    assert (caught.value.reason, caught.value.value, caught.value.duplicate_of) == ("duplicate-image", A, first.id)
    assert pipeline.process_item(image("3", B)).flags == []


def test_a_picture_beside_a_text_may_come_again():
    pipeline = ImagesPipeline(same=SameImages())
    for key in "12":
        found = Record("s", key, type="Product", media=[picture(sha256=A)])
        assert pipeline.process_item(found) is found


def test_a_record_is_no_duplicate_of_its_own_earlier_version():
    pipeline = ImagesPipeline(same=SameImages(lambda: [(image("1").id, A)]))
    pipeline.settled(pipeline.process_item(image("1")), kept=True)
    with pytest.raises(Rejected, match="duplicate-image"):
        pipeline.process_item(image("2"))


def test_a_picture_that_its_record_no_longer_has_is_free():
    pipeline = ImagesPipeline(same=SameImages(lambda: [(image("1").id, A)]))
    pipeline.settled(pipeline.process_item(image("1", B)), kept=True)
    assert pipeline.process_item(image("2", A)).key == "2"


def test_the_fate_of_the_first_is_waited_for():
    async def run(kept):
        pipeline = ImagesPipeline(same=SameImages())
        first = pipeline.process_item(image("1"))
        waiting = [asyncio.ensure_future(pipeline.process_item(image(key))) for key in "23"]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        pipeline.settled(first, kept=kept)
        second = await asyncio.gather(waiting[0], return_exceptions=True)
        if not kept:
            pipeline.settled(second[0], kept=True)
        return second + await asyncio.gather(waiting[1], return_exceptions=True)

    second, third = asyncio.run(run(kept=True))
    assert {second.duplicate_of, third.duplicate_of} == {image("1").id}
    second, third = asyncio.run(run(kept=False))
    assert second.key == "2"
    assert third.duplicate_of == image("2").id


def test_nothing_is_read_before_the_first_picture():
    def read():
        raise AssertionError("not needed")

    pipeline = ImagesPipeline(same=SameImages(read))
    pipeline.process_item(Record("s", "1", media=[picture(sha256=A)]))
    pipeline.settled(Record("s", "1"), kept=False)
