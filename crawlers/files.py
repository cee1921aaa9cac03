"""Files that nobody ever reads half written: temporary name in the same folder, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from crawlers.errors import DiskFull, GristmillError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TEMPORARY = ".tmp-"
"""Part of every temporary name; what a killed process left is removed by the next writer of the same file."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, that takes the place of *path* when the block ends well, and vanishes when it does not.

    Raises:
        DiskFull: no space; names the folder.
        GristmillError: the folder cannot be written.
    """
    temporary = path.with_name(f"{path.name}{TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105
        sync_folder(path.parent)
    except OSError as exc:
        raise explained(exc, path) from exc
    finally:
        with contextlib.suppress(OSError):  # never there, or its folder is not one
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all. Errors as in :func:`replacing`."""
    with replacing(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Have a rename in *folder* survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(path: Path) -> None:
    """Remove temporary files for *path* of processes that no longer live."""
    prefix = f"{path.name}{TEMPORARY}"
    for other in path.parent.glob(f"{_literal(path.name)}{TEMPORARY}*"):
        pid = other.name.removeprefix(prefix).partition("-")[0]
        if pid.isdecimal() and not _is_alive(int(pid)):
            other.unlink(missing_ok=True)


def explained(exc: OSError, path: Path) -> GristmillError:
    """*exc* as an error that says what to do."""
    if exc.errno in _FULL:
        return DiskFull(
            f"no space left to write {path}: free some space in {path.parent} and run the same command again; "
            "what was there before is untouched"
        )
    return GristmillError(f"cannot write {path}: {exc.strerror or exc}; make {path.parent} a folder you may write to")


def _literal(name: str) -> str:
    """*name* as a glob pattern that matches only itself."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
