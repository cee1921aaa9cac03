"""Bytes to text: which character encoding a page is in, and a decoding that never fails and never lies.

Labels are those of the WHATWG Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels), never Python's
codec names: ``zlib``, ``rot13`` or ``undefined`` in a header are no character encodings, whatever Python calls them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

if TYPE_CHECKING:
    from collections.abc import Callable

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META = re.compile(rb"""<meta\b[^>]{0,1000}?\bcharset\s*=\s*["']?\s*([\w.:+-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']([\w.:+-]{1,40})""")
_PARAMETER = re.compile(r"""\bcharset\s*=\s*["']?\s*([^\s"';,]{1,40})""", re.IGNORECASE)
_PRESCAN = 4096
"""Bytes searched for a declaration. The standard stops at 1,024; a quarter of the late ones stand in the next 3,072."""

_DETECTED = 128 * 1024
_SUPERSETS = {"gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "iso8859-11": "cp874"}
"""The standard's name to the Python codec that reads what browsers read under it."""

_SINGLE_BYTE = re.compile(r"cp(?:125\d|866|874)|iso8859|koi8|mac", re.IGNORECASE)
_EXTRA = {"x-mac-cyrillic": "mac_cyrillic", "x-mac-ukrainian": "mac_cyrillic", "hz-gb-2312": "hz", "cp437": "cp437"}
_EXTRA |= {name: name for name in (*_SUPERSETS.values(), "utf-16-le", "utf-16-be", "mac_cyrillic", "hz")}
"""Labels that the standard does not list, and our own answers, which are labels too."""
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(slots=True, frozen=True)
class Decoded:
    """A decoded body."""

    text: str
    """Without byte order mark, NUL and lone surrogates."""
    encoding: str
    """Name of the Python codec that read it."""
    replaced: bool
    """Whether undecodable bytes became U+FFFD."""
    valid: bool
    """Whether *text* is exactly the body without its byte order mark, read as UTF-8."""


def codec(label: str | None) -> str | None:
    """The Python codec for an encoding label of the web; None where the label names no character encoding."""
    if not label:
        return None
    name = label.strip().strip("\"'").lower()
    if name in _EXTRA:
        return _EXTRA[name]
    try:
        found = map_encoding_to_html5(name, False)
    except (ValueError, TypeError):
        return None
    return _SUPERSETS.get(found, found) if found else None


def declared(content_type: str | None) -> str | None:
    """The codec of a Content-Type header's charset parameter."""
    match = _PARAMETER.search(content_type) if content_type else None
    return codec(match.group(1)) if match else None


def in_document(body: bytes) -> str | None:
    """The codec that the document itself declares, in ``<?xml encoding>`` or ``<meta charset>``."""
    head = body[:_PRESCAN]
    for match in filter(None, (_XML.search(head), _META.search(head))):
        found = codec(match.group(1).decode("ascii", "replace"))
        if found:
            # A declaration that could be read byte by byte does not stand in UTF-16, whatever it says.
            return "utf-8" if found.startswith("utf-16") else found
    return None


def decode(body: bytes, known: str | None = None, content_type: str | None = None) -> Decoded:
    """Decode *body* by its byte order mark, the header, its own declaration, or what the bytes look like.

    A body with non-ASCII bytes that is valid UTF-8 is read as UTF-8 even where a single-byte encoding is declared:
    that a text in another encoding is valid UTF-8 by accident is very rare, servers that add a wrong charset are not.

    Args:
        body: the bytes, uncompressed.
        known: an encoding that the caller is sure of.
        content_type: the Content-Type header.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _read(body[len(mark) :], [name])
    candidates = [codec(known), declared(content_type)]
    if candidates[0] is None and (candidates[1] is None or _SINGLE_BYTE.match(candidates[1])):
        text = _utf8(body)
        if text is not None and (candidates[1] is None or not body.isascii()) and not _stateful(body):
            return _clean(text, "utf-8", replaced=False, valid=True)
    return _read(body, [name for name in candidates if name], in_document)


def _stateful(body: bytes) -> bool:
    """Whether an ASCII body may be in an encoding with escape sequences, or in UTF-16 without a mark."""
    return b"\x1b" in body[:_DETECTED] or b"\0" in body[:_PRESCAN]


def _utf8(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _read(body: bytes, candidates: list[str], last: Callable[[bytes], str | None] | None = None) -> Decoded:
    """Read with the first candidate that reads all of it; else with that of *last*; else the first, with replacements."""
    for name in dict.fromkeys(candidates):
        if (decoded := _strictly(body, name)) is not None:
            return decoded
    further = last(body) if last is not None else None
    if further is not None and further not in candidates:
        return _read(body, [*candidates, further])
    guessed = _guess(body)
    if not candidates and guessed == "utf-8" and body.decode("utf-8", "ignore").isascii():
        # Nothing says UTF-8 and no letter of it is whole: what browsers take where nothing is said
        # (https://html.spec.whatwg.org/#determining-the-character-encoding, step 8).
        guessed = "cp1252"
    if not candidates or guessed != "utf-8":
        if (decoded := _strictly(body, guessed)) is not None:
            return decoded
        candidates = candidates or [guessed]
    return _clean(body.decode(candidates[0], "replace"), candidates[0], replaced=True, valid=False)


def _strictly(body: bytes, name: str) -> Decoded | None:
    try:
        return _clean(body.decode(name), name, replaced=False, valid=name == "utf-8")
    except (UnicodeDecodeError, LookupError):
        return None


def _guess(body: bytes) -> str:
    head = body[:_PRESCAN]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # ASCII letters and markup in UTF-16 have their NULs in one place of each pair, and hardly any in the other.
    if len(head) >= 8 and max(even, odd) * 5 > len(head) and min(even, odd) * 8 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    if b"\x1b" not in body[:_DETECTED] and _utf8(body) is not None:
        return "utf-8"
    return codec(detect_encoding(body, _DETECTED)) or "utf-8"


def _clean(text: str, name: str, *, replaced: bool, valid: bool) -> Decoded:
    """Take out what no output format can carry."""
    if "\0" in text:
        text, valid = text.replace("\0", ""), False
    if not valid and has_surrogates(text):  # UTF-8 has none
        text, valid, replaced = _SURROGATES.sub("\ufffd", text), False, True
    return Decoded(text, name, replaced, valid)


def has_surrogates(text: str) -> bool:
    """Whether *text* has code points that no encoding can write."""
    try:
        text.encode()  # four to five times as fast as looking for them
    except UnicodeEncodeError:
        return True
    return False


def given(text: str, name: str | None) -> Decoded:
    """*text* that a caller decoded already, made safe to write."""
    return _clean(text, codec(name) or "utf-8", replaced=False, valid=False)
