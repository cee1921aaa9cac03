"""Pictures: facts that hold whatever the format, and sharpness that tells blurred from flat."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFilter

from crawlers.extractors.pictures import facts
from crawlers.sandbox import Verdict


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def scene(seed, size=(320, 240)):
    import random

    rng = random.Random(seed)
    picture = Image.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        draw.ellipse(
            [x, y, x + rng.randrange(9, 90), y + rng.randrange(9, 90)], fill=tuple(rng.choices(range(256), k=3))
        )
    return picture


@pytest.mark.parametrize("seed", range(8))
def test_sharp_and_blurred_are_far_apart(seed):
    picture = scene(seed)
    assert facts(encoded(picture))["sharpness"] > 0.5
    for radius in (1.5, 2, 4):
        assert facts(encoded(picture.filter(ImageFilter.GaussianBlur(radius))))["sharpness"] < 0.25
    assert facts(encoded(picture.filter(ImageFilter.BoxBlur(3))))["sharpness"] < 0.25


def test_a_flat_graphic_with_one_hard_edge_is_sharp():
    picture = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(picture).rectangle([150, 120, 250, 180], fill="navy")
    assert facts(encoded(picture))["sharpness"] > 0.5


def test_an_even_surface_is_not_sharp():
    assert facts(encoded(Image.new("RGB", (100, 100), "grey")))["sharpness"] == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_type_and_size_come_from_the_bytes(kind):
    found = facts(encoded(scene(1).convert("RGB"), kind))
    assert found["media_type"] == f"image/{kind.lower()}"
    assert (found["width"], found["height"]) == (320, 240)


def test_size_is_that_after_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = facts(encoded(scene(1), "JPEG", exif=exif))
    assert (found["width"], found["height"]) == (240, 320)


def test_the_same_picture_in_another_size_has_nearly_the_same_hash():
    one = int(facts(encoded(scene(3)))["perceptual_hash"], 16)
    small = int(facts(encoded(scene(3).resize((160, 120)), "JPEG", quality=70))["perceptual_hash"], 16)
    other = int(facts(encoded(scene(4)))["perceptual_hash"], 16)
    assert (one ^ small).bit_count() <= 6
    assert (one ^ other).bit_count() > 12


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(Verdict, match="bomb"):
        facts(encoded(Image.new("1", (20_000, 20_000))))


@pytest.mark.parametrize("cut", [0, 20, 200, 600])
def test_a_cut_file_is_unreadable(cut):
    with pytest.raises((OSError, SyntaxError)):
        facts(encoded(scene(2))[:cut])
