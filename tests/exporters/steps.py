"""Exports once for each step that touches the disk, each time in a process that is killed at that step.

``python -m tests.exporters.steps <database url> <folder>``: every ``<folder>/<n>`` is a copy of ``<folder>/before``
in which an export was killed at its n-th step; ``<folder>/whole`` one in which it was not.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from crawlers.exporters.materialise import materialise
from crawlers.ledger.database import open_database


def export(url: str, folder: Path, at: int) -> None:
    """Export into *folder*, killed at the step *at* (0: not at all). Runs in a child; never returns."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if done == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def stepped(original):
        def call(*args):
            step()
            result = original(*args)
            step()
            return result

        return call

    for name in ("fsync", "replace"):
        setattr(os, name, stepped(getattr(os, name)))
    database = open_database(url)
    materialise(database, "shop", "label-studio", folder)
    os._exit(0)


def main(url: str, root: Path) -> None:
    at = 0
    while True:
        folder = root / (str(at) if at else "whole")
        shutil.copytree(root / "before", folder)
        child = os.fork()
        if child == 0:
            export(url, folder, at)
        _, status = os.waitpid(child, 0)
        if at and os.WIFEXITED(status):
            shutil.rmtree(folder)
            return
        at += 1


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
