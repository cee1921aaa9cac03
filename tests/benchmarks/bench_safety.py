"""R13: the price of crash safety: one spider on our ledger and on Scrapy's own scheduler, in one run.

On loopback without latency the CPU counts, at 50 ms latency the wall time; start-up is taken off both, by a run on one page.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.process import measure, served
from tests.flow import harness


def run(kind: str, pages: int, latency: float, log: Path):
    options = ["--pages", str(pages), "--page-bytes", "20000", "--latency", str(latency), "--prebuild"]
    with served(*options) as url, tempfile.TemporaryDirectory() as data:
        if kind == "plain":
            command = [sys.executable, "-m", "tests.benchmarks.plain_scrapy", url]
        else:
            command = [sys.executable, "-m", "scrapy", "crawl", "pages", "-a", f"url={url}"]
            command += harness.settings(**harness.PLAIN, EXPORTS="", CAPTURE_ENABLED="False")
        usage = measure(command, log, DATA_DIR=data, NETWORK_ALLOW="127.0.0.0/8")
        assert usage.code == 0, f"{command} ended with {usage.code}: see {log}"
        return usage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    log = Path(tempfile.mkstemp(suffix=".log")[1])
    cpu, wall = [], []
    for _ in range(options.rounds):
        costs = {}
        for kind in ("plain", "ledger"):
            costs[kind] = run(kind, options.pages, 0.0, log).cpu - run(kind, 1, 0.0, log).cpu
        cpu.append(costs["ledger"] / costs["plain"])
        slow = {
            kind: run(kind, options.pages, 0.05, log).wall - run(kind, 1, 0.05, log).wall
            for kind in ("plain", "ledger")
        }
        wall.append(slow["ledger"] / slow["plain"])
    price = statistics.median(cpu) - 1
    longer = statistics.median(wall) - 1
    print(f"R13: {price:+.0%} CPU on loopback (target <= +20 %), {longer:+.1%} wall at 50 ms (target <= +2 %)")
    return 0 if price <= 0.20 and longer <= 0.02 else 1


if __name__ == "__main__":
    sys.exit(main())
