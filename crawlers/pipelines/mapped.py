"""Memory in a temporary file: what is hardly ever read need not stay in RAM, yet is written as if it were there."""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
import weakref
from pathlib import Path

logger = logging.getLogger(__name__)

_PIECE = 1 << 20


class Memory:
    """A piece of memory, in a file or not.

    Args:
        mapping: its bytes.
        descriptor: of the file that they are in; closed with this object.
    """

    def __init__(self, mapping: mmap.mmap, descriptor: int | None = None) -> None:
        self.mapping = mapping
        self._descriptor = descriptor
        if descriptor is not None:
            weakref.finalize(self, os.close, descriptor)

    def __len__(self) -> int:
        """Bytes."""
        return len(self.mapping)

    def read(self, nbytes: int, offset: int) -> bytes:
        """*nbytes* from *offset* on. From a file without mapping them, which would cost five times as much, and RAM."""
        if self._descriptor is None:
            return self.mapping[offset : offset + nbytes]
        return os.pread(self._descriptor, nbytes, offset)

    def let_go(self) -> None:
        """Have the pages of a file no longer count as this process's; they come back when the mapping is read.

        Linux keeps them in its page cache for as long as nobody needs the room. What was changed is not lost.
        """
        if self._descriptor is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapping.madvise(mmap.MADV_DONTNEED)


def in_memory(nbytes: int) -> Memory:
    """*nbytes* of zeros that take no RAM before they are written to."""
    return Memory(mmap.mmap(-1, nbytes))


def in_file(nbytes: int, folder: str | None = None) -> Memory:
    """*nbytes* of zeros in a file that has no name and is gone with the memory; in RAM where there is no room for one.

    The file is in *folder* where that is there, else among the system's temporary files, which may be in RAM. The room is taken at once. A file with holes would be a trap: when the disk is full, a write to memory ends the process.
    """
    if not hasattr(os, "pread"):
        return in_memory(nbytes)
    try:
        with tempfile.TemporaryFile(
            prefix="gristmill-index-", dir=folder if folder and Path(folder).is_dir() else None
        ) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                for _ in range(-(-nbytes // _PIECE)):
                    file.write(bytes(_PIECE))
                file.flush()
            return Memory(mmap.mmap(file.fileno(), nbytes), os.dup(file.fileno()))
    except OSError as exc:
        logger.warning("A temporary file of %d MB is kept in memory instead: %s", -(-nbytes // _PIECE), exc)
        return in_memory(nbytes)
