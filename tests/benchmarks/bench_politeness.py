"""Politeness and safety in figures: R6, R7, S1, S3, S7 of the targets, and what they cost a page.

    python tests/benchmarks/bench_politeness.py [--outage SECONDS] [--pages N]

Each line prints what was measured, the target, and where there is one what plain Scrapy does in the same run.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.addresses import FORBIDDEN
from tests.crawl import crawl
from tests.server import Site

SCRAPY: dict[str, Any] = {
    "DOWNLOAD_HANDLERS": {},
    "DOWNLOADER_MIDDLEWARES": {},
    "SPIDER_MIDDLEWARES": {},
    "DOWNLOADER": "scrapy.core.downloader.Downloader",
    "RETRY_TIMES": 2,
    "ROBOTSTXT_OBEY": False,
}


def states(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "gristmill.db")) as db:
        return dict(db.execute("SELECT url, state FROM requests"))


def faults(pages: int, outage: float) -> None:
    """R6: 20 % resets, 5 % lookup failures, an outage."""
    for name in ("gristmill", "scrapy"):
        with Site(pages=pages, seed=7, latency=0.01) as site, tempfile.TemporaryDirectory() as folder:
            site.flaky = 0.2
            base = f"http://flaky.test:{site.port}"
            settings = {"TEST_HOSTS": {"flaky.test": [["127.0.0.1"]]}, "TEST_DNS_FAILURES": 0.05}
            wanted = [base + path for path in site.topology.paths()]
            with site.outage(outage, after=pages // 5):
                if name == "scrapy":
                    result = crawl([base + "/"], {**settings, **SCRAPY}, follow=True, timeout=600)
                    had = {end.url for end in result.ends if end.status == 200}
                else:
                    crawl([base + "/"], settings, follow=True, timeout=600, ledger=Path(folder))
                    had = {url for url, state in states(Path(folder)).items() if state == "done"}
            share = sum(url in had for url in wanted) / len(wanted)
            print(
                f"R6  {name:10} {share:7.2%} of {len(wanted)} pages after 20 % resets, 5 % DNS failures, {outage:.0f} s "
                f"outage; {len(site.log) / len(wanted):.2f} requests a page (target 100 %, 1.6)"
            )
            time.sleep(max(0.0, outage + 4 - 3) if name == "scrapy" else 0)  # until the site's own timers have run


def retry_after() -> None:
    """R7: the wait, and the requests inside the window."""
    for query in ("", "?date=1", "?status=503"):
        path = f"/retry-after/5{query}"
        with Site(pages=60) as site, tempfile.TemporaryDirectory() as folder:
            crawl([site.url(path), *site.urls()], ledger=Path(folder), timeout=200)
            refused = next(asked.at for asked in site.log if asked.path == path)
            end = site.windows[path]
            inside = sum(refused + 0.1 < asked.at < end - 0.02 for asked in site.log)
            first = min(asked.at for asked in site.log if asked.at > refused + 0.1)
            print(
                f"R7  {path:26} {inside} requests inside the window, first {first - end:+.2f} s after it (target 0, ±1)"
            )


def addresses() -> None:
    """S1: forms of forbidden addresses, to a listener that counts."""
    import socket

    with socket.create_server(("0.0.0.0", 0)) as canary:
        canary.settimeout(0.2)
        port = canary.getsockname()[1]
        urls = [f"http://{host}:{port}/{n}" for n, host in enumerate(FORBIDDEN)]
        for name, settings in (("gristmill", {"NETWORK_ALLOW": ""}), ("scrapy", {**SCRAPY, "DOWNLOAD_TIMEOUT": 1})):
            crawl(urls, {**settings, "RETRY_ENABLED": name == "gristmill"}, timeout=300)
            visits = 0
            while True:
                try:
                    canary.accept()[0].close()
                except TimeoutError:
                    break
                visits += 1
            print(f"S1  {name:10} {visits} connections from {len(urls)} forms of forbidden addresses (target 0)")


def bombs() -> None:
    """S3: memory and time of a gigabyte in a few kilobytes."""
    with Site(pages=5) as site:
        plain = crawl([site.url("/item/1")])
        for kind in ("gzip", "deflate", "br", "zstd", "nested"):
            result = crawl([site.url(f"/bomb/{kind}")])
            (end,) = result.ends
            print(
                f"S3  {kind:8} +{result.maxrss_mb - plain.maxrss_mb:.0f} MB, {result.seconds:.1f} s, {end.reason} "
                "(target +64 MB, 2 s, too-large; baseline +1 GB, 21 s)"
            )


def traps() -> None:
    """S7: a robots.txt of a million rules, and endless parts of a site."""
    with Site(pages=5) as site:
        site.robots = b"User-agent: *\n" + b"".join(b"Disallow: /no/%d/*x\n" % n for n in range(1_000_000))
        result = crawl([site.url("/item/1")])
        print(
            f"S7  robots.txt of {len(site.robots) >> 20} MB: {result.seconds:.1f} s, {result.maxrss_mb:.0f} MB in all"
        )
    with Site(pages=1000) as site:
        paths = ("/", "/calendar/2024/1", "/variants?a=1", "/deeper/")
        start = site.add("/start", "".join(f'<a href="{path}">x</a>' for path in paths))
        result = crawl([start], follow=True, timeout=300)
        fetched = {end.url for end in result.ends if not end.reason}
        real = set(site.urls())
        print(
            f"S7  three traps: {len(fetched - real)} pages of them, {len(fetched & real) / len(real):.1%} of {len(real)} "
            "real pages (target: 1 % of a budget of 20,000; 99 %)"
        )


def cost(pages: int = 1500) -> None:
    """CPU of the whole chain against Scrapy's own, without a ledger and without pipelines."""
    command = [sys.executable, "-m", "tests.server", "--pages", str(pages), "--page-bytes", "20000", "--prebuild"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = server.stdout.readline().strip()
        urls = [f"{base}/item/{n}" for n in range(1, pages + 1)]
        figures = {name: min(crawl(urls, s).cpu for _ in range(2)) for name, s in (("ours", {}), ("scrapy", SCRAPY))}
        server.terminate()
    ours, theirs = (figures[name] / pages * 1000 for name in ("ours", "scrapy"))
    print(f"    all middlewares on: {ours:.2f} ms CPU a page; Scrapy's defaults without robots.txt {theirs:.2f}")


def main(argv: list[str] | None = None) -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--outage", type=float, default=30.0)
    parser.add_argument("--pages", type=int, default=1000)
    args = parser.parse_args(argv)
    addresses()
    bombs()
    traps()
    cost()
    retry_after()
    faults(args.pages, args.outage)


if __name__ == "__main__":
    main()
