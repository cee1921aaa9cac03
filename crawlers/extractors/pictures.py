"""Pictures: size after orientation, type, a perceptual hash, and how sharp they are. Runs in the sandbox.

Sharpness asks how hard the edges of the highest contrast are: the share of an edge's height that lies in its steepest
pixel, 1 for a step, 1/(2.5 σ) for a step under a Gaussian blur of σ pixels, 1/n where the camera moved n pixels. It is
taken in four directions, and the softest counts of those in which there is contrast, since motion blurs in one direction
alone. Contrast and size do not matter, nor how many edges there are: a flat graphic is sharp. Calibrated on drawn scenes
and natural spectra, at noise of 6 grey levels and JPEG of quality 30: blurred by σ ≥ 2 or a motion of 9 pixels (at 512
pixels) below 0.25, sharp ones above 0.33.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from crawlers.sandboxed import Refused

_PIXELS_MAX = 50_000_000
_SIDE = 512
_FLAT = 8.0
_REACH = 16  # pixels over which an edge may extend; what is softer has no contrast here
_DIRECTIONS = ((0, 1, _REACH), (1, 0, _REACH), (1, 1, 11), (1, -1, 11))
_HIGH = 0.75  # edges of at least this share of the highest contrast are looked at
_WEAK = 0.3  # directions with less than this share of it are not
_EDGES = 4000
Image.MAX_IMAGE_PIXELS = None  # the limit below refuses before anything is decoded

_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
}


def facts(body: bytes) -> dict[str, Any]:
    """What is to be known of a picture.

    Returns:
        ``media_type``, ``width`` and ``height`` in pixels after EXIF orientation, ``perceptual_hash`` (64-bit
        difference hash, 16 hex digits) and ``sharpness`` (0: even, 1: hard edges, None: too small to tell).

    Raises:
        Refused: bomb (more than 50 million pixels) or unreadable.
    """
    with Image.open(io.BytesIO(body)) as picture:
        kind = _TYPES.get(picture.format or "")
        if kind is None:
            raise Refused("unreadable", f"expected one of {', '.join(_TYPES)}, got {picture.format}")
        width, height = picture.size
        if width * height > _PIXELS_MAX:
            raise Refused("bomb", f"expected at most {_PIXELS_MAX:,} pixels, got {width} x {height}")
        orientation = _orientation(picture)
        picture.draft("L", (_SIDE, _SIDE))
        grey = _grey(picture)
    if orientation in _TURNS:
        grey = grey.transpose(_TURNS[orientation])
    if orientation in _TURNED:
        width, height = height, width
    return {
        "media_type": kind,
        "width": width,
        "height": height,
        "perceptual_hash": difference_hash(grey),
        "sharpness": sharpness(grey),
    }


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation to what makes the picture upright."""
_TURNED = frozenset({5, 6, 7, 8})


def difference_hash(grey: Image.Image) -> str:
    """64 bits: whether each of 8 x 8 cells is brighter than its left neighbour."""
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (small[:, 1:] > small[:, :-1]).flatten()
    return np.packbits(bits).tobytes().hex()


def sharpness(grey: Image.Image) -> float | None:
    """How hard the edges are in the direction in which they are softest, independent of size and contrast."""
    scale = _SIDE / max(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    pixels = np.asarray(grey, dtype=np.float32)
    if min(pixels.shape) < 2 * _REACH:
        return None
    found = [_edges(pixels, *direction) for direction in _DIRECTIONS]
    highest = max(contrast for contrast, _ in found)
    if highest < _FLAT:
        return 0.0
    return round(min(hardness for contrast, hardness in found if contrast >= _WEAK * highest), 4)


def _edges(pixels: Any, down: int, right: int, steps: int) -> tuple[float, float]:
    """Contrast, in grey levels, and hardness of the edges along one direction of *steps* pixels."""
    smooth = _along_edges(pixels, down, right)
    if right < 0:
        smooth, right = smooth[:, ::-1], -right
    rise = (
        smooth[steps * down :, steps * right :]
        - smooth[: len(smooth) - steps * down, : smooth.shape[1] - steps * right]
    )
    height = np.abs(rise)
    contrast = float(np.quantile(height[::2, ::2], 0.999))
    if contrast < _FLAT:
        return contrast, 0.0
    rows, columns = np.nonzero(height >= _HIGH * contrast)
    every = len(rows) // _EDGES + 1
    rows, columns = rows[::every], columns[::every]
    along = np.arange(steps + 1)
    profiles = smooth[rows[:, None] + down * along, columns[:, None] + right * along]
    steepest = (np.diff(profiles, axis=1) * np.sign(rise[rows, columns])[:, None]).max(axis=1)
    return contrast, float(np.quantile(steepest / height[rows, columns], 0.75))


def _along_edges(pixels: Any, down: int, right: int) -> Any:
    """Weighted mean of each pixel and its two neighbours across the direction: noise fades, edges across it stay."""
    if down == 0:
        return (pixels[:-2] + 2 * pixels[1:-1] + pixels[2:]) / 4
    if right == 0:
        return (pixels[:, :-2] + 2 * pixels[:, 1:-1] + pixels[:, 2:]) / 4
    beside = pixels[:-2, 2:] + pixels[2:, :-2] if right > 0 else pixels[:-2, :-2] + pixels[2:, 2:]
    return (beside + 2 * pixels[1:-1, 1:-1]) / 4


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation; metadata that cannot be read does not cost the picture."""
    try:
        return int(picture.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _grey(picture: Image.Image) -> Image.Image:
    """*picture* in 256 levels of grey, on white where it is transparent; on black if nothing is to be seen on white."""
    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture, dtype=np.float32)
        low, high = float(deep.min()), float(deep.max())
        return Image.fromarray(((deep - low) * (255 / max(high - low, 1.0))).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture.convert("L")
    layers = picture.convert("RGBA")
    alpha, grey = layers.getchannel("A"), layers.convert("L")
    for ground in (255, 0):
        shown = Image.composite(grey, Image.new("L", grey.size, ground), alpha)
        if np.ptp(np.asarray(shown)) >= _FLAT:
            break
    return shown
