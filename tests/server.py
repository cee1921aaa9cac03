"""A local site with ordinary pages and one endpoint per misbehaviour. Standard library, one event loop, 127.0.0.1.

In a test, the fixture ``site`` (or ``with Site(pages=100) as site``) runs it in a thread; ``site.url("/x")`` gives
addresses, ``site.log`` what was asked and when, ``site.add`` pages of the test's own. As a process of its own::

    python -m tests.server --port 0 --pages 4000 --topology catalogue --log requests.jsonl

prints its URL on the first line, and appends one JSON line per request to the log.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests import misbehaviours
from tests.pages import Topology, page_html
from tests.shop import shop_html

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

HTML = "text/html; charset=utf-8"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass
class Asked:
    """A request as the server saw it."""

    at: float
    """time.time() when its head had arrived."""
    method: str
    path: str
    """Path and query as sent."""
    headers: dict[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    client: int
    """Port of the client's end of the connection."""
    status: int = 0
    """What was answered; 0: nothing that is HTTP."""

    @property
    def route(self) -> str:
        """The path without its query, unquoted."""
        return unquote(urlsplit(self.path).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's last value of each name."""
        return {k: v[-1] for k, v in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}


@dataclass
class Reply:
    """An answer. ``headers`` may repeat a name."""

    status: int = 200
    body: bytes = b""
    content_type: str | None = HTML
    headers: list[tuple[str, str]] = field(default_factory=list)

    def encode(self, *, head: bool = False) -> bytes:
        """The bytes on the wire."""
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Status')}"]
        if self.content_type is not None:
            lines.append(f"Content-Type: {self.content_type}")
        if self.status not in {204, 304}:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        text = "\r\n".join([*lines, "", ""])
        try:
            data = text.encode("latin-1")
        except UnicodeEncodeError:
            data = text.encode()
        return data + (b"" if head else self.body)


class Connection(asyncio.Protocol):
    """One client connection: reads requests one after the other, writes what the site answers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.transport: Any = None
        self._buffer = b""
        self._busy = False
        self._task: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.peer = transport.get_extra_info("peername")[1]
        self.site.connections.add(self)
        self.site.accepted += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.site.connections.discard(self)
        self._drained.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._drained.clear()

    def resume_writing(self) -> None:
        self._drained.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        while not self._busy and (asked := self._read()) is not None:
            answer = self.site.answer(asked)
            if isinstance(answer, bytes):
                self.transport.write(answer)
            else:
                self._busy = True
                self._task = asyncio.ensure_future(self._perform(answer))
                self.site.answers.add(self._task)
                self._task.add_done_callback(self.site.answers.discard)

    async def _perform(self, answer: Callable[[Connection], Awaitable[None]]) -> None:
        self.site.busy += 1
        self.site.peak = max(self.site.peak, self.site.busy)
        try:
            with contextlib.suppress(ConnectionError):
                await answer(self)
        finally:
            self.site.busy -= 1
        self._busy = False
        self._next()

    def _read(self) -> Asked | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = [*first.split(" "), "/", ""][:3]
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return Asked(time.time(), method, path, headers, rest[:length], self.peer)

    # --- for endpoints that write by themselves ---

    async def send(self, data: bytes) -> None:
        """Write, and wait while the client does not read."""
        if self.transport.is_closing():
            raise ConnectionResetError
        self.transport.write(data)
        await self._drained.wait()

    def close(self) -> None:
        """Close after what was written."""
        self.transport.close()

    def reset(self) -> None:
        """Close with a TCP reset."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Site:
    """The site and its server; a context manager.

    Args:
        pages: content pages.
        topology: ``catalogue`` (lists of items with a next page), ``tree`` or ``shop`` (a catalogue of ordinary pages).
        page_bytes: size of a page to aim at.
        seed: of the content and of the failures.
        port: 0 for a free one.
        host: address to listen on.
        log_file: append a JSON line per request here instead of keeping them in :attr:`log`.
        charset_header: name the charset in the header; else only in the page.
        latency: seconds before each answer.
        fan_out: links of a list, or children of a node.
    """

    def __init__(
        self,
        pages: int = 40,
        topology: str = "catalogue",
        *,
        page_bytes: int = 6_000,
        seed: int = 0,
        port: int = 0,
        log_file: Path | str | None = None,
        charset_header: bool = True,
        latency: float = 0.0,
        fan_out: int = 20,
        host: str = "127.0.0.1",
    ) -> None:
        self.topology = Topology(topology, pages, fan_out)
        self.page_bytes, self.seed, self.port = page_bytes, seed, port
        self.charset_header, self.latency, self.host = charset_header, latency, host
        self.robots: str | bytes | int = "User-agent: *\nAllow: /\n"
        """Text of robots.txt, or the status it is answered with."""
        self.headers: list[tuple[str, str]] = []
        """Sent with each ordinary page."""
        self.flaky = 0.0
        """Share of the requests (robots.txt aside) that end in a TCP reset."""
        self.log: list[Asked] = []
        self.connections: set[Connection] = set()
        self.answers: set[asyncio.Task[None]] = set()
        """What is being answered by endpoints that take time."""
        self.accepted = 0
        """Connections that were ever opened."""
        self.busy, self.peak = 0, 0
        """Requests being answered now, and most at a time, where answers take time."""
        self.windows: dict[str, float] = {}
        """Of /retry-after: key to the time.time() its window ends."""
        self._log_file = open(log_file, "ab", buffering=0) if log_file else None  # noqa: SIM115, PTH123
        self._own: dict[str, Reply | Callable[[Asked], Any]] = {}
        self._versions: dict[str, int] = {}
        self._cache: dict[tuple[str, bool], tuple[bytes, bytes, str]] = {}
        self._asked: Counter[str] = Counter()

    # --- its life ---

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self.listen())
            ready.set()
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

        self._thread = threading.Thread(target=run, name="site", daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._call(self._shut())
        self.call_soon(self._loop.stop)
        self._thread.join(10)
        if self._log_file:
            self._log_file.close()

    async def listen(self) -> None:
        """Accept connections; keeps the port it had before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.host, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        while accepting := asyncio.all_tasks() - self.answers - {asyncio.current_task()}:
            await asyncio.wait(accepting)  # a connection whose transport is made after close() is never closed
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        for task in (answers := list(self.answers)):
            task.cancel()
        await asyncio.gather(*answers, return_exceptions=True)

    def _call(self, coro: Any) -> None:
        asyncio.run_coroutine_threadsafe(coro, self._loop).result(10)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call *function* in the server's thread, and do not wait."""
        self._loop.call_soon_threadsafe(function, *args)

    def stop_listening(self) -> None:
        """Refuse connections and cut the open ones, until :meth:`listen_again`."""
        self._call(self._shut())

    def listen_again(self) -> None:
        """End the outage, on the same port."""
        self._call(self.listen())

    @contextlib.contextmanager
    def outage(self, seconds: float, *, after: int) -> Iterator[None]:
        """An outage that begins once *after* requests were seen, however long the crawl took to begin; ended at the latest here."""

        def happen() -> None:
            while len(self.log) < after and not over.wait(0.01):
                pass
            if not over.is_set():
                self.stop_listening()
                over.wait(seconds)
                self.listen_again()

        over, thread = threading.Event(), threading.Thread(target=happen)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    # --- what tests ask of it ---

    @property
    def base(self) -> str:
        """``http://127.0.0.1:<port>``."""
        return f"http://{self.host}:{self.port}"

    def url(self, path: str = "/") -> str:
        """Absolute URL of *path*."""
        return self.base + path

    def urls(self) -> list[str]:
        """Absolute URLs of every ordinary page that can be reached from the start."""
        return [self.url(path) for path in self.topology.paths()]

    def asked(self, prefix: str = "/") -> list[Asked]:
        """The requests whose path begins with *prefix*, in order."""
        return [a for a in self.log if a.path.startswith(prefix)]

    def add(
        self,
        path: str,
        body: str | bytes | Callable[[Asked], Any] = "",
        content_type: str | None = HTML,
        status: int = 200,
        headers: list[tuple[str, str]] | None = None,
    ) -> str:
        """Serve *body* (or what a function of the request returns) at *path*; returns its URL."""
        data = body.encode() if isinstance(body, str) else body
        self._own[path] = data if callable(data) else Reply(status, data, content_type, headers or [])
        return self.url(path)

    def change(self, path: str) -> None:
        """Give the ordinary page at *path* another last paragraph and another ETag."""
        self._versions[path] = self._versions.get(path, 1) + 1
        self._cache.clear()

    def remove(self, path: str) -> None:
        """Have *path* answer 404 from now on; it is still linked."""
        self.add(path, "gone", status=404)

    # --- answering ---

    def answer(self, asked: Asked) -> bytes | Callable[[Connection], Awaitable[None]]:
        """Bytes to write, or a coroutine function that talks to the connection itself."""
        reply = self._reply(asked)
        asked.status = 0 if callable(reply) else reply[0]
        self._remember(asked)
        if callable(reply):
            return reply
        data = reply[1]
        if not self.latency:
            return data

        async def late(connection: Connection) -> None:
            await asyncio.sleep(self.latency)
            await connection.send(data)

        return late

    def _reply(self, asked: Asked) -> tuple[int, bytes] | Callable[[Connection], Awaitable[None]]:
        route = asked.route
        if self.flaky and route != "/robots.txt" and self.fails(asked.path, self.flaky):
            return misbehaviours.reset
        result = self._own.get(route) or misbehaviours.find(self, asked)
        if callable(result) and route in self._own:
            result = result(asked)
        if result is None:
            return self._ordinary(asked)
        if callable(result):
            return result
        return result.status, result.encode(head=asked.method == "HEAD")

    def fails(self, key: str, rate: float) -> bool:
        """A seeded coin: whether this time *key* fails."""
        self._asked[key] += 1
        return random.Random(f"{self.seed}:{key}:{self._asked[key]}").random() < rate

    def _ordinary(self, asked: Asked) -> tuple[int, bytes]:
        path = asked.route
        packed = "gzip" in asked.headers.get("accept-encoding", "")
        found = self._cache.get((path, packed)) or self._render(path, packed)
        if found is None:
            return 404, Reply(404, b"<h1>Not Found</h1>").encode()
        head, body, etag = found
        if etag in asked.headers.get("if-none-match", ""):
            return 304, Reply(304, headers=[("ETag", etag)]).encode()
        return 200, head if asked.method == "HEAD" else head + body

    def _render(self, path: str, packed: bool) -> tuple[bytes, bytes, str] | None:
        links = self.topology.links(path)
        if links is None:
            return None
        version = self._versions.get(path, 1)
        render = partial(shop_html, lists=self.topology.lists) if self.topology.kind == "shop" else page_html
        html = render(
            path, links, is_list=self.topology.is_list(path), seed=self.seed, version=version,
            size=self.page_bytes, meta=not self.charset_header,
        ).encode()  # fmt: skip
        etag = f'"{hashlib.sha256(html).hexdigest()[:16]}"'
        body = gzip.compress(html, 6, mtime=0) if packed else html
        headers = [("ETag", etag), ("Last-Modified", formatdate(1_700_000_000 + version * 86_400, usegmt=True))]
        headers += [("Content-Encoding", "gzip")] * packed + self.headers
        reply = Reply(200, body, HTML if self.charset_header else "text/html", headers)
        self._cache[path, packed] = result = (reply.encode(head=True), body, etag)
        return result

    def _remember(self, asked: Asked) -> None:
        if self._log_file is None:
            self.log.append(asked)
            return
        line = {"at": asked.at, "method": asked.method, "path": asked.path, "status": asked.status}
        self._log_file.write(json.dumps(line).encode() + b"\n")

    def prebuild(self) -> None:
        """Render every page beforehand, for benchmarks."""
        for path in self.topology.paths():
            self._render(path, packed=True)


def main(argv: list[str] | None = None) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--topology", choices=["catalogue", "tree", "shop"], default="catalogue")
    parser.add_argument("--fan-out", type=int, default=20)
    parser.add_argument("--page-bytes", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--flaky", type=float, default=0.0, help="share of requests that are reset")
    parser.add_argument("--meta-charset", action="store_true", help="charset only in the page, not in the header")
    parser.add_argument("--log", help="file of one JSON line per request")
    parser.add_argument("--prebuild", action="store_true", help="render every page before the first request")
    args = parser.parse_args(argv)
    site = Site(
        args.pages, args.topology, page_bytes=args.page_bytes, seed=args.seed, port=args.port, log_file=args.log,
        charset_header=not args.meta_charset, latency=args.latency, fan_out=args.fan_out,
    )  # fmt: skip
    site.flaky = args.flaky
    if args.prebuild:
        site.prebuild()
    if args.log is None:
        site.log = _Forgetful()

    async def serve() -> None:
        await site.listen()
        print(site.base, flush=True)
        await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
    sys.exit(0)


class _Forgetful(list[Asked]):
    """A log that keeps nothing."""

    def append(self, item: Asked) -> None:
        pass


if __name__ == "__main__":
    main()
