"""The program of a worker of :mod:`crawlers.sandbox`, with limits on time and memory.

It reads requests from standard input (a line of JSON with the function's name and the number of bytes, then the bytes) and
answers each with a line of JSON. It imports what the functions need and nothing else: with all of Scrapy it would
take three times as long to start.
"""

from __future__ import annotations

import importlib
import math
import os
import resource
import sys
from typing import Any

import orjson


class Refused(Exception):
    """A function of a worker gives up on its bytes; the caller gets a Verdict.

    Args:
        slug: bomb or unreadable.
        detail: one sentence for a person.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


def _serve() -> None:
    """Answer requests for as long as there are any."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints does not get between the answers
    seconds = int(os.environ["GRISTMILL_SANDBOX_SECONDS"])
    while line := source.readline():
        function, size = orjson.loads(line)
        module, _, name = function.partition(":")
        work = getattr(importlib.import_module(module), name)
        if size is None:
            _limit_memory(int(os.environ["GRISTMILL_SANDBOX_MEMORY"]))
            answer: dict[str, Any] = {"result": "ready"}
        else:
            body = source.read(size)
            _limit_time(seconds)
            answer = _answer(work, body)
        sink.write(orjson.dumps(answer) + b"\n")
        sink.flush()


def _answer(work: Any, body: bytes) -> dict[str, Any]:
    try:
        return {"result": work(body)}
    except Refused as exc:
        return {"verdict": exc.slug, "detail": exc.detail}
    except MemoryError:
        return {"verdict": "memory", "detail": "needs more memory than it may have"}
    except Exception as exc:
        return {"verdict": "unreadable", "detail": f"{type(exc).__name__}: {exc}"[:500]}


def _limit_memory(memory: int) -> None:
    """Allow *memory* bytes more than what is mapped now, once the libraries are loaded."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
    except FileNotFoundError:
        return  # macOS neither tells nor keeps to a limit of address space
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory, mapped + memory))


def _limit_time(seconds: int) -> None:
    """Let the system end this process when it has used *seconds* more of CPU time: even when nobody waits any more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    # By its name as a module: what a function refuses with is then the class that is caught here.
    importlib.import_module("crawlers.sandboxed")._serve()
