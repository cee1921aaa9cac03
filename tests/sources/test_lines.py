"""Rows and lines come out as they stand in the file, from any place in it; what is broken costs no more than itself."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.sources import bytelines, lines
from crawlers.sources.bytelines import NotLines
from crawlers.sources.lines import csv_rows, json_lines

CELLS = st.lists(
    st.lists(st.text(alphabet='ab,;"\n\r\t ä', max_size=6), min_size=3, max_size=3).filter(any), max_size=12
)


def read(reader, data, pieces=None):
    """All lines; with *pieces*, by beginning anew after each that many."""
    if pieces is None:
        return list(reader(io.BytesIO(data)))
    found, start, number = [], 0, 1
    while True:
        piece = []
        for line in reader(io.BytesIO(data), start, number):
            piece.append(line)
            if len(piece) == pieces:
                break
        if not piece:
            return found
        found += piece
        start, number = piece[-1].end, piece[-1].next_number


def written(rows, delimiter=",", header=("x", "y", "z"), end="\n", **more):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, delimiter=delimiter, **more)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def cells(found):
    return [list(line.row.values()) for line in found]


# --- CSV ------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(rows=CELLS, pieces=st.integers(1, 5), delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(["\n", "\r\n"]))
def test_csv_with_anything_in_its_cells(rows, pieces, delimiter, end):
    data = written(rows, delimiter, end=end, quoting=csv.QUOTE_ALL).encode("utf-8-sig")
    whole = read(csv_rows, data)
    assert cells(whole) == rows
    assert read(csv_rows, data, pieces) == whole


@settings(deadline=None)
@given(data=st.binary(max_size=200), pieces=st.integers(1, 3))
def test_any_bytes_are_read_to_the_end_and_alike_in_pieces(data, pieces):
    for reader in (csv_rows, json_lines):
        try:
            whole = read(reader, data)
        except NotLines:
            continue
        assert read(reader, data, pieces) == whole
        assert all(line.row is not None or line.error for line in whole)
        numbers = [line.number for line in whole]
        assert numbers == sorted(set(numbers))


@settings(deadline=None)
@given(rows=CELLS, delimiter=st.sampled_from(",;\t|"))
def test_csv_with_marks_only_where_they_are_needed(rows, delimiter):
    rows = [[cell.replace("\r", "") or "-" for cell in row] for row in rows]
    assert cells(read(csv_rows, written(rows, delimiter).encode())) == rows


def test_lines_that_end_in_a_carriage_return_alone_are_refused():
    with pytest.raises(NotLines, match="first line"):
        read(csv_rows, b"a,b\r1,2\r")


def test_rows_know_their_first_line():
    data = b'x,y\n1,"a\nb"\n\n2,c\n'
    assert [(line.number, line.next_number) for line in read(csv_rows, data)] == [(2, 4), (5, 6)]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_that_of_the_first_line(delimiter):
    data = written([("1,5", "a;b", "c|d\te")], delimiter, ("a", "b,;", "c"), quoting=csv.QUOTE_ALL).encode()
    assert cells(read(csv_rows, data)) == [["1,5", "a;b", "c|d\te"]]


def test_the_line_that_spreadsheets_write_names_the_delimiter():
    found = read(csv_rows, b"sep=;\r\na,x;b\r\n1;2\r\n")
    assert [line.row for line in found] == [{"a,x": "1", "b": "2"}]


def test_columns_without_a_name_or_with_the_same_lose_nothing():
    [line] = read(csv_rows, b"a,,a, b \n1,2,3,4\n")
    assert line.row == {"a": "1", "column_2": "2", "a_3": "3", "b": "4"}


def test_a_file_with_one_column():
    assert cells(read(csv_rows, b"name\nMiller\n\nSmith\n")) == [["Miller"], ["Smith"]]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a,b\n", b"\xef\xbb\xbf"])
def test_a_file_without_rows(data):
    assert read(csv_rows, data) == []


def test_rows_of_another_width():
    found = read(csv_rows, b"id;name\n1;one\n2;two;three\n3;drei\n4\n")
    assert [line.row for line in found] == [{"id": "1", "name": "one"}, None, {"id": "3", "name": "drei"}, None]
    assert [(line.number, line.error, line.raw) for line in found if line.error] == [
        (3, "expected 2 columns, got 3", "2;two;three"),
        (5, "expected 2 columns, got 1", "4"),
    ]


@pytest.mark.parametrize("pieces", [None, 1, 2])
def test_a_missing_quotation_mark_costs_one_line(pieces):
    data = b'id,name\n1,a\n2,"b\n3,c\n4,d\n'
    found = read(csv_rows, data, pieces)
    assert [line.row and line.row["id"] for line in found] == ["1", None, "3", "4"]
    assert (found[1].number, found[1].raw) == (3, '2,"b')
    assert "none closes it" in found[1].error


def test_a_missing_quotation_mark_far_from_the_end_costs_one_line(monkeypatch):
    monkeypatch.setattr(lines, "ROW_MAX", 1000)
    data = b'id,name\n1,a\n2,"b\n' + b"".join(b"%d,c\n" % n for n in range(3, 500))
    found = read(csv_rows, data)
    assert [int(line.row["id"]) for line in found if line.row] == [1, *range(3, 500)]
    assert [line.number for line in found if line.error] == [3]


def test_a_line_without_end_costs_itself(monkeypatch):
    monkeypatch.setattr(lines, "ROW_MAX", 1000)
    found = read(csv_rows, b"id,name\n1,a\n2," + b"b" * 5000 + b"\n3,c\n")
    assert [line.row and line.row["id"] for line in found] == ["1", None, "3"]
    assert "at most 1,000 bytes" in found[1].error


def test_a_file_that_was_cut_in_a_cell():
    found = read(csv_rows, b'id,name\n1,a\n2,"b')
    assert [line.error for line in found] == ["", "a quotation mark opens here and none closes it"]


def test_quotation_marks_in_the_middle_of_a_cell_are_letters():
    assert cells(read(csv_rows, b'a,b\n5" pipe,x\n')) == [['5" pipe', "x"]]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_encodings_of_csv(encoding):
    text = "name,town\n" + "Jürgen Groß,Köln\nRenée Lefèvre,Orléans\n" * 20
    found = read(csv_rows, text.encode(encoding))
    assert cells(found)[:2] == [["Jürgen Groß", "Köln"], ["Renée Lefèvre", "Orléans"]]
    assert not any(line.guessed for line in found)


@pytest.mark.parametrize("name", ["Zoë", "José", "5 € für Renée", "naïve café"])
def test_a_few_letters_in_windows_1252_are_not_lost(name):
    data = b"id,name\n" + b"1,plain\n" * 50 + f"2,{name}\n".encode("cp1252")
    last = read(csv_rows, data)[-1]
    assert (last.row, last.guessed) == ({"id": "2", "name": name}, False)
    assert read(csv_rows, data.removesuffix(b"\n"))[-1].row == last.row


def test_a_broken_byte_does_not_make_another_encoding_of_utf_8():
    found = read(csv_rows, "id,name\n1,Zoë\n".encode() + b"2,Jos\xc3\n" + "3,Renée\n".encode())
    assert [(line.row["name"], line.guessed) for line in (found[0], found[2])] == [("Zoë", False), ("Renée", False)]
    assert found[1].guessed


def test_a_sample_that_ends_inside_a_character_is_still_utf_8(monkeypatch):
    monkeypatch.setattr(bytelines, "_SAMPLE", 11)
    assert cells(read(csv_rows, "a,b\n12345,ä\n".encode())) == [["12345", "ä"]]


def test_one_line_in_another_encoding_is_guessed_and_said(monkeypatch):
    monkeypatch.setattr(bytelines, "_SAMPLE", 64)
    data = b"id,name\n" + b"1,plain\n" * 20 + "2,Müller\n".encode("cp1252")
    last = read(csv_rows, data)[-1]
    assert (last.row, last.guessed) == ({"id": "2", "name": "Müller"}, True)


WIDE = ("utf-16-le", "utf-16-be")


def wide(text, encoding):
    return f"\ufeff{text}".encode(encoding)


@settings(deadline=None)
@given(rows=CELLS, pieces=st.integers(1, 5), encoding=st.sampled_from(WIDE), end=st.sampled_from(["\n", "\r\n"]))
def test_csv_in_utf_16_with_anything_in_its_cells(rows, pieces, encoding, end):
    rows = [[f"{cell}\u010a\u0a01" for cell in row] for row in rows]
    data = wide(written(rows, "\t", end=end, quoting=csv.QUOTE_ALL), encoding)
    whole = read(csv_rows, data)
    assert cells(whole) == rows
    assert not any(line.guessed for line in whole)
    assert read(csv_rows, data, pieces) == whole


@pytest.mark.parametrize("encoding", WIDE)
def test_csv_in_utf_16_without_a_mark(encoding):
    found = read(csv_rows, "sep=;\nname;town\nRenée;Orléans\n".encode(encoding), 1)
    assert [line.row for line in found] == [{"name": "Renée", "town": "Orléans"}]


@pytest.mark.parametrize("pieces", [None, 1])
def test_a_missing_quotation_mark_in_utf_16_costs_one_line(monkeypatch, pieces):
    monkeypatch.setattr(lines, "ROW_MAX", 1000)
    data = wide('id,name\n1,a\n2,"b\n' + "".join(f"{n},c\n" for n in range(3, 500)), "utf-16-le")
    found = read(csv_rows, data, pieces)
    assert [int(line.row["id"]) for line in found if line.row] == [1, *range(3, 500)]
    assert [(line.number, line.raw) for line in found if line.error] == [(3, '2,"b')]


def test_half_a_pair_in_utf_16_is_replaced_and_said():
    data = wide("id,name\n1,a\n2,", "utf-16-le") + b"\x00\xd8" + "\n3,c\n".encode("utf-16-le")
    assert [(line.row["name"], line.guessed) for line in read(csv_rows, data)] == [
        ("a", False),
        ("\ufffd", True),
        ("c", False),
    ]


@pytest.mark.parametrize("reader", [csv_rows, json_lines])
def test_utf_32_is_refused(reader):
    with pytest.raises(NotLines, match="UTF-32"):
        read(reader, "a,b\n1,2\n".encode("utf-32"))


# --- JSON lines -----------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(rows=st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=10), pieces=st.integers(1, 4))
def test_what_was_written_is_read(rows, pieces):
    data = "".join(json.dumps(row) + "\n" for row in rows).encode("utf-8-sig")
    found = read(json_lines, data)
    assert [line.row for line in found] == rows
    assert [line.number for line in found] == list(range(1, len(rows) + 1))
    assert read(json_lines, data, pieces) == found


@settings(deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=10), pieces=st.integers(1, 4),
    encoding=st.sampled_from(WIDE), escaped=st.booleans(),
)  # fmt: skip
def test_what_was_written_in_utf_16_is_read(rows, pieces, encoding, escaped):
    data = wide("".join(json.dumps(row, ensure_ascii=escaped) + "\n" for row in rows), encoding)
    found = read(json_lines, data)
    assert [line.row for line in found] == rows
    assert read(json_lines, data, pieces) == found


def test_broken_lines_in_utf_16_keep_their_place():
    pair, unit = b"\x00\xd8", b"\x01"
    data = (
        wide('{"id": 1}\n{"a": \n{"a": "', "utf-16-le")
        + pair
        + '"}\n{"id": 2}\n\n{"id": 3}\n'.encode("utf-16-le")
        + unit
    )
    found = read(json_lines, data)
    assert [(line.number, line.row) for line in found] == [
        (1, {"id": 1}), (2, None), (3, None), (4, {"id": 2}), (6, {"id": 3}), (7, None),
    ]  # fmt: skip
    assert found[1].raw == '{"a": '
    assert found == read(json_lines, data, 1)


def test_blank_lines_are_counted_and_passed_over():
    found = read(json_lines, b'\xef\xbb\xbf\n{"a": 1}\n  \r\n{"a": 2}')
    assert [(line.number, line.row["a"]) for line in found] == [(2, 1), (4, 2)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a": ', "end"),
        (b"[1]", "expected an object, got list"),
        (b"null", "expected an object, got NoneType"),
        (b'{"a": NaN}', ""),
        (b"\xff\xfe", ""),
        (b'{"a": "\xe4"}', ""),
        (b'{"a": "\\ud800"}', ""),
    ],
)
def test_broken_lines_keep_their_place(line, said):
    found = read(json_lines, b'{"id": 1}\n' + line + b'\n{"id": 2}\n')
    assert [item.row for item in found] == [{"id": 1}, None, {"id": 2}]
    assert found[1].number == 2
    assert found[1].error
    assert said in found[1].error
    assert found[1].raw == line.decode("utf-8", "replace")


def test_numbers_that_are_too_long_for_a_machine_word_are_kept_to_the_last_digit():
    [line] = read(json_lines, b'{"id": 123456789012345678901234567890, "n": [18446744073709551616], "f": 0.1}')
    assert line.row == {"id": "123456789012345678901234567890", "n": ["18446744073709551616"], "f": 0.1}


@pytest.mark.parametrize("size", [90, 100, 101, 205, 350])
@pytest.mark.parametrize("encoding", WIDE)
def test_a_line_in_utf_16_that_is_too_long_is_one_broken_line(monkeypatch, size, encoding):
    monkeypatch.setattr(lines, "LINE_MAX", 100)
    data = wide('{"id": 1}\n{"a": "' + "\u010a" * (size // 2 - 9) + '"}\n{"id": 2}\n', encoding)
    found = read(json_lines, data)
    assert [item.row and item.row.get("id", "long") for item in found] == [1, "long" if size < 100 else None, 2]
    assert found == read(json_lines, data, 1)


@pytest.mark.parametrize("size", [90, 100, 101, 205, 350])
def test_a_line_that_is_too_long_is_one_broken_line(monkeypatch, size):
    monkeypatch.setattr(lines, "LINE_MAX", 100)
    long = b'{"a": "' + b"x" * (size - 9) + b'"}'
    found = read(json_lines, b'{"id": 1}\n' + long + b'\n{"id": 2}\n')
    assert [item.number for item in found] == [1, 2, 3]
    assert [item.row["id"] for item in (found[0], found[2])] == [1, 2]
    assert (found[1].row is None) == (size >= 100)
    assert found == read(json_lines, b'{"id": 1}\n' + long + b'\n{"id": 2}\n', 1)
