"""Pictures: size after orientation, type, a perceptual hash, and how sharp they are. Runs in the sandbox.

Sharpness is the mean of the strongest hundredth of the Laplacian's magnitudes, as a share of the picture's range of
grey: it asks how hard the hardest edges are, so that a flat graphic with few edges is sharp, and a picture without
one hard edge is blurred.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from crawlers.sandbox import Verdict

_PIXELS_MAX = 50_000_000
_SIDE = 512
_FLAT = 8.0
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
        difference hash, 16 hex digits) and ``sharpness`` (0: no edge, about 1 and more: hard edges).

    Raises:
        Verdict: bomb (more than 50 million pixels) or unreadable.
    """
    with Image.open(io.BytesIO(body)) as picture:
        kind = _TYPES.get(picture.format or "")
        if kind is None:
            raise Verdict("unreadable", f"expected one of {', '.join(_TYPES)}, got {picture.format}")
        width, height = picture.size
        if width * height > _PIXELS_MAX:
            raise Verdict("bomb", f"expected at most {_PIXELS_MAX:,} pixels, got {width} x {height}")
        orientation = picture.getexif().get(0x0112, 1)
        picture.draft("L", (_SIDE, _SIDE))
        grey = ImageOps.exif_transpose(picture).convert("L")
    if orientation in {5, 6, 7, 8}:
        width, height = height, width
    return {
        "media_type": kind,
        "width": width,
        "height": height,
        "perceptual_hash": difference_hash(grey),
        "sharpness": round(sharpness(grey), 4),
    }


def difference_hash(grey: Image.Image) -> str:
    """64 bits: whether each of 8 x 8 cells is brighter than its left neighbour."""
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (small[:, 1:] > small[:, :-1]).flatten()
    return np.packbits(bits).tobytes().hex()


def sharpness(grey: Image.Image) -> float:
    """How hard the hardest edges are, independent of size and contrast."""
    scale = _SIDE / max(grey.size)
    if scale < 1:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    pixels = np.asarray(grey, dtype=np.float32)
    if min(pixels.shape) < 3:
        return 0.0
    low, high = np.percentile(pixels, (0.5, 99.5))
    if high - low < _FLAT:
        return 0.0
    centre = pixels[1:-1, 1:-1]
    laplacian = np.abs(pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:] - 4 * centre)
    strongest = np.sort(laplacian, axis=None)[-max(1, laplacian.size // 100) :]
    return float(strongest.mean() / (high - low))
