"""R1, R2, R12: the crash tests in their whole form: kills at random moments, faults at every step that touches the disk.

Runs the tests of ``tests/flow`` with many seeds; a violation is a failed test, shown with its seed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from tests.benchmarks.process import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--pages", type=int, default=600)
    parser.add_argument("--no-faults", action="store_true", help="leave out the faults at every step")
    options = parser.parse_args()
    environment = {
        **os.environ,
        "GRISTMILL_CRASH_SEEDS": str(options.seeds),
        "GRISTMILL_CRASH_KILLS": str(options.kills),
        "GRISTMILL_CRASH_PAGES": str(options.pages),
        "GRISTMILL_FAULTS_WHOLE": "1",
    }
    tests = ["tests/flow/test_crash.py"] + ([] if options.no_faults else ["tests/flow/test_faults.py"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--timeout", "3600", *tests]
    began = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    runs = f"{options.seeds} seeds x 2 topologies x 2 databases x {options.kills} kills"
    print(
        f"R1/R2: {runs}: {'0 violations' if code == 0 else 'VIOLATIONS, see above'} in {time.monotonic() - began:.0f} s"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
