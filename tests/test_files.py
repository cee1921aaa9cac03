"""A file is whole or not there: whatever fails, what was there before stays."""

from __future__ import annotations

import errno
import os

import pytest

from crawlers.errors import DiskFull, GristmillError
from crawlers.files import replacing, write_atomically


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(("code", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, GristmillError)])
def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch, step, code, error):
    path = tmp_path / "file"
    write_atomically(path, b"before")

    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(error, match=str(path)):
        write_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_writer_changes_nothing(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")

    def fail():
        with replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_and_a_file_in_the_way_is_said(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "file", b"x")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"x"
    with pytest.raises(GristmillError, match="cannot write"):
        write_atomically(tmp_path / "a" / "b" / "file" / "c", b"x")


def test_what_a_killed_writer_left_is_removed_and_a_living_one_left_alone(tmp_path):
    path = tmp_path / "records[1].jsonl"
    dead = tmp_path / f"{path.name}.tmp-999999999-abcd"
    alive = tmp_path / f"{path.name}.tmp-{os.getpid()}-abcd"
    other = tmp_path / "records1.jsonl.tmp-999999999-abcd"
    for leftover in (dead, alive, other):
        leftover.write_bytes(b"half")
    write_atomically(path, b"x")
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()
