"""Decompression with an end: at most so many bytes come out, however little went in. Pure functions.

Output is taken in small pieces and counted before it is kept, so that a bomb costs its cap and no more. Half a page
looks like a page: a stream that ends in its middle is an error, unless the caller takes what there was, as browsers do.
(zstd does not tell whether a frame is at its end.)
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _optional(name: str) -> Any:
    """A package that Scrapy brings and a project may take out; None where it is not there."""
    try:
        return import_module(name)
    except ImportError:  # pragma: no cover
        return None


brotli = _optional("brotli")
zstandard = _optional("zstandard")

PIECE = 256 * 1024
_CHUNK = 64 * 1024
_MEMBERS_MAX = 10_000
_FLUSHED = b"\x00\x00\xff\xff"  # zlib's, after all that was said so far; some servers leave it at that
_WINDOW_MAX = 8 * 1024 * 1024  # RFC 9659: a decoder need not accept more in HTTP


class TooLarge(ValueError):
    """More came out than was allowed."""


class Damaged(ValueError):
    """What came in is not what its label says."""


class Cut(Damaged):
    """What came in ends, or breaks, in its middle."""


def _zlib(data: bytes, wbits: int) -> Iterator[bytes]:
    """The members of a zlib or gzip stream, one after the other."""
    unpacker = zlib.decompressobj(wbits)
    position, members, chunk = 0, 1, b""
    while True:
        if not chunk:  # in chunks, because what zlib did not consume is copied each time
            chunk, position = data[position : position + _CHUNK], position + _CHUNK
            if not chunk:
                break
        yield unpacker.decompress(chunk, PIECE)
        chunk = unpacker.unconsumed_tail
        if unpacker.eof:
            chunk = unpacker.unused_data
            if len(chunk) < 2:
                chunk, position = chunk + data[position : position + _CHUNK], position + _CHUNK
            members += 1
            if wbits != 31 or not chunk.startswith(b"\x1f\x8b") or members > _MEMBERS_MAX:
                return  # bytes after the last member: padding, or a server's mistake
            unpacker = zlib.decompressobj(wbits)
    while piece := unpacker.decompress(b"", PIECE):
        yield piece
    if not (data.endswith(_FLUSHED) or _at_end(unpacker)):
        raise EOFError("the stream has no end")


def _at_end(unpacker: Any) -> bool:
    """Whether all was said; the checksum after it, which some servers leave out, may be missing.

    What comes next is read as that checksum, and found wrong, only at the end of the data. Bits of one kind alone end some blocks.
    """
    return unpacker.eof or all(_reads_checksum(unpacker.copy(), byte) for byte in (b"\x00", b"\xff"))


def _reads_checksum(unpacker: Any, byte: bytes) -> bool:
    try:
        for _ in range(8):
            if unpacker.decompress(byte):
                return False
    except zlib.error as exc:
        return "check" in str(exc)  # "incorrect data check", "incorrect length check"
    return bool(unpacker.eof)


def _gzip(data: bytes) -> Iterator[bytes]:
    return _zlib(data, 31)


def _deflate(data: bytes) -> Iterator[bytes]:
    """A zlib stream as the standard says, or the bare deflate stream that some servers send."""
    try:
        zlib.decompressobj().decompress(data[:64], 1)
    except zlib.error:
        return _zlib(data, -15)
    return _zlib(data, 15)


def _brotli(data: bytes) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    piece = unpacker.process(data, output_buffer_limit=PIECE)
    while piece or not unpacker.can_accept_more_data():
        yield piece
        if unpacker.is_finished():
            return
        piece = unpacker.process(b"", output_buffer_limit=PIECE)
    if not unpacker.is_finished():
        raise EOFError("the stream has no end")


def _zstd(data: bytes) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_MAX)
    reader: Any = unpacker.stream_reader(data, read_across_frames=True)
    while piece := reader.read(PIECE):
        yield piece


_UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
if brotli is not None:
    _UNPACKERS["br"] = _brotli
if zstandard is not None:
    _UNPACKERS["zstd"] = _zstd

CODINGS: tuple[str, ...] = tuple(coding for coding in ("gzip", "deflate", "br", "zstd") if coding in _UNPACKERS)
"""Content codings that can be unpacked here, as Accept-Encoding has them."""

LAYERS_MAX = 3
"""Codings one inside the other that are unpacked; honest servers use one."""

_ERRORS: tuple[type[Exception], ...] = (
    zlib.error,
    EOFError,
    *((brotli.error,) if brotli is not None else ()),
    *((zstandard.ZstdError,) if zstandard is not None else ()),
)


def unpack(data: bytes, codings: list[str], limit: int, *, cut: bool = False, partial: bool = False) -> bytes:
    """Undo *codings* (in the order they were applied).

    Args:
        data: the body as sent.
        codings: values of Content-Encoding, in lower case.
        limit: bytes that may come out of all layers together.
        cut: give the first *limit* bytes that come out, of each layer, instead of raising TooLarge or Cut.
        partial: give what there is of a stream that ends or breaks in its middle, instead of raising Cut.

    Raises:
        TooLarge: more than *limit* bytes came out.
        Cut: a stream ends or breaks in its middle.
        Damaged: an unknown coding, too many of them, or bytes that are not in it from the start.
    """
    if len(codings) > LAYERS_MAX:
        raise Damaged(f"expected at most {LAYERS_MAX} content codings, got {len(codings)}")
    left = limit
    for coding in reversed(codings):
        if coding in {"identity", ""}:
            continue
        if coding not in _UNPACKERS:
            raise Damaged(f"expected one of {', '.join(CODINGS)}, got {coding!r}")
        data = _layer(data, coding, left, cut=cut, partial=partial or cut)
        left -= 0 if cut else len(data)
    return data


def _layer(data: bytes, coding: str, limit: int, *, cut: bool, partial: bool) -> bytes:
    out = bytearray()
    try:
        for piece in _UNPACKERS[coding](data):
            if len(out) + len(piece) > limit:
                if cut:
                    return bytes(out + piece[: limit - len(out)])
                out.clear()  # the exception's traceback keeps this frame for as long as anybody looks at it
                raise TooLarge(f"more than {limit} bytes came out of {len(data)} bytes of {coding}")
            out += piece
    except _ERRORS as exc:
        if not out and data and not isinstance(exc, EOFError):
            raise Damaged(f"the body is not {coding}: {exc}") from exc
        if not partial:
            read = len(out)
            out.clear()
            raise Cut(f"the body is {coding} that ends or breaks after {read} bytes of what is in it: {exc}") from exc
    return bytes(out)
