"""P1 and P2: what a page costs with everything on, against bare Scrapy without any pipeline, in one run.

CPU of the whole process and its children, start-up taken off by a run on one page. Pages are ordinary ones of about
20 KB; ``--html DIR`` serves a folder of real pages instead (Debian's python3-doc, for example).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.process import measure, served

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def folder_served(folder: str) -> Iterator[str]:
    """A folder of pages on loopback."""
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def ours(url: str, data: str) -> tuple[list[str], dict[str, str]]:
    """`scrapy crawl site` with everything on."""
    command = [sys.executable, "-m", "scrapy", "crawl", "site", "-a", f"url={url}"]
    return command, {"DATA_DIR": data, "NETWORK_ALLOW": "127.0.0.0/8"}


def bare(url: str, data: str) -> tuple[list[str], dict[str, str]]:
    """Bare Scrapy."""
    return [sys.executable, "-m", "tests.benchmarks.bare_scrapy", url], {}


def cpu(command, site, pages: int, log: Path) -> float:
    """CPU seconds on *site*."""
    with site() as url, tempfile.TemporaryDirectory() as data:
        words, environment = command(url, data)
        usage = measure(words, log, **environment)
        assert usage.code == 0, f"{words} ended with {usage.code}: see {log}"
        return usage.cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--meta-charset", action="store_true", help="charset only in the page, as nginx serves")
    parser.add_argument("--html", help="a folder of real pages to serve instead")
    options = parser.parse_args()
    extra = ["--meta-charset"] if options.meta_charset else []

    def many():
        if options.html:
            return folder_served(options.html)
        return served(
            "--pages", str(options.pages), "--topology", "shop", "--page-bytes", "20000", "--prebuild", *extra
        )

    def one():
        return served("--pages", "1", *extra)

    pages = sum(1 for _ in Path(options.html).rglob("*.html")) if options.html else options.pages
    log = Path(tempfile.mkstemp(suffix=".log")[1])
    ratios = []
    for number in range(options.rounds):
        costs = {}
        for name, command in (("bare", bare), ("ours", ours)):
            costs[name] = 1000 * (cpu(command, many, pages, log) - cpu(command, one, 1, log)) / pages
        ratios.append(costs["ours"] / costs["bare"])
        print(
            f"round {number + 1}: bare {costs['bare']:.2f} ms, ours {costs['ours']:.2f} ms a page, {ratios[-1]:.2f} x"
        )
    target = 0.35 if options.html else 0.7
    ratio = statistics.median(ratios)
    print(f"P{2 if options.html else 1}: {ratio:.2f} x bare Scrapy (target <= {target}) over {pages} pages")
    return 0 if ratio <= target else 1


if __name__ == "__main__":
    sys.exit(main())
