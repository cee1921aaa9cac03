"""Pictures of the demo site as any decoder sees them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from crawlers.demo import shop, truth
from crawlers.demo.pictures import SIDE, picture, png
from crawlers.extractors.pictures import facts
from crawlers.settings import IMAGE_MIN_SHARPNESS


def of(product: shop.Product) -> bytes:
    return dict(shop.pages("http://site"))[product.picture_path].body


def test_a_png_holds_the_pixels_that_were_drawn():
    rows = [[(1, 2, 3), (250, 251, 252)], [(0, 0, 0), (255, 255, 255)], [(9, 8, 7), (6, 5, 4)]]
    with Image.open(io.BytesIO(png(rows))) as image:
        assert (image.size, image.mode) == ((2, 3), "RGB")
        assert [image.getpixel((x, y)) for y in range(3) for x in range(2)] == [pixel for row in rows for pixel in row]


def test_each_product_has_a_picture_of_its_own():
    assert len({of(product) for product in shop.products()}) == 40


def test_the_same_name_gives_the_same_picture():
    assert picture("lamp") == picture("lamp") != picture("lamps")


def test_blurred_pictures_and_no_others_count_as_blurred():
    blurred = {
        product.slug
        for product in shop.products()
        if product.slug != truth.TRUNCATED and facts(of(product))["sharpness"] < IMAGE_MIN_SHARPNESS
    }
    assert blurred == truth.BLURRED
    assert len(blurred) == 4


def test_a_blurred_picture_keeps_its_size():
    assert facts(picture("lamp", blurred=True))["width"] == SIDE


def test_the_truncated_picture_cannot_be_decoded():
    whole, half = picture(truth.TRUNCATED), picture(truth.TRUNCATED, truncated=True)
    assert whole.startswith(half)
    assert half != whole
    with Image.open(io.BytesIO(half)) as image, pytest.raises(OSError, match="truncated"):
        image.load()
