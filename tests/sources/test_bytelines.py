"""Lines are those of the text, whatever a line break is in bytes; together they are the file, byte for byte."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.sources.bytelines import ByteLines, NotLines

MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
# Letters with the byte of a line break in them, first or second, and with its bytes in the other order.
TEXT = st.text(alphabet="ab\r \u010a\u0a01\u0a0a\u0a00\u000b\U0001040a", max_size=8)


def read(data, limit=1 << 20, start=0):
    lines = ByteLines(io.BytesIO(data))
    lines.seek(start)
    return list(iter(lambda: lines.readline(limit), b""))


@settings(deadline=None)
@given(texts=st.lists(TEXT, max_size=6), encoding=st.sampled_from(sorted(MARKS)), end=st.sampled_from(["", "\n"]))
def test_lines_of_any_text(texts, encoding, end):
    text = "\n".join(texts) + end
    found = read(MARKS[encoding] + text.encode(encoding))
    expected = io.StringIO(text, newline="\n").readlines()
    assert [line.removeprefix(MARKS[encoding] if not n else b"").decode(encoding) for n, line in enumerate(found)] == (
        expected or ([""] if found else [])
    )


@settings(deadline=None)
@given(
    data=st.binary(max_size=60), mark=st.sampled_from([b"", *MARKS.values()]), limit=st.sampled_from([2, 4, 10, 100])
)
def test_no_byte_is_lost_nor_read_twice(data, mark, limit):
    try:
        found = read(mark + data, limit)
    except NotLines:
        return
    assert b"".join(found) == mark + data
    assert all(len(line) <= limit for line in found)
    start = len(b"".join(found[:2]))
    assert read(mark + data, limit, start) == found[2:]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_looks(encoding):
    lines = ByteLines(io.BytesIO('{"name": "Zoë"}\n'.encode(encoding)))
    assert (lines.encoding, lines.is_wide, lines.mark) == (encoding, True, b"")


@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", b"\xe4\n", b"\0" * 64, b'{"a": "\0"}\n' + b"plain text " * 9, b"\xff"]
)
def test_other_files_have_breaks_of_one_byte(data):
    lines = ByteLines(io.BytesIO(data))
    assert (lines.encoding, lines.is_wide) == ("", False)
    assert lines.utf8(data) is data


def test_a_mark_is_told_from_the_text():
    lines = ByteLines(io.BytesIO(codecs.BOM_UTF8 + b"a\n"))
    assert (lines.encoding, lines.mark, lines.sample, lines.is_wide) == ("utf-8", codecs.BOM_UTF8, b"a\n", False)


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
def test_utf_32_is_refused_with_what_to_do(encoding):
    with pytest.raises(NotLines, match="iconv -f utf-32"):
        ByteLines(io.BytesIO("\ufeffa,b\n".encode(encoding)))


@pytest.mark.parametrize("broken", [b"a\0\x00\xd8b\0", b"a\0b"])
def test_what_is_no_text_stays_none(broken):
    """Half a surrogate pair, half a unit."""
    lines = ByteLines(io.BytesIO(codecs.BOM_UTF16_LE + broken))
    with pytest.raises(UnicodeDecodeError):
        lines.utf8(broken).decode("utf-8")
