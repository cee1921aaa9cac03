"""Which processes of this machine are alive: so that a killed worker's leases come back at once, not when they expire."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path

_START_TIME = 19  # field 22 of /proc/<pid>/stat, counted from the one after the process's name


@lru_cache(maxsize=1)
def machine() -> str:
    """Where a process id counts: this host since it booted, and the process namespace (containers have their own)."""
    boot = namespace = "-"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        pass  # not Linux: the host's name has to do
    return f"{socket.gethostname()}/{boot}/{namespace}"


def started(pid: int) -> str | None:
    """When the system started process *pid*, in its own count; None where it does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[_START_TIME]


def is_alive(pid: int, start: str | None) -> bool:
    """Whether process *pid* of this machine lives and is the one that was started at *start*.

    A zombie is dead: it only waits for its parent to take note.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and somebody else's
    now = started(pid)
    if start is not None and now is not None and now != start:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except OSError:
        return False
