"""Rows of bytes in files: found by number, overwritten, over several files, without RAM that grows."""

from __future__ import annotations

import mmap
import random
from pathlib import Path

from crawlers.pipelines import filedrows, mapped
from crawlers.pipelines.filedrows import FiledRows
from tests.missing import missing

_STATM = Path("/proc/self/statm")


def test_rows_are_as_in_a_list_whatever_is_done_to_them(tmp_path, monkeypatch):
    monkeypatch.setattr(filedrows, "_LET_GO", 3)  # most are read from the file, and written again after RAM let go
    rng, expected, rows = random.Random(5), [], FiledRows(7, str(tmp_path), rows=10)
    for _ in range(400):
        if expected and rng.random() < 0.3:
            number = rng.randrange(len(expected))
            rows[number] = expected[number] = rng.randbytes(7)
        else:
            many = [rng.randbytes(7) for _ in range(rng.choice((1, 1, 3, 25)))]
            rows.append(b"".join(many))
            expected += many
        assert len(rows) == len(expected)
        number = rng.randrange(len(expected))
        assert rows[number] == expected[number]
    assert [rows[number] for number in range(len(rows))] == expected
    assert list(tmp_path.iterdir()) == []  # the files have no names: a killed process leaves none


def test_they_are_right_where_there_is_no_room_for_a_file_and_it_is_said(tmp_path, monkeypatch, caplog):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.tempfile, "TemporaryFile", full)
    rows = FiledRows(4, str(tmp_path), rows=10)
    rows.append(bytes(range(100)))
    assert rows[24] == bytes([96, 97, 98, 99])
    assert "kept in memory instead: [Errno 28] No space left on device" in caplog.text


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * mmap.PAGESIZE


def test_what_is_written_does_not_stay_in_memory(tmp_path):
    if not _STATM.exists():
        missing("/proc: the resident memory is read there")
    rows, row = FiledRows(64, str(tmp_path)), random.Random(1).randbytes(64)
    for _ in range(10_000):
        rows.append(row)
    before = _resident()
    for _ in range(200_000):  # 12.8 MB
        rows.append(row)
    assert _resident() - before < 2 * 2**20
    assert rows[150_000] == row
