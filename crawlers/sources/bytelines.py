"""The lines of a file as bytes, from any place in it: also where a line break is two bytes and not one.

In UTF-16 the byte of a line break is a part of other letters too (U+010A, all of U+0A00 to U+0AFF), so that a line ends
only where the whole unit is one. Offsets stay those of bytes in the file: they are what a crawl goes on by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawlers.extractors import encodings

if TYPE_CHECKING:
    from typing import BinaryIO

_SAMPLE = 64 * 1024
_UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class NotLines(ValueError):
    """The file as a whole cannot be read by lines."""


class ByteLines:
    """A file by lines.

    Args:
        file: open for reading bytes.

    Attributes:
        sample: the beginning of the file, without its byte order mark.
        is_cut: whether the sample is not the whole file, so that its end may be inside of a character.
        mark: its byte order mark, with which the first line begins; empty where there is none.
        encoding: name of the codec that its mark tells, or UTF-16 where it looks like that; else empty.
        is_wide: whether a line break is two bytes.

    Raises:
        NotLines: the file is UTF-32.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        head = file.read(_SAMPLE)
        if head.startswith(_UTF32):
            raise NotLines(
                "expected UTF-8, UTF-16 or an older encoding, got UTF-32; convert it first: iconv -f utf-32 -t utf-8"
            )
        self.mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
        self.sample = head.removeprefix(self.mark)
        self.is_cut = len(head) == _SAMPLE
        self.encoding = _MARKS[self.mark] if self.mark else _unmarked(head)
        self.is_wide = self.encoding.startswith("utf-16")
        self._break = "\n".encode(self.encoding or "ascii")
        file.seek(0)

    def seek(self, offset: int) -> None:
        """Go to the byte *offset*, where a line begins."""
        self._file.seek(offset)

    def readline(self, limit: int) -> bytes:
        """The next line with its break, or the first *limit* bytes of it, an even number; empty at the end."""
        if not self.is_wide:
            return self._file.readline(limit)
        line = bytearray()
        while part := self._file.readline(limit - len(line)):
            line += part
            if len(line) % 2:
                line += self._file.read(1)
            if len(line) >= limit or self.is_whole(line):
                break
        return bytes(line)

    def is_whole(self, line: bytes | bytearray) -> bool:
        """Whether *line* ends with a line break."""
        return line.endswith(self._break) and not (self.is_wide and len(line) % 2)

    def utf8(self, line: bytes) -> bytes:
        """*line* in UTF-8, where it is UTF-16. What is no text there becomes what is none here, so that a reader sees it."""
        if not self.is_wide:
            return line
        text = line[: len(line) // 2 * 2].decode(self.encoding, "surrogatepass")
        return text.encode("utf-8", "surrogatepass") + (b"\xff" if len(line) % 2 else b"")


def _unmarked(head: bytes) -> str:
    """UTF-16 where a file without a mark looks like that; no text in another encoding has a NUL in it."""
    name = encodings.decode(head).encoding if b"\0" in head else ""
    return name if name.startswith("utf-16") else ""
