"""P4: two crawl processes on one PostgreSQL ledger against one, on a site with several hosts."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time

from tests import databases
from tests.benchmarks.process import ROOT, served
from tests.flow import harness


def crawl(urls: list[str], workers: int, database: str, data: str) -> float:
    """Wall seconds until all workers are done."""
    command = [sys.executable, "-m", "scrapy", "crawl", "site", "-a", f"url={','.join(urls)}"]
    command += harness.settings(EXPORTS="", CONCURRENT_REQUESTS="8")
    environment = {**os.environ, "DATA_DIR": data, "NETWORK_ALLOW": "127.0.0.0/8", "DATABASE_URL": database}
    began = time.monotonic()
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(workers)
    ]
    codes = [process.wait() for process in processes]
    assert codes == [0] * workers, f"the workers ended with {codes}"
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=400, help="of each host")
    parser.add_argument("--hosts", type=int, default=6)
    options = parser.parse_args()
    with databases.postgresql() as server, contextlib.ExitStack() as stack:
        sites = [
            stack.enter_context(
                served(
                    "--pages", str(options.pages), "--seed", str(seed), "--topology", "shop", "--page-bytes", "20000"
                )
            )
            for seed in range(options.hosts)
        ]
        seconds = {}
        for workers in (1, 2):
            with server.database() as database, tempfile.TemporaryDirectory() as data:
                seconds[workers] = crawl(sites, workers, database, data)
    ratio = seconds[1] / seconds[2]
    print(
        f"P4: two workers are {ratio:.2f} x as fast as one (target >= 1.7): {seconds[1]:.1f} s and {seconds[2]:.1f} s"
    )
    return 0 if ratio >= 1.7 else 1


if __name__ == "__main__":
    sys.exit(main())
