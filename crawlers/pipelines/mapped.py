"""Memory in a temporary file: what is hardly ever read need not stay in RAM, yet is read as if it were there."""

from __future__ import annotations

import mmap
import os
import tempfile

_PIECE = 1 << 20


def in_file(nbytes: int) -> mmap.mmap:
    """*nbytes* of zeros in a file that has no name and is gone with the mapping; in memory where there is no room.

    The room is taken at once. A file with holes would be a trap: when the disk is full, a write to memory ends the process.
    """
    try:
        with tempfile.TemporaryFile(prefix="gristmill-index-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, nbytes)
            else:
                for _ in range(-(-nbytes // _PIECE)):
                    file.write(bytes(_PIECE))
                file.flush()
            return mmap.mmap(file.fileno(), nbytes)
    except OSError:
        return in_memory(nbytes)


def in_memory(nbytes: int) -> mmap.mmap:
    """*nbytes* of zeros that take no RAM before they are written to."""
    return mmap.mmap(-1, nbytes)


def let_go(mapping: mmap.mmap) -> None:
    """Have the pages of an :func:`in_file` mapping no longer count as this process's; they come back when read.

    Linux keeps them in its page cache for as long as nobody needs the room. What was changed is not lost.
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
