"""Pictures: facts that hold whatever the format, and sharpness that tells blurred from flat."""

from __future__ import annotations

import io
import math
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from crawlers.extractors.pictures import facts
from crawlers.sandboxed import Refused


def encoded(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def scene(seed, size=(320, 240)):
    rng = random.Random(seed)
    picture = Image.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        draw.ellipse(
            [x, y, x + rng.randrange(9, 90), y + rng.randrange(9, 90)], fill=tuple(rng.choices(range(256), k=3))
        )
    return picture


def moved(picture, pixels, angle):
    """*picture* as a camera sees it that moves by so many *pixels*."""
    steps = np.linspace(-pixels / 2, pixels / 2, 2 * pixels)
    shifts = [(1, 0, step * math.cos(angle), 0, 1, step * math.sin(angle)) for step in steps]
    seen = [
        np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, shift, 2), "float32") for shift in shifts
    ]
    box = (pixels, pixels, picture.width - pixels, picture.height - pixels)
    return Image.fromarray(np.mean(seen, axis=0).astype("uint8")).crop(box)


def natural(seed, size=(640, 480)):
    """A picture with the spectrum of a landscape, objects in it, and the softness of a lens."""
    rng = np.random.default_rng(seed)
    waves = np.fft.rfft2(rng.standard_normal(size[::-1]))
    length = np.hypot(np.fft.fftfreq(size[1])[:, None], np.fft.rfftfreq(size[0])[None])
    length[0, 0] = 1
    field = np.fft.irfft2(waves / length**1.2, s=size[::-1])
    levels = (field - field.min()) / (field.max() - field.min()) * 255
    ground = Image.fromarray(levels.astype("uint8")).convert("RGB")
    return Image.blend(ground, scene(seed, size), 0.5).filter(ImageFilter.GaussianBlur(0.8))


def noisy(picture, deviation=6):
    noise = np.random.default_rng(1).normal(0, deviation, (picture.height, picture.width, 1))
    return Image.fromarray((np.asarray(picture, "float32") + noise).clip(0, 255).astype("uint8"))


def hardness(picture, kind="PNG", **options):
    return facts(encoded(picture, kind, **options))["sharpness"]


LIMIT = 0.25  # IMAGE_MIN_SHARPNESS


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("made", [scene, natural])
def test_sharp_and_blurred_are_apart(seed, made):
    picture = made(seed)
    for sharp in (picture, noisy(picture), picture.resize((1600, 1200))):
        assert hardness(sharp) > LIMIT
    assert hardness(picture, "JPEG", quality=30) > LIMIT
    for radius in (2.5, 4, 8):
        blurred = picture.filter(ImageFilter.GaussianBlur(radius))
        assert hardness(blurred) < LIMIT
        assert hardness(noisy(blurred)) < LIMIT, "noise is not detail"
        assert hardness(blurred, "JPEG", quality=30) < LIMIT, "nor are the blocks of a poor JPEG"
    assert hardness(picture.filter(ImageFilter.BoxBlur(4))) < LIMIT


@pytest.mark.parametrize("angle", [0, 0.4, math.pi / 4, 1.2, math.pi / 2, 2.2])
@pytest.mark.parametrize("pixels", [12, 24])
def test_a_picture_that_is_blurred_in_one_direction_alone_is_blurred(angle, pixels):
    for seed in range(2):
        assert hardness(moved(scene(seed, (512, 384)), pixels, angle)) < LIMIT
        assert hardness(noisy(moved(natural(seed, (512, 384)), pixels, angle), 3)) < LIMIT


def flat(*shapes, size=(500, 400)):
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for box in shapes:
        draw.rectangle(box, fill="navy")
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        flat((150, 120, 250, 180)),
        flat((245, 40, 255, 360)),
        flat((40, 195, 460, 205)),
        flat((0, 0, 500, 200)),
        flat((0, 0, 250, 400)),
        flat((230, 190, 260, 220), size=(500, 500)),
    ],
    ids=["box", "upright", "lying", "upper half", "left half", "small"],
)
def test_a_flat_graphic_is_sharp_however_few_its_edges(picture):
    assert hardness(picture) >= 0.5
    assert hardness(picture.filter(ImageFilter.GaussianBlur(4))) < LIMIT


def test_a_sharp_thing_before_a_blurred_ground_is_sharp():
    picture = scene(5, (800, 600)).filter(ImageFilter.GaussianBlur(12))
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse([300, 200, 520, 420], fill=255)
    picture.paste(scene(6, (800, 600)), mask=mask)
    assert hardness(picture) > LIMIT


def test_a_picture_that_is_too_small_to_tell_has_no_sharpness():
    assert hardness(scene(1, (300, 20))) is None


@pytest.mark.parametrize(("shape", "ground"), [("black", "white"), ("white", "black")])
def test_what_is_transparent_shows_what_is_drawn(shape, ground):
    """A dark logo with a transparent ground has the same colour everywhere: it must not pass for an even surface."""
    drawn = flat((150, 120, 250, 180)).convert("L").point(lambda level: 255 - level)
    picture = Image.new("RGBA", drawn.size, shape)
    picture.putalpha(drawn)
    assert hardness(picture) >= 0.5
    indexed = picture.quantize(8)
    assert hardness(indexed) >= 0.4


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_pictures_keep_their_contrast(mode):
    levels = np.asarray(scene(3).convert("L"), dtype="float32") * 200
    picture = Image.fromarray(levels.astype({"I;16": "uint16", "I": "int32", "F": "float32"}[mode]))
    assert picture.mode == mode
    found = facts(encoded(picture, "TIFF"))
    assert found["sharpness"] > LIMIT
    shallow = facts(encoded(scene(3).convert("L")))["perceptual_hash"]
    assert (int(found["perceptual_hash"], 16) ^ int(shallow, 16)).bit_count() <= 4


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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_has_the_hash_of_the_upright_one(orientation):
    picture = scene(7)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = facts(encoded(picture, "PNG", exif=exif))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(picture, "PNG", exif=exif))))
    assert found["perceptual_hash"] == facts(encoded(upright))["perceptual_hash"]
    assert (found["width"], found["height"]) == upright.size


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_metadata_that_cannot_be_read_does_not_cost_the_picture():
    body = encoded(scene(1), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff" + b"\xff" * 40)
    assert facts(body)["width"] == 320


def test_the_same_picture_in_another_size_has_nearly_the_same_hash():
    one = int(facts(encoded(scene(3)))["perceptual_hash"], 16)
    small = int(facts(encoded(scene(3).resize((160, 120)), "JPEG", quality=70))["perceptual_hash"], 16)
    other = int(facts(encoded(scene(4)))["perceptual_hash"], 16)
    assert (one ^ small).bit_count() <= 6
    assert (one ^ other).bit_count() > 12


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises(Refused, match="bomb"):
        facts(encoded(Image.new("1", (20_000, 20_000))))


@pytest.mark.parametrize("cut", [0, 20, 200, 600])
def test_a_cut_file_is_unreadable(cut):
    with pytest.raises((OSError, SyntaxError)):
        facts(encoded(scene(2))[:cut])
