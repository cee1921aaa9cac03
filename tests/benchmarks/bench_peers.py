"""P3: nothing but title and links, against crawlee-python's ParselCrawler in memory, in one run. Needs the group ``bench``."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.process import measure, served

_OURS = [
    "-s",
    'ITEM_PIPELINES={"crawlers.pipelines.store.StorePipeline": 900}',
    "-s",
    "EXPORTS=",
    "-s",
    "CAPTURE_ENABLED=False",
]


async def crawlee(url: str) -> None:
    """Follow every link of the site, keep url and title."""
    from crawlee import ConcurrencySettings
    from crawlee.crawlers import ParselCrawler
    from crawlee.storage_clients import MemoryStorageClient

    crawler = ParselCrawler(
        storage_client=MemoryStorageClient(),
        concurrency_settings=ConcurrencySettings(desired_concurrency=16, max_concurrency=16),
        configure_logging=False,
    )

    @crawler.router.default_handler
    async def handle(context) -> None:
        await context.push_data({"url": context.request.url, "title": context.selector.css("title::text").get()})
        await context.enqueue_links()

    await crawler.run([url])


def cpu(name: str, pages: int, log: Path) -> float:
    """CPU seconds of one of the two on a site of so many pages."""
    with (
        served("--pages", str(pages), "--topology", "shop", "--page-bytes", "20000", "--prebuild") as url,
        tempfile.TemporaryDirectory() as data,
    ):
        command = [sys.executable, "-m", "tests.benchmarks.bench_peers", "--crawlee", url]
        if name == "ours":
            command = [sys.executable, "-m", "scrapy", "crawl", "site", "-a", f"url={url}", *_OURS]
        usage = measure(command, log, DATA_DIR=data, NETWORK_ALLOW="127.0.0.0/8", CRAWLEE_STORAGE_DIR=data)
        assert usage.code == 0, f"{command} ended with {usage.code}: see {log}"
        return usage.cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--crawlee", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crawlee:
        asyncio.run(crawlee(options.crawlee))
        return 0
    try:
        import crawlee as _  # noqa: F401
    except ImportError:
        print("P3: skipped, 1 reason: crawlee is not installed (dependency group bench)")
        return 0
    log = Path(tempfile.mkstemp(suffix=".log")[1])
    ratios = []
    for number in range(options.rounds):
        costs = {}
        for name in ("crawlee", "ours"):
            many, one = (cpu(name, pages, log) for pages in (options.pages, 1))
            costs[name] = 1000 * (many - one) / options.pages
        ratios.append(costs["ours"] / costs["crawlee"])
        print(f"round {number + 1}: crawlee {costs['crawlee']:.2f} ms, ours {costs['ours']:.2f} ms a page")
    ratio = statistics.median(ratios)
    print(f"P3: {ratio:.2f} x crawlee's ParselCrawler in memory (target <= 0.9), our ledger included")
    return 0 if ratio <= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
