"""Media types: magic bytes before headers, headers before looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.mediatypes import effective, is_svg, magic

PNG, PDF, ZIP = b"\x89PNG\r\n\x1a\n....", b"%PDF-1.7\n", b"PK\x03\x04..."


@pytest.mark.parametrize(
    ("declared", "body", "found"),
    [
        ("text/html", b"<html>", "text/html"),
        ("text/html", PNG, "image/png"),
        ("text/html", PDF, "application/pdf"),
        ("image/jpeg", PNG, "image/png"),
        ("application/octet-stream", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("", b"GIF89a...", "image/gif"),
        ("", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        ("", b"\0\0\0\x20ftypavif", "image/avif"),
        ("", b"\0\0\0\x20ftypisom", "video/mp4"),
        ("audio/mp4", b"\0\0\0\x20ftypM4A ", "video/mp4"),
        ("video/quicktime", b"\0\0\0\x20ftypqt  ", "video/quicktime"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP,
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("application/epub+zip", ZIP, "application/epub+zip"),
        ("text/plain", ZIP, "application/zip"),
        ("text/plain", b"<html>", "text/plain"),
        ("application/json", b"{}", "application/json"),
        ("", b"  \n<!DOCTYPE html><p>x", "text/html"),
        ("", b"\xef\xbb\xbf<!doctype HTML>", "text/html"),
        ("", b"<!-- a --><html>", "text/html"),
        ("unknown/unknown", b"<p>x", "text/html"),
        ("", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "application/xhtml+xml"),
        ("", b'<?xml version="1.0"?><!-- x --><rss>', "application/xml"),
        ("", b"<?xml version='1.0'?>", "application/xml"),
        ("", b' {"a": 1}', "application/json"),
        ("", b"[1]", "application/json"),
        ("", b"Just words.", "text/plain"),
        ("", b"", "text/plain"),
        ("", b"\x01\x02\x03", "application/octet-stream"),
        ("", b"\xff\xfea\0b\0", "text/plain"),
    ],
)  # fmt: skip
def test_the_effective_type(declared, body, found):
    assert effective(declared, body) == found


@given(st.binary(max_size=200), st.sampled_from(["", "text/html", "image/png", "application/octet-stream"]))
def test_there_is_always_a_type(body, declared):
    found = effective(declared, body)
    assert found.count("/") == 1
    proven = magic(body)
    assert proven is None or found.partition("/")[0] in {proven.partition("/")[0], declared.partition("/")[0]}


@given(st.binary(max_size=100))
def test_what_the_bytes_prove_does_not_depend_on_what_follows(body):
    assert magic(PNG + body) == "image/png"
    assert magic(PDF + body) == "application/pdf"


@pytest.mark.parametrize(
    ("body", "svg"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", True), (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<svg/>", True),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x'><SVG:svg/>", True), (b"<html><svg/></html>", False),
        (b"\x89PNG\r\n\x1a\n", False), (b"", False),
    ],
)  # fmt: skip
def test_drawings_are_known_by_their_root(body, svg):
    assert is_svg(body) is svg
