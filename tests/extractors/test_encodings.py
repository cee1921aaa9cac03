"""Decoding: the right text for the label, and some text for every label and every byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.extractors.encodings import codec, declared, decode, in_document
from crawlers.extractors.encodings import given as already

GERMAN = "Größe: 12 €, schön – «ja»"
JAPANESE = "日本語のページです。" * 20
RUSSIAN = "Чайник свистит слишком рано, что делать? " * 5
NO_ENCODINGS = ["zlib", "rot13", "rot_13", "undefined", "unknown", "hex", "base64", "bz2", "uu", "idna", "punycode",
                "unicode_escape", "raw_unicode_escape", "mbcs", "oem", "utf-7", "none", "", " ", "utf8mb4", "x" * 500, "\0"]  # fmt: skip


@pytest.mark.parametrize("label", NO_ENCODINGS)
@pytest.mark.parametrize("text", [GERMAN, JAPANESE, "plain"])
def test_a_label_that_names_no_encoding_loses_nothing(label, text):
    body = text.encode()
    found = decode(body, content_type=f"text/html; charset={label}")
    assert (found.text, found.encoding, found.replaced) == (text, "utf-8", False)


@pytest.mark.parametrize("label", NO_ENCODINGS)
def test_labels_of_python_are_no_labels_of_the_web(label):
    assert codec(label) in {None, "utf-8"}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("UTF-8", "utf-8"),
        (" utf8 ", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("ascii", "cp1252"),
        ("windows-1251", "cp1251"),
        ("shift-jis", "cp932"),
        ("x-sjis", "cp932"),
        ("gb2312", "gb18030"),
        ("gbk", "gb18030"),
        ("big5", "big5hkscs"),
        ("ks_c_5601-1987", "cp949"),
        ("'euc-jp'", "euc_jp"),
    ],
)
def test_labels_mean_what_browsers_make_of_them(label, name):
    found = codec(label)
    assert found is not None
    assert "".encode(found) == b""
    assert found.replace("-", "").replace("_", "") == name.replace("-", "").replace("_", "")


@pytest.mark.parametrize(
    ("text", "encoding", "label"),
    [
        (GERMAN, "cp1252", "iso-8859-1"),
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp"),
        ("电热水壶，两升" * 9, "gb18030", "gb2312"),
        ("電熱水壺" * 9, "big5", "big5"),
    ],
)
def test_the_declared_encoding_reads(text, encoding, label):
    body = text.encode(encoding)
    assert decode(body, content_type=f"text/html; charset={label}").text == text
    assert decode(f'<meta charset="{label}">'.encode() + body).text.endswith(text)


@pytest.mark.parametrize(
    "label",
    [
        "utf8",
        "latin1",
        "gbk",
        "gb2312",
        "sjis",
        "euc-kr",
        "big5",
        "tis-620",
        "koi8-u",
        "macintosh",
        "iso-2022-jp",
        "euc-jp",
        "x-mac-cyrillic",
        "utf-16le",
        "hz-gb-2312",
        "windows-1254",
        "iso-8859-8-i",
    ],
)
def test_the_codec_of_a_codec_is_itself(label):
    name = codec(label)
    assert name is not None
    assert codec(name) == name
    "".encode(name)


def test_the_header_comes_before_the_document():
    body = b'<meta charset="koi8-r">' + RUSSIAN.encode("cp1251")
    assert decode(body, content_type='text/html; charset="windows-1251"').text.endswith(RUSSIAN)


@pytest.mark.parametrize("wrong", ["iso-8859-1", "windows-1251", "koi8-r"])
def test_valid_utf8_wins_over_a_single_byte_label(wrong):
    found = decode(GERMAN.encode(), content_type=f"text/html; charset={wrong}")
    assert (found.text, found.valid) == (GERMAN, True)


def test_a_mark_wins_over_everything():
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        found = decode(mark + GERMAN.encode(name), "cp1252", "text/html; charset=koi8-r")
        assert (found.text, found.encoding) == (GERMAN, name)


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_seen(name):
    page = f"<html><body><p>{'An ordinary page. ' * 20}</p></body></html>"
    assert decode(page.encode(name)).text == page


def test_a_document_that_says_utf_16_but_can_be_read_is_utf_8():
    assert in_document(b'<meta charset="utf-16">') == "utf-8"


@pytest.mark.parametrize(
    "head",
    [
        '<?xml version="1.0" encoding="windows-1251"?><html>',
        "<meta charset=windows-1251>",
        "<META CHARSET='Windows-1251'>",
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        "<!-- " + "x" * 2000 + ' --><meta charset="windows-1251">',
    ],
)
def test_the_document_declares_in_many_ways(head):
    assert in_document(head.encode()) == "cp1251"
    assert decode(head.encode() + RUSSIAN.encode("cp1251")).text.endswith(RUSSIAN)


def test_an_unusable_declaration_is_passed_over():
    assert in_document(b'<?xml version="1.0" encoding="zlib"?><meta charset="koi8-r">') == "koi8-r"
    assert declared("text/html") is None
    assert declared("text/html; charset=") is None
    assert declared(None) is None


def test_what_cannot_be_read_is_replaced_and_said():
    found = decode(b"abc \xff\xfe\xfd def \x81", content_type="text/html; charset=utf-8")
    assert found.text
    if "\ufffd" in found.text:
        assert found.replaced


def test_what_no_format_carries_is_taken_out():
    found = decode(b"a\0b")
    assert (found.text, found.valid) == ("ab", False)
    marked = already("a\ud800b\0", "no such codec")
    assert (marked.text, marked.encoding, marked.replaced) == ("a\ufffdb", "utf-8", True)


@given(st.binary(max_size=300), st.one_of(st.none(), st.text(max_size=20)), st.one_of(st.none(), st.text(max_size=20)))
def test_every_body_is_text_whatever_its_labels(body, known, charset):
    found = decode(body, known, None if charset is None else f"text/html; charset={charset}")
    found.text.encode()
    assert "\0" not in found.text
    assert not body.strip(b"\0\xef\xbb\xbf\xff\xfe") or found.text or b"\x1b" in body or len(body) < 4
    if found.valid:
        assert found.text.encode() == body.removeprefix(b"\xef\xbb\xbf")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_utf_8_comes_back_as_it_was(text):
    body = text.encode()
    if not text.startswith("\ufeff"):
        assert decode(body, content_type="text/html; charset=utf-8").text == text


@pytest.mark.parametrize("body", [b"Zo\xeb wrote.", b"caf\xe9", b"a \x96 b"])
def test_a_few_letters_of_a_single_byte_encoding_are_read_where_nothing_is_declared(body):
    decoded = decode(body)
    assert "\ufffd" not in decoded.text
    assert not decoded.replaced


def test_broken_utf8_is_still_utf8_where_some_of_it_is_declared():
    assert decode("Zoë ".encode() * 20 + b"\xff", content_type="text/html; charset=utf-8").replaced
