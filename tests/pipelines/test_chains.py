"""The table of keys beyond what is in RAM: files, filters, order, memory. What it finds is in test_deduplicate_index.py."""

from __future__ import annotations

import os
import random
import sys
import tempfile

import numpy as np
import psutil
import pytest

from crawlers.pipelines.chains import ChainedTable
from crawlers.pipelines.filedchains import FiledChains
from crawlers.pipelines.keyfilter import KeyFilter
from crawlers.pipelines.mapped import in_file, in_memory
from crawlers.pipelines.segments import Segments

WIDTH = 14


def keys_of(number: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 2**64, size=(number, WIDTH), dtype=np.uint64)


# --- the table ------------------------------------------------------------------------------------------------------


def test_rows_are_found_wherever_they_are():
    """One by one past several sizes of the table in RAM and of the file, in swarms of one key too."""
    rows = keys_of(9000)
    rows[::3, 5] = 77  # a swarm
    table = ChainedTable(WIDTH, newest=2039, filed=2039)
    numbers = [table.add(keys) for keys in rows.tolist()]
    assert numbers == list(range(9000))
    for number in range(0, 9000, 37):
        keys = rows[number].tolist()
        assert table.find(3, keys[3]) == [number]
        assert table.find_any(0, keys[:5], 9) == [number] * 5
    assert table.find(5, 77) == list(range(8997, -1, -3)), "the newest first, in RAM and in the file"
    assert table.find_any(5, [77], 1500) == list(range(8997, 8997 - 4500, -3))
    mixed = [8999, 0, 4000, 8990, 1]
    assert (table.lines(mixed, 2) == rows[mixed, 2:]).all()


def test_loaded_at_once_or_one_by_one_is_the_same():
    rows = keys_of(5000)
    rows[np.random.default_rng(2).random((5000, WIDTH)) < 0.1] = 0
    rows[::2, 1], rows[1::7, 2] = 5, 6
    one, other = ChainedTable(WIDTH, newest=1021), ChainedTable(WIDTH, filed=1021)
    for keys in rows[:700].tolist():
        one.add(keys)
        other.add(keys)
    for keys in rows[700:].tolist():
        one.add(keys)
    other.extend([rows[700:2000], rows[2000:2000], rows[2000:]])
    assert len(one) == len(other) == 5000
    for column, keys in enumerate(rows.T.tolist()):
        for key in {5, 6, *keys[::50]}:
            assert one.find(column, key) == other.find(column, key)


def test_rows_are_removed_from_the_file():
    rows = keys_of(3000)
    rows[:, 0] = 9
    table = ChainedTable(WIDTH, newest=1021)
    for keys in rows.tolist():
        table.add(keys)
    gone = random.Random(1).sample(range(3000), 1000)
    for number in gone:
        table.remove(number)
    assert len(table) == 2000
    assert table.find(0, 9) == sorted(set(range(3000)) - set(gone), reverse=True)
    assert all(table.find(4, int(rows[number, 4])) == [] for number in gone)
    again = [table.add(keys) for keys in rows[gone].tolist()]
    assert len(table) == 3000
    assert not {*again} & (set(range(3000)) - {*gone}), "no row that is there is overwritten"
    assert all(table.find(4, int(rows[old, 4])) == [new] for old, new in zip(gone, again, strict=True))


def test_files_that_are_full_are_not_touched_again():
    """A file is as large as it may be when the next one begins: nothing is ever moved but the rows of one file."""
    files = Segments(WIDTH, rows=1021)
    rows = keys_of(4000)
    files.extend([rows[:1500]])
    first, second = reversed(files.newest_first)
    assert (first.chains.size, second.chains.size, second.chains.capacity) == (1021, 479, 1021)
    files.extend([rows[1500:1600], rows[1600:]])
    assert files.newest_first[-1] is first
    assert files.newest_first[-2] is second
    assert [segment.chains.size for segment in files.newest_first] == [937, 1021, 1021, 1021]
    assert files.size == 4000
    assert all(files.find(3, int(rows[number, 3])) == [number] for number in range(0, 4000, 19))
    assert (files.lines([3999, 0, 1021, 1020]) == rows[[3999, 0, 1021, 1020]]).all()


def test_what_was_put_in_before_the_rows_ended_in_an_error_is_there():
    rows = keys_of(30)
    table = ChainedTable(WIDTH)

    def broken():
        yield rows[:10]
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="gone"):
        table.extend(broken())
    assert [table.add(keys) for keys in rows[10:].tolist()] == list(range(10, 30))
    assert [table.find(2, int(keys[2])) for keys in rows] == [[number] for number in range(30)]


