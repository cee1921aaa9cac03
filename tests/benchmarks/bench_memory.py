"""R4: memory on a long crawl: peak, and how much it grows after warm-up.

Growth is the median of the slopes between all pairs of samples (Theil 1950, Sen 1968), which neither a page that comes and
goes nor the closing of the crawl moves; the peak has everything in it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import psutil

from tests.benchmarks.process import ROOT, served


def growth(samples: list[tuple[float, float]]) -> float:
    """MB a second."""
    seconds, megabytes = np.array(samples).T
    one, other = np.triu_indices(len(samples), 1)
    return float(np.median((megabytes[other] - megabytes[one]) / (seconds[other] - seconds[one])))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=50_000)
    options = parser.parse_args()
    samples: list[tuple[float, float]] = []
    with served("--pages", str(options.pages), "--page-bytes", "4000") as url, tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "DATA_DIR": data, "NETWORK_ALLOW": "127.0.0.0/8"}
        command = [sys.executable, "-m", "scrapy", "crawl", "site", "-a", f"url={url}", "-s", "EXPORTS="]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        watched, began = psutil.Process(process.pid), time.monotonic()
        while process.poll() is None:
            try:
                samples.append((time.monotonic() - began, watched.memory_info().rss / 2**20))
            except psutil.NoSuchProcess:
                break
            time.sleep(1)
        assert process.wait() == 0, f"the crawl ended with {process.returncode}"
    late = samples[len(samples) // 2 :]
    slope = growth(late) * samples[-1][0] / options.pages * 10_000
    peak = max(rss for _, rss in samples)
    print(f"R4: peak {peak:.0f} MB (target <= 300), {slope:+.2f} MB per 10,000 pages in the second half (target < 1)")
    return 0 if peak <= 300 and slope < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
