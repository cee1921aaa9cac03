"""A real Scrapy crawl in a process of its own, for component tests: one reactor per process.

``crawl([...], settings)`` fetches the given requests with the project's settings on Scrapy's own scheduler, without
pipelines, and tells how each ended.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import scrapy
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer

PLAIN = {
    "SCHEDULER": "scrapy.core.scheduler.Scheduler",
    "ITEM_PROCESSOR": "scrapy.pipelines.ItemPipelineManager",
    "ITEM_PIPELINES": {},
    "EXTENSIONS": {},
    "NETWORK_ALLOW": "127.0.0.0/8",
    "SPIDER_LOADER_CLASS": "scrapy.spiderloader.SpiderLoader",
    "SPIDER_MODULES": [],
    "ADDONS": {},
    "LOG_LEVEL": "WARNING",
    "TELNETCONSOLE_ENABLED": False,
}
_LEDGER_MIDDLEWARES = ("revisit.RevisitMiddleware", "settle.SettleMiddleware", "start.StartMiddleware")


@dataclass
class End:
    """How one request ended."""

    url: str
    status: int = 0
    reason: str = ""
    kind: str = ""
    """Skipped, Failed, Postponed, or the name of another exception; empty where the callback ran."""
    detail: str = ""
    until: float = 0.0
    at: float = 0.0
    body: str = ""
    size: int = 0
    meta: dict[str, Any] = field(default_factory=dict)
    requested: str = ""


@dataclass
class Crawled:
    """What a crawl left behind."""

    ends: list[End]
    stats: dict[str, Any]
    log: str
    seconds: float
    cpu: float
    """Seconds of CPU after imports."""
    maxrss_mb: float

    def of(self, url: str) -> End:
        """The end of the request whose first URL was *url*."""
        return next(end for end in self.ends if end.requested == url)


class Fetch(scrapy.Spider):
    """Fetches what it is told; follows every link where told so."""

    name = "fetch"

    def __init__(self, requests: list[dict[str, Any]], follow: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.requests, self.follow, self.ends = requests, follow, []

    async def start(self) -> Any:
        for request in self.requests:
            yield scrapy.Request(callback=self.parse, errback=self.failed, **request)

    def parse(self, response: scrapy.http.Response) -> Any:
        meta = {k: v for k, v in response.meta.items() if isinstance(v, str | int | float | list | dict | tuple)}
        first = response.meta.get("redirect_urls", [response.request.url])[0]
        self.ends.append(
            End(
                response.url, response.status, at=time.time(), body=response.body[:300].decode("latin-1"),
                size=len(response.body), meta=meta, requested=first,
            )
        )  # fmt: skip
        if self.follow and hasattr(response, "text"):
            for link in response.css("a::attr(href), img::attr(src)").getall():
                if not link.startswith("#"):
                    yield scrapy.Request(response.urljoin(link), callback=self.parse, errback=self.failed)

    def failed(self, failure: Any) -> None:
        from crawlers.middlewares.outcomes import reason_of

        error, request = failure.value, failure.request
        reason, detail = reason_of(error)
        first = request.meta.get("redirect_urls", [request.url])[0]
        self.ends.append(
            End(
                request.url, getattr(getattr(error, "response", None), "status", 0), reason, type(error).__name__,
                detail, getattr(error, "until", 0.0), time.time(), requested=first,
            )
        )  # fmt: skip


@implementer(IHostnameResolver)
class HostsResolver:
    """Names of the setting TEST_HOSTS: name to a list of answers, taken one a lookup, the last one for ever.

    An answer is a list of addresses. TEST_DNS_FAILURES is the share of lookups that fail, by a seed.
    """

    def __init__(self, reactor: Any, hosts: dict[str, list[list[str]]], failures: float) -> None:
        self.reactor, self.hosts, self.failures = reactor, hosts, failures
        self._coin = random.Random("dns")

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> HostsResolver:
        settings = crawler.settings
        return cls(reactor, settings.getdict("TEST_HOSTS"), settings.getfloat("TEST_DNS_FAILURES"))

    def install_on_reactor(self) -> None:
        self.reactor.installNameResolver(self)

    def resolveHostName(
        self, receiver: Any, host: str, portNumber: int = 0, addressTypes: Any = None, transportSemantics: str = "TCP"
    ) -> Any:
        receiver.resolutionBegan(self)
        answers = self.hosts.get(host, [[host]])
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if self._coin.random() >= self.failures:
            for address in addresses:
                kind = IPv6Address if ":" in address else IPv4Address
                receiver.addressResolved(kind("TCP", address, portNumber))
        receiver.resolutionComplete()
        return self


def crawl(
    requests: list[str | dict[str, Any]], settings: dict[str, Any] | None = None, *, follow: bool = False,
    timeout: float = 100, ledger: Path | None = None,
) -> Crawled:  # fmt: skip
    """Fetch *requests* (URLs, or keyword arguments of scrapy.Request) in a new process.

    With *ledger*, a folder, the project's own scheduler hands the requests out, from a ledger in that folder.
    """
    job = {
        "requests": [{"url": r} if isinstance(r, str) else r for r in requests],
        "settings": settings or {},
        "follow": follow,
        "ledger": str(ledger) if ledger else None,
    }
    process = subprocess.run(
        [sys.executable, "-m", "tests.crawl"], input=json.dumps(job), capture_output=True, text=True, timeout=timeout,
        check=False,
    )  # fmt: skip
    if process.returncode:
        raise AssertionError(process.stderr[-4000:])
    answer = json.loads(process.stdout.splitlines()[-1])
    ends = [End(**end) for end in answer.pop("ends")]
    return Crawled(ends=ends, log=process.stderr, **answer)


def _peak_kb() -> int:
    """Peak memory of this process; getrusage would count what the test process had when it forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _main() -> None:
    from dataclasses import asdict

    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings

    import crawlers.settings as project

    job = json.load(sys.stdin)
    settings = Settings()
    settings.setmodule(project, priority="project")
    if job["ledger"] is None:
        for name in ("DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES"):
            kept = {k: v for k, v in settings.getdict(name).items() if not k.endswith(_LEDGER_MIDDLEWARES)}
            settings.set(name, kept, priority="project")
        settings.setdict(PLAIN, priority="cmdline")
    else:
        plain = {k: v for k, v in PLAIN.items() if k not in {"SCHEDULER", "ITEM_PROCESSOR"}}
        store = {"crawlers.pipelines.store.StorePipeline": 900}
        own = {"DATA_DIR": job["ledger"], "DATABASE_URL": "", "ITEM_PIPELINES": store}
        settings.setdict({**plain, **own}, priority="cmdline")
    if "TEST_HOSTS" in job["settings"]:
        settings.set("DNS_RESOLVER", HostsResolver, priority="cmdline")
    settings.setdict(job["settings"], priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler(Fetch)
    began, cpu = time.monotonic(), time.process_time()
    process.crawl(crawler, requests=job["requests"], follow=job["follow"])
    process.start()
    answer = {
        "ends": [asdict(end) for end in crawler.spider.ends],
        "stats": {k: v for k, v in crawler.stats.get_stats().items() if isinstance(v, str | int | float)},
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "maxrss_mb": _peak_kb() / 1024,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    _main()