def test_files_share_what_they_remember_of_rows():
    files = Segments(WIDTH, rows=1021)
    rows = keys_of(9000)
    files.extend([rows])
    assert all(files.find(1, int(rows[number, 1])) == [number] for number in range(0, 9000, 3))
    assert (files.lines(list(range(0, 9000, 7))) == rows[::7]).all()
    assert len(files._read) <= 1024


def test_the_first_file_is_as_small_as_the_rows_are_few():
    files = Segments(WIDTH)
    files.extend([keys_of(1000)])
    assert files.newest_first[0].chains.capacity == 1021
    assert all(files.find(3, int(keys[3])) for keys in keys_of(1000)), "what is remembered of rows"
    files.extend([keys_of(1000, seed=2)])
    assert all(files.find(3, int(keys[3])) == [number] for number, keys in enumerate(keys_of(1000)))
    assert [segment.chains.capacity for segment in files.newest_first] == [2039]
    assert files.find(0, int(keys_of(1)[0, 0])) == [0]


def test_a_row_in_the_file_takes_few_bytes_of_ram():
    table = ChainedTable(WIDTH)
    table.extend([keys_of(60_000)])
    assert table.nbytes / len(table) < 32
    for keys in keys_of(8000, seed=2).tolist():
        table.add(keys)
    assert table.nbytes < 32 * 60_000 + 2_500_000, "and the newest have a limit"


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is counted")
def test_what_is_read_takes_no_memory():
    rows = keys_of(200_000)
    table = ChainedTable(WIDTH)
    table.extend([rows[:100_000], rows[100_000:]])
    before = psutil.Process().memory_info().rss
    for keys in rows[::20].tolist():
        assert table.find_any(2, keys[2:], 64)
    grown = (psutil.Process().memory_info().rss - before) / 2**20
    assert grown < 8, f"all of the file, 47 MB, were read, and {grown:.0f} MB of it stayed"


# --- the filter -----------------------------------------------------------------------------------------------------


def test_the_filter_misses_nothing_and_hardly_ever_errs():
    rows, others = keys_of(8000), keys_of(2000, seed=2)
    rows[::2, 3] = 5
    rows[::5, 4] = 0
    known = KeyFilter(WIDTH, 8191)
    known.add(rows[:3000])
    known.add(rows[3000:])
    assert all(known.may_have(column, key) for keys in rows[::10].tolist() for column, key in enumerate(keys) if key)
    wrong = sum(known.may_have(column, key) for keys in others.tolist() for column, key in enumerate(keys))
    assert wrong / others.size < 0.07
    assert known.nbytes / len(rows) < 14.5


def test_the_filter_knows_in_which_column_a_key_is():
    known = KeyFilter(2, 1021)
    known.add(np.array([[5, 6]], dtype=np.uint64))
    assert [known.may_have(0, 5), known.may_have(1, 6)] == [True, True]
    assert [known.may_have(0, 6), known.may_have(1, 5)] == [False, False]


# --- the memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [in_file, in_memory])
def test_what_was_let_go_of_comes_back(make):
    memory = make(1 << 20)
    assert memory.mapping[:] == bytes(1 << 20)
    memory.mapping[500_000:500_005] = b"grist"
    assert memory.read(7, 499_999) == b"\0grist\0"
    memory.let_go()
    assert memory.mapping[499_999:500_006] == memory.read(7, 499_999) == b"\0grist\0"


def test_without_room_for_a_file_it_stays_in_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "is-not-there"))
    table = ChainedTable(WIDTH, newest=1021)
    rows = keys_of(3000)
    table.extend([rows])
    assert table.find(0, int(rows[5, 0])) == [5]


def test_the_file_is_where_the_data_is_and_not_among_temporary_ones(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "is-not-there"))
    memory = in_file(1 << 20, str(tmp_path))
    assert os.fstat(memory._descriptor).st_dev == tmp_path.stat().st_dev
    assert in_file(1 << 20, str(tmp_path / "nor-is-this"))._descriptor is None


def test_more_than_any_disk_and_memory_has():
    """A file of a size that no disk has: refused before anything is written, so a write to memory cannot fail later."""
    with pytest.raises((OSError, OverflowError)):
        in_memory(1 << 60)
    with pytest.raises((OSError, OverflowError)):
        in_file(1 << 60)


def test_nothing_is_left_on_the_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    chains = FiledChains(WIDTH, 1021)
    assert list(tmp_path.iterdir()) == []
    assert chains.nbytes == 0
