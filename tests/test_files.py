"""A file is whole or not there: whatever fails, what was there before stays."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from crawlers import files
from crawlers.errors import DiskFull, GristmillError
from crawlers.files import alone_in, replacing, together, write_atomically


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


def temporary(path, pid, host=files._HERE):
    return path.with_name(f"{path.name}.tmp-{host}-{pid}-abcd")


def test_what_a_killed_writer_left_is_removed_and_a_living_one_left_alone(tmp_path):
    path = tmp_path / "records[1].jsonl"
    dead, alive = temporary(path, 999999999), temporary(path, os.getpid())
    other = temporary(tmp_path / "a run's report.json", 999999999)
    elsewhere = temporary(path, 999999999, host="000000")
    plain = tmp_path / "notes.tmp-old"
    for leftover in (dead, alive, other, elsewhere, plain):
        leftover.write_bytes(b"half")
    write_atomically(path, b"x")
    assert not dead.exists()
    assert alive.exists()
    assert not other.exists(), "a run's own files have names that no later run writes again"
    assert plain.exists(), "somebody else's"
    assert elsewhere.exists(), "a process of another host may still be writing it"


KILLED = """
import resource, signal, sys
from pathlib import Path
from crawlers.files import replacing
signal.signal(signal.SIGXFSZ, getattr(signal, sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with replacing(Path(sys.argv[1])) as file:
    for _ in range(50):
        file.write(b"y" * 10_000)
"""


def limited(path, action):
    """Write to *path* in a process whose files may have 100,000 bytes."""
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(path), action],
        cwd=files.__file__.rpartition("/crawlers/")[0], capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_killed_by_the_system_in_the_middle_of_a_write(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")
    assert limited(path, "SIG_DFL").returncode == -signal.SIGXFSZ
    assert path.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2, "the half of it is there, under another name"
    write_atomically(path, b"after")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"after"]


def test_no_space_in_the_middle_of_a_write(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"before")
    result = limited(path, "SIG_IGN")
    assert f"DiskFull: no space left to write {path}: free some space in {tmp_path}" in result.stderr
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"before"]


STEPS = ["fsync", "fsync", "replace", "replace", "fsync"]


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_two_files_stay_as_they_were_until_both_are_on_disk(tmp_path, monkeypatch, step):
    first, second = tmp_path / "a", tmp_path / "b"
    for path in (first, second):
        write_atomically(path, b"before")
    done = []

    def failing(name, original):
        def call(*args):
            done.append(name)
            if len(done) == step + 1:
                raise OSError(errno.ENOSPC, "no space")
            return original(*args)

        return call

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, failing(name, getattr(os, name)))

    def write():
        with together() as batch:
            batch.write(first, b"after")
            batch.write(second, b"after")

    with pytest.raises(DiskFull):
        write()
    assert done == STEPS[: step + 1]
    found = (first.read_bytes(), second.read_bytes())
    assert found == (b"before" if step < 3 else b"after", b"before" if step < 4 else b"after")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_one_at_a_time_is_alone_in_a_folder(tmp_path):
    inside, seen = [], []

    def enter():
        with alone_in(tmp_path / "folder"):
            inside.append(1)
            seen.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 5


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GristmillError, match="cannot write"), alone_in(tmp_path / "file" / "folder"):
        raise AssertionError("unreachable")
