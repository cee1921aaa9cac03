"""Decompression: everything that was packed comes out, and never more than the limit."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from crawlers.middlewares.unpack import CODINGS, Cut, Damaged, TooLarge, unpack
from tests.misbehaviours import bomb_bytes

LIMIT = 4 << 20


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def test_what_is_asked_for_can_be_unpacked() -> None:
    assert set(CODINGS) == {"gzip", "deflate", "br", "zstd"}


@pytest.mark.parametrize("coding", PACK)
@given(data=st.binary(max_size=2000) | st.binary(min_size=1, max_size=8).map(lambda part: part * 100_000))
def test_what_was_packed_comes_out(coding: str, data: bytes) -> None:
    assert unpack(PACK[coding](data), [coding], LIMIT) == data


@given(st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "identity"]), max_size=3), st.binary(max_size=500))
def test_layers_are_undone_from_the_outside_in(codings: list[str], data: bytes) -> None:
    packed = data
    for coding in codings:
        packed = packed if coding == "identity" else PACK[coding](packed)
    assert unpack(packed, codings, LIMIT) == data


@pytest.mark.parametrize("size", [0, 1, 63, 64 * 1024, 256 * 1024, 256 * 1024 + 1, 1_000_000])
def test_bare_deflate_as_some_servers_send_it(size: int) -> None:
    data = bytes(i * 7 % 251 for i in range(size))
    assert unpack(bare_deflate(data), ["deflate"], LIMIT) == data


def test_several_members_and_frames_come_out_as_one() -> None:
    assert unpack(gzip.compress(b"a" * 9) + gzip.compress(b"b") + b"\0\0", ["gzip"], LIMIT) == b"a" * 9 + b"b"
    packed = PACK["zstd"](b"a") + PACK["zstd"](b"b")
    assert unpack(packed, ["zstd"], LIMIT) == b"ab"


def test_incompressible_bytes_larger_than_a_chunk() -> None:
    import random

    data = random.Random(1).randbytes(3_000_000)
    for coding, pack in PACK.items():
        assert unpack(pack(data), [coding], LIMIT) == data


@pytest.mark.parametrize("coding", PACK)
def test_exactly_the_limit_is_allowed_and_one_more_is_not(coding: str) -> None:
    packed = PACK[coding](b"x" * 100_000)
    assert len(unpack(packed, [coding], 100_000)) == 100_000
    with pytest.raises(TooLarge, match="more than 99999 bytes"):
        unpack(packed, [coding], 99_999)


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "zstd", "nested"])
def test_the_beginning_is_given_where_that_is_asked_for(kind: str) -> None:
    codings = ["gzip", "gzip"] if kind == "nested" else [kind]
    assert len(unpack(bomb_bytes(kind), codings, 300_000, cut=True)) == 300_000
    assert unpack(gzip.compress(b"short"), ["gzip"], 300_000, cut=True) == b"short"


@pytest.mark.parametrize("kind", ["gzip", "deflate", "br", "zstd", "nested"])
def test_a_gigabyte_costs_no_more_than_the_limit(kind: str) -> None:
    codings = ["gzip", "gzip"] if kind == "nested" else [kind]
    with pytest.raises(TooLarge):
        unpack(bomb_bytes(kind), codings, LIMIT)


def test_the_limit_is_of_all_layers_together() -> None:
    inner = gzip.compress(bytes(range(256)) * 4000, 0)
    with pytest.raises(TooLarge):
        unpack(gzip.compress(inner), ["gzip", "gzip"], len(inner) + 1000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_there_was_of_a_body_that_was_cut_off(coding: str) -> None:
    data = b"".join(b"%d, " % n for n in range(200_000))
    packed = PACK[coding](data)
    out = unpack(packed[: len(packed) // 2], [coding], LIMIT, partial=True)
    assert data.startswith(out)
    assert out


@pytest.mark.parametrize("left", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_a_body_that_was_cut_off_is_told(coding: str, left: float) -> None:
    packed = PACK[coding](b"".join(b"%d, " % n for n in range(200_000)))
    with pytest.raises(Cut, match=f"the body is {coding} that ends or breaks after [0-9]+ bytes"):
        unpack(packed[: int(len(packed) * left)], [coding], LIMIT)


@pytest.mark.parametrize("missing", range(1, 9))
def test_a_missing_checksum_is_no_cut(missing: int) -> None:
    assert unpack(gzip.compress(b"all of it")[:-missing], ["gzip"], LIMIT) == b"all of it"


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_a_stream_that_was_flushed_and_not_ended_is_no_cut(wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(b"all of it" * 100) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert unpack(packed, ["gzip" if wbits == 31 else "deflate"], LIMIT) == b"all of it" * 100


@pytest.mark.parametrize("size", [10, 11])
def test_a_cut_before_the_first_byte_is_a_cut(size: int) -> None:
    packed = gzip.compress(b"x" * 1000)[:size]
    with pytest.raises(Cut):
        unpack(packed, ["gzip"], LIMIT)
    assert unpack(packed, ["gzip"], LIMIT, partial=True) == b""


@given(st.binary(max_size=300), st.data())
def test_a_cut_is_told_wherever_it_is(data: bytes, drawn: st.DataObject) -> None:
    packed = gzip.compress(data)
    left = drawn.draw(st.integers(11, len(packed)))
    if left >= len(packed) - 8:
        assert unpack(packed[:left], ["gzip"], LIMIT) == data
        return
    with pytest.raises(Damaged):
        unpack(packed[:left], ["gzip"], LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_body_that_is_something_else_is_damaged(coding: str) -> None:
    with pytest.raises(Damaged, match=f"the body is not {coding}"):
        unpack(b"<html>\xff\xff\xff plainly not packed at all</html>", [coding], LIMIT)


def test_unknown_codings_and_too_many_layers_are_refused() -> None:
    with pytest.raises(Damaged, match="expected one of gzip, deflate, br, zstd, got 'lzma'"):
        unpack(b"x", ["lzma"], LIMIT)
    with pytest.raises(Damaged, match="at most 3 content codings, got 4"):
        unpack(b"x", ["gzip"] * 4, LIMIT)


def test_a_window_larger_than_http_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(b"x" * 1000) + packer.flush()
    with pytest.raises(Damaged):
        unpack(packed, ["zstd"], LIMIT)


def test_a_million_empty_members_end() -> None:
    assert unpack(gzip.compress(b"") * 100_000, ["gzip"], LIMIT) == b""


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.binary(max_size=300))
def test_no_bytes_break_it(coding: str, data: bytes) -> None:
    with suppress(Damaged, TooLarge):
        assert len(unpack(data, [coding], 10_000)) <= 10_000
