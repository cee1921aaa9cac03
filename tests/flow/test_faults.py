"""A small job killed, or out of disk, at each step that touches the disk: run again, it ends as if nothing had been."""

from __future__ import annotations

import json
import os

import pytest

from tests.flow import harness
from tests.flow.test_crash import crawl_args
from tests.server import Site

FAULTS = str(harness.ROOT / "tests" / "flow" / "faults")
WHOLE = bool(os.environ.get("GRISTMILL_FAULTS_WHOLE"))


@pytest.fixture(scope="module")
def site():
    with Site(pages=3) as site:
        yield site


def run(data, site, **faults):
    path = os.pathsep.join([FAULTS, str(harness.ROOT)])
    return harness.run(data, *crawl_args(site), PYTHONPATH=path, **faults)


@pytest.fixture(scope="module")
def undisturbed(site, tmp_path_factory):
    """What one run gives, and in how many steps of each kind."""
    found = {}
    for kind in ("kill", "error"):
        data = tmp_path_factory.mktemp(kind)
        result = run(data, site, FAULT_KIND=kind, FAULT_COUNT=str(data / "steps"))
        assert result.code == 0, result
        found[kind] = (int((data / "steps").read_text()), files(data))
    return found


def files(data):
    """The exported files by name, as bytes."""
    return {
        path.name: path.read_bytes()
        for path in sorted((data / "pages").iterdir())
        if path.is_file() and not path.name.endswith(".manifest.json")
    }


@pytest.mark.parametrize("kind", ["kill", "error"])
def test_whatever_step_fails_nothing_is_lost_and_nothing_torn(tmp_path, site, undisturbed, kind):
    steps, expected = undisturbed[kind]
    assert steps >= 6
    chosen = range(1, steps + 1) if WHOLE else sorted({1, *range(2, steps + 1, max(1, steps // 5)), steps})
    hit = 0
    for n in chosen:
        data = tmp_path / f"{kind}-{n}"
        broken = run(data, site, FAULT_KIND=kind, FAULT_AT=str(n))
        # How many pages share a commit varies a little, so that the last steps may not come; a report that
        # cannot be written costs the report, not the run.
        unreported = "report could not be written" in broken.err
        excused = n > steps - 3 or unreported
        assert broken.code == (-9 if kind == "kill" else 1) or (broken.code == 0 and excused), broken
        assert kind == "kill" or "Traceback" not in broken.err, f"step {n} of {steps}: {broken}"
        hit += broken.code != 0 or unreported
        again = run(data, site)
        assert again.code == 0, f"step {n} of {steps}: {again}"
        assert [r["id"] for r in harness.records(data, "pages")] == ids(expected), f"step {n} of {steps}"
        assert {r["version"] for r in harness.records(data, "pages")} == {1}, f"step {n} of {steps}"
        assert not list(data.rglob("*.tmp*")), f"step {n} of {steps} left a temporary file"
        harness.ledger_is_sound(data)
    assert hit >= len(chosen) - 3


def ids(expected):
    return [json.loads(line)["id"] for line in expected["records.jsonl"].splitlines()]
