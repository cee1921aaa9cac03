"""Serves the demo site on loopback: HTTP/1.1 with ETag, Last-Modified and 304, nothing written, nothing logged."""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from crawlers.demo.pages import CHANGED, Answer
from crawlers.demo.site import build

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
SERVER = "gristmill-demo/1"
"""What the server calls itself; by it another process knows that the port is in good hands."""
_NOT_FOUND = Answer(b"<!DOCTYPE html><title>Not found</title><h1>There is no such page</h1>", status=404)
_PATIENCE = 2.0
_TRIES = 6
_TAKE_OVER = 0.5
"""Seconds between two tries to have the port of a process that may have ended."""


class DemoServer(ThreadingHTTPServer):
    """The site on a port of its own; port 0 is any free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.pages = build(self.origin)

    @property
    def origin(self) -> str:
        """Where the site is, without a slash at the end."""
        return f"http://{HOST}:{self.server_port}"

    def __enter__(self) -> DemoServer:
        threading.Thread(target=self.serve_forever, name="demo-site", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer: two would wait for each other (Nagle and delayed acknowledgement)
    disable_nagle_algorithm = True
    server: DemoServer

    def version_string(self) -> str:
        return SERVER

    def do_GET(self) -> None:
        answer = self.server.pages.get(self.path, _NOT_FOUND)
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        if answer.status == 200 and self._is_known(etag):
            self._send(Answer(b"", answer.content_type, 304, answer.headers), etag)
        else:
            self._send(answer, etag)

    do_HEAD = do_GET  # noqa: N815

    def _is_known(self, etag: str) -> bool:
        """Whether the client has this version (RFC 9110, 13.2.2: the tag goes before the date)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
        return self.headers.get("If-Modified-Since") == CHANGED

    def _send(self, answer: Answer, etag: str) -> None:
        self.send_response(answer.status)
        if answer.status != 304:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        if answer.status in {200, 304}:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", CHANGED)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The crawl has a log of its own."""


def who_answers(port: int) -> str:
    """What the server on *port* calls itself; empty where nobody answers, or not with HTTP."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{port}/robots.txt", timeout=_PATIENCE) as answer:
            return str(answer.headers.get("Server") or "unknown")
    except urllib.error.HTTPError as answer:
        with answer:
            return str(answer.headers.get("Server") or "unknown")
    except (OSError, http.client.HTTPException):
        return ""


def serve(port: int) -> None:
    """Serve the site on *port* until this process ends; stand by where another process of ours serves it.

    Raises:
        OSError: somebody else has the port.
    """
    for _ in range(_TRIES):
        try:
            DemoServer(port).__enter__()
        except OSError:
            name = who_answers(port)
            if name == SERVER:
                threading.Thread(target=_stand_by, args=(port,), name="demo-site-standby", daemon=True).start()
                return
            if name:
                raise
        else:
            return
        time.sleep(_TAKE_OVER)  # a process of ours that is about to end has the port and answers no more
    DemoServer(port).__enter__()


def _stand_by(port: int) -> None:
    """Take the port over when the process that serves it ends, so that a crawl that two workers share goes on."""
    while True:
        try:
            DemoServer(port).__enter__()
        except OSError:
            time.sleep(_TAKE_OVER)
        else:
            return
