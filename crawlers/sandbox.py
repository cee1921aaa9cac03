"""Work on hostile bytes in processes that can be killed: limits on time and memory, and the parent never dies.

A worker is :mod:`crawlers.sandboxed` run as a program. The first answer of a worker tells that its libraries are loaded:
how busy the machine is does not count against the bytes, and time is that of the CPU.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import orjson

from crawlers.errors import ExtractionError

MEGABYTE = 1 << 20
_WORTH_WAITING = 1.0
"""Seconds that a call waits for a worker before another one is started, which takes up to as long."""
_ENVIRONMENT = frozenset({"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV"})


class Verdict(ExtractionError):
    """The work on a file was given up.

    Args:
        slug: timeout, memory, bomb, crash or unreadable.
        detail: one sentence for a person.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


class Sandbox:
    """A few workers, each started when those that are there are busy for longer than starting it takes.

    Args:
        workers: processes at most.
        seconds: of CPU time for one call; a worker that takes longer is killed by the system.
        patience: seconds by the clock for one call, and for a worker to start; then it is killed from here.
        memory: bytes of address space beyond what an idle worker has.
    """

    def __init__(
        self, workers: int = 1, seconds: int = 5, patience: float = 60.0, memory: int = 512 * MEGABYTE
    ) -> None:
        self._seconds = seconds
        self._patience = patience
        self._memory = memory
        self._workers = workers
        self._idle: list[subprocess.Popen[bytes]] = []
        self._all: set[subprocess.Popen[bytes]] = set()
        self._changed = threading.Condition()

    def call(self, function: str, body: bytes) -> Any:
        """``module:name`` applied to *body* in a worker; blocks until one is free. The result is what JSON can carry.

        Raises:
            Verdict: the function refused the bytes, or the worker died of them.
        """
        worker, is_new = self._worker()
        try:
            if is_new:
                self._ask(worker, function, None)
            answer = self._ask(worker, function, body)
        except BaseException:
            self._discard(worker)
            raise
        with self._changed:
            self._idle.append(worker)
            self._changed.notify_all()
        if "verdict" in answer:
            raise Verdict(answer["verdict"], answer["detail"])
        return answer["result"]

    def close(self) -> None:
        """End all workers."""
        for worker in list(self._all):
            self._discard(worker)

    def _worker(self) -> tuple[subprocess.Popen[bytes], bool]:
        """A worker that nobody else uses, and whether it was started for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._idle or not self._all, _WORTH_WAITING):
                self._changed.wait_for(lambda: self._idle or len(self._all) < self._workers)
            while self._idle:
                worker = self._idle.pop()
                if worker.poll() is None:
                    return worker, False
                self._discard(worker)
            return self._start(), True

    def _start(self) -> subprocess.Popen[bytes]:
        # Of our environment it gets what a program needs to start: no address of a database, no key.
        kept = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT or name.startswith("LC_")}
        environment = {
            **kept,
            "GRISTMILL_SANDBOX_MEMORY": str(self._memory),
            "GRISTMILL_SANDBOX_SECONDS": str(self._seconds),
            "OPENBLAS_NUM_THREADS": "1",  # numpy's threads for algebra would take a sixth of the time to start
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "crawlers.sandboxed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, start_new_session=True,
        )  # fmt: skip
        self._all.add(worker)
        return worker

    def _discard(self, worker: subprocess.Popen[bytes]) -> None:
        with self._changed:
            self._all.discard(worker)
            self._changed.notify_all()
        worker.kill()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        worker.wait()

    def _ask(self, worker: subprocess.Popen[bytes], function: str, body: bytes | None) -> dict[str, Any]:
        assert worker.stdin is not None
        assert worker.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            worker.kill()

        timer = threading.Timer(self._patience, end)
        timer.daemon = True
        timer.start()
        try:
            worker.stdin.write(orjson.dumps([function, None if body is None else len(body)]) + b"\n" + (body or b""))
            worker.stdin.flush()
            line = worker.stdout.readline()
        except OSError:
            line = b""
        finally:
            timer.cancel()
        if line:
            return orjson.loads(line)  # type: ignore[no-any-return]
        code = worker.wait()
        if late.is_set():
            raise Verdict("timeout", f"took longer than {self._patience:g} s")
        if code == -signal.SIGXCPU:
            raise Verdict("timeout", f"took longer than {self._seconds} s of CPU time")
        raise Verdict("crash", f"the worker died ({-code if code < 0 else code})")
