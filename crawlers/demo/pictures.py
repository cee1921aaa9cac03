"""Pictures drawn by rule and written as PNG with nothing but zlib: the same bytes on every machine."""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache

SIDE = 160
"""Width and height in pixels."""
_BLUR = 9
"""Radius of the box that a blurred picture is averaged over, in pixels; done twice."""

Colour = tuple[int, int, int]
Rows = list[list[Colour]]


@cache
def picture(name: str, *, blurred: bool = False, truncated: bool = False) -> bytes:
    """A PNG that belongs to *name* alone.

    Args:
        name: decides the shapes and colours.
        blurred: average it until no hard edge is left.
        truncated: leave out the second half of the file.
    """
    rows = _draw(random.Random(name))
    if blurred:
        for _ in range(2):
            rows = _transposed(_averaged(_transposed(_averaged(rows))))
    body = png(rows)
    return body[: len(body) // 2] if truncated else body


def png(rows: Rows) -> bytes:
    """Rows of red, green and blue as a PNG of 8 bits a channel (W3C PNG, third edition)."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    raw = b"".join(b"\x00" + bytes(channel for pixel in row for channel in pixel) for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(raw, 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _draw(rng: random.Random) -> Rows:
    """Rectangles and discs, dark on a light ground, as a catalogue has them."""
    ground = _colour(rng, 205, 250)
    rows = [[ground] * SIDE for _ in range(SIDE)]
    for _ in range(rng.randint(4, 7)):
        colour = _colour(rng, 10, 130)
        left, top = rng.randrange(10, SIDE - 60), rng.randrange(10, SIDE - 60)
        width, height = rng.randrange(16, 50), rng.randrange(16, 50)
        (_disc if rng.random() < 0.4 else _rectangle)(rows, left, top, width, height, colour)
    return rows


def _colour(rng: random.Random, low: int, high: int) -> Colour:
    return rng.randint(low, high), rng.randint(low, high), rng.randint(low, high)


def _rectangle(rows: Rows, left: int, top: int, width: int, height: int, colour: Colour) -> None:
    for row in rows[top : top + height]:
        row[left : left + width] = [colour] * width


def _disc(rows: Rows, left: int, top: int, width: int, height: int, colour: Colour) -> None:
    radius = min(width, height) // 2
    for y in range(-radius, radius + 1):
        half = int((radius * radius - y * y) ** 0.5)
        start = left + radius - half
        rows[top + radius + y][start : start + 2 * half] = [colour] * (2 * half)


def _averaged(rows: Rows) -> Rows:
    """Each pixel as the mean of those beside it in its row, by running sums."""
    out: Rows = []
    for row in rows:
        sums = [(0, 0, 0)]
        for red, green, blue in row:
            last = sums[-1]
            sums.append((last[0] + red, last[1] + green, last[2] + blue))
        line = []
        for x in range(len(row)):
            low, high = max(0, x - _BLUR), min(len(row), x + _BLUR + 1)
            count, first, last = high - low, sums[low], sums[high]
            line.append(((last[0] - first[0]) // count, (last[1] - first[1]) // count, (last[2] - first[2]) // count))
        out.append(line)
    return out


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]
