"""Put first on PYTHONPATH, kills the process (or fails the call) at the n-th step that touches the disk.

``FAULT_AT``: number of the step, from 1; 0: none. ``FAULT_KIND``: ``kill`` or ``error`` (no space left).
``FAULT_COUNT``: a file that the number of steps is written to at the end.
"""

import atexit
import errno
import os
import signal
import sys
from pathlib import Path

_at = int(os.environ.get("FAULT_AT", "0"))
_kind = os.environ.get("FAULT_KIND", "kill")
_steps = 0


def _step(name):
    global _steps
    _steps += 1
    if _steps == _at:
        if _kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, f"no space left (step {_at}: {name})")


def _stepped(name, original):
    def call(*args, **kwargs):
        _step(f"before {name}")
        result = original(*args, **kwargs)
        if _kind == "kill":
            _step(f"after {name}")
        return result

    return call


for _name in ("fsync", "replace", "rename"):
    setattr(os, _name, _stepped(_name, getattr(os, _name)))


class _Finder:
    """Steps into SQLAlchemy's commit once it is imported; importing it here would slow every start."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "crawlers.ledger.database":
            from sqlalchemy.engine.default import DefaultDialect

            if _kind == "kill":
                DefaultDialect.do_commit = _stepped("commit", DefaultDialect.do_commit)
            sys.meta_path.remove(_Finder)


if os.environ.get("FAULT_COUNT") or _at:
    sys.meta_path.insert(0, _Finder)


def _write_count():
    Path(os.environ["FAULT_COUNT"]).write_text(str(_steps), encoding="ascii")


if os.environ.get("FAULT_COUNT"):
    atexit.register(_write_count)
