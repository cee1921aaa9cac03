"""A poor picture costs the record where the record is nothing without it, and a flag elsewhere."""

from __future__ import annotations

import pytest

from crawlers.errors import Rejected
from crawlers.items import Media, Record
from crawlers.pipelines.images import ImagesPipeline


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
