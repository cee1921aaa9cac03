"""Run the real command as a subprocess, kill it when one likes, and read what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PLAIN = {
    # Only what a record passes between spider and ledger: the pages of these tests are alike on purpose.
    "ITEM_PIPELINES": json.dumps({"crawlers.pipelines.store.StorePipeline": 900}),
    "SPIDER_MODULES": "tests.flow.spiders",
    "SPIDER_LOADER_CLASS": "scrapy.spiderloader.SpiderLoader",
}


@dataclass
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def __str__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out[-3000:]}\n{self.err[-6000:]}"


def start(data: Path, *args: str, cwd: Path = ROOT, **environment: str) -> subprocess.Popen[str]:
    """``scrapy *args`` with DATA_DIR at *data*, loopback allowed."""
    env = {**os.environ, "DATA_DIR": str(data), "NETWORK_ALLOW": "127.0.0.0/8", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", *args],
        cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(data: Path, *args: str, timeout: float = 120, cwd: Path = ROOT, **environment: str) -> Result:
    """Run to the end."""
    began = time.monotonic()
    process = start(data, *args, cwd=cwd, **environment)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"scrapy {' '.join(args)} hung for {timeout} s\n{out[-2000:]}\n{err[-6000:]}") from None
    return Result(process.returncode, out, err, time.monotonic() - began)


def run_and_kill(data: Path, *args: str, when: Callable[[], bool], timeout: float = 60, **environment: str) -> bool:
    """Run, and ``kill -9`` as soon as *when* holds. Whether it was still alive to be killed."""
    process = start(data, *args, **environment)
    deadline = time.monotonic() + timeout
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if when():
                process.send_signal(signal.SIGKILL)
                process.communicate()
                return True
            time.sleep(0.001)
        if process.poll() is None:
            raise AssertionError(f"scrapy {' '.join(args)} did not reach the moment to be killed in {timeout} s")
        process.communicate()
        return False
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def settings(**values: str) -> list[str]:
    """As ``-s NAME=value`` arguments."""
    return [part for name, value in values.items() for part in ("-s", f"{name}={value}")]


def records(data: Path, source: str) -> list[dict]:
    """What the exported file holds."""
    return [json.loads(line) for line in (data / source / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def states(data: Path, **environment: str) -> dict[str, int]:
    """State to number of requests, of all crawls in the ledger."""
    url = environment.get("DATABASE_URL") or f"sqlite:///{data / 'gristmill.db'}"
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as conn:
        found = conn.exec_driver_sql("SELECT state, count(*) FROM requests GROUP BY state")
        return {row[0]: row[1] for row in found}


def ledger_is_sound(data: Path, **environment: str) -> None:
    """``scrapy ledger check`` finds nothing."""
    result = run(data, "ledger", "check", **environment)
    assert result.code == 0, result
