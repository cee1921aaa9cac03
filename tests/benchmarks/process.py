"""CPU of whole commands: what a process and its children used, with start-up taken off by a run on one page."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Usage:
    """What one command used."""

    cpu: float
    """Seconds of user and system time, children included."""
    wall: float
    """Seconds."""
    rss: float
    """Peak resident memory in MB."""
    code: int
    """Exit code."""


def measure(command: list[str], log: Path, **environment: str) -> Usage:
    """Run *command* to its end; its output goes to *log*."""
    began = time.monotonic()
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024, process.returncode)


@contextlib.contextmanager
def served(*options: str) -> Iterator[str]:
    """The tests' site as a process of its own; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server", "--port", "0", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
