"""Files that nobody ever reads half written: temporary name in the same folder, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import platform
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from crawlers.errors import DiskFull, GristmillError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HERE = hashlib.sha256(platform.node().encode()).hexdigest()[:6]  # process ids of another host say nothing here
TEMPORARY = ".tmp-"
"""Part of every temporary name; what a killed process left is removed by the next writer in the same folder."""


class Batch:
    """Files that take their places one after the other, once all of them are on disk. Made by :func:`together`."""

    def __init__(self) -> None:
        self._staged: list[tuple[Path, Path]] = []

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[BinaryIO]:
        """A file to write to, that will take the place of *path*. Errors as in :func:`replacing`."""
        temporary = path.with_name(f"{path.name}{TEMPORARY}{_HERE}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path.parent)
            self._staged.append((temporary, path))
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            raise explained(exc, path) from exc

    def write(self, path: Path, data: bytes) -> None:
        """Have *data* take the place of *path*."""
        with self.replacing(path) as file:
            file.write(data)

    def publish(self) -> None:
        """Rename all, in the order in which they were begun."""
        for temporary, path in self._staged:
            try:
                os.replace(temporary, path)  # noqa: PTH105
            except OSError as exc:
                raise explained(exc, path) from exc
        for folder in dict.fromkeys(path.parent for _, path in self._staged):
            try:
                sync_folder(folder)
            except OSError as exc:
                raise explained(exc, folder) from exc

    def discard(self) -> None:
        """Remove what was not renamed."""
        for temporary, _ in self._staged:
            with contextlib.suppress(OSError):  # never there, or its folder is not one
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def together() -> Iterator[Batch]:
    """Several files that appear when the block ends well; when it does not, all of them stay as they were."""
    batch = Batch()
    try:
        yield batch
        batch.publish()
    finally:
        batch.discard()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, that takes the place of *path* when the block ends well, and vanishes when it does not.

    Raises:
        DiskFull: no space; names the folder.
        GristmillError: the folder cannot be written.
    """
    with together() as batch, batch.replacing(path) as file:
        yield file


def write_atomically(path: Path, data: bytes) -> None:
    """Write *data* to *path*, whole or not at all. Errors as in :func:`replacing`."""
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread is in this block for *folder*; the end of a process ends its turn.

    Where the file system knows no locks, nobody waits.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as exc:
        raise explained(exc, folder) from exc
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Have a rename in *folder* survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files in *folder* of processes of this host that no longer live."""
    mark = f"{TEMPORARY}{_HERE}-"
    for other in folder.glob(f"*{mark}*"):
        pid = other.name.rpartition(mark)[2].partition("-")[0]
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


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
