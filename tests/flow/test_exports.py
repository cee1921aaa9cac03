"""A disk that is full when the exports are written costs no record and tears no file."""

from __future__ import annotations

import subprocess

from tests.flow import harness
from tests.flow.test_crash import crawl_args
from tests.server import Site


def crawl(data, site, **settings):
    return harness.run(data, *crawl_args(site), *harness.settings(**settings))


def fill(disk):
    """Leave no byte free; what takes the space."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_fails_the_run_and_the_last_export_stays(small_disk, tmp_path):
    """The exports' folder alone is full: every record is in the ledger, and the next export has them."""
    data = tmp_path / "data"
    data.mkdir()
    with Site(pages=20) as site:
        assert crawl(data, site, CLOSESPIDER_PAGECOUNT="3").code == 3
        subprocess.run(["cp", "-r", *map(str, (data / "pages").iterdir()), str(small_disk.path)], check=True)
        (data / "pages").rename(data / "away")
        (data / "pages").symlink_to(small_disk.path)
        before = (small_disk.path / "records.jsonl").read_bytes()
        ballast = fill(small_disk.path)
        full = crawl(data, site)
    assert full.code == 1, full
    assert "no space left to write" in full.err
    assert "Traceback" not in full.err
    assert (small_disk.path / "records.jsonl").read_bytes() == before
    assert not list(small_disk.path.glob("*.tmp-*"))
    ballast.unlink()
    exported = harness.run(data, "export", "pages", *harness.settings(**harness.PLAIN))
    assert exported.code == 0, exported
    assert len(harness.records(data, "pages")) == harness.states(data)["done"]
