"""One endpoint per misbehaviour of the local test site. Each is a function of the site, the request and its path's rest.

An endpoint returns a :class:`tests.server.Reply`, or a coroutine function that writes to the connection itself.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import zlib
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.pages import calendar_html, sentences, title_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server import Asked, Connection, Reply, Site

CHUNK = b"<p>" + b"endless words and " * 900 + b"</p>\n"


def _reply(
    status: int = 200, body: str | bytes = b"", content_type: str | None = "text/html; charset=utf-8", **kw: Any
) -> Reply:
    from tests.server import Reply  # it imports this module

    return Reply(status, body.encode() if isinstance(body, str) else body, content_type, **kw)


def find(site: Site, asked: Asked) -> Any:
    """The answer of the endpoint that *asked* names, or None for an ordinary page."""
    name, _, rest = asked.route[1:].partition("/")
    endpoint = ENDPOINTS.get(name)
    return endpoint(site, asked, rest) if endpoint else None


# --- robots.txt and headers -----------------------------------------------------------------------------------------


def robots(site: Site, asked: Asked, rest: str) -> Any:
    """What ``site.robots`` says."""
    if isinstance(site.robots, int):
        return _reply(site.robots, b"")
    return _reply(200, site.robots, "text/plain")


def headers(site: Site, asked: Asked, rest: str) -> Any:
    """A page with each name of the query as a header."""
    pairs = parse_qsl(urlsplit(asked.path).query)
    return _reply(200, article("/headers"), headers=pairs)


def echo(site: Site, asked: Asked, rest: str) -> Any:
    """The request's own headers and body, as JSON."""
    body = {"method": asked.method, "path": asked.path, "headers": asked.headers, "body": asked.body.decode("latin-1")}
    return _reply(200, json.dumps(body), "application/json")


def big_headers(site: Site, asked: Asked, rest: str) -> Any:
    """``?count=`` headers of ``?bytes=`` each."""
    count, size = int(asked.query.get("count", 1)), int(asked.query.get("bytes", 1_000_000))
    return _reply(200, article("/big-headers"), headers=[(f"X-Big-{i}", "b" * size) for i in range(count)])


def endless_headers(site: Site, asked: Asked, rest: str) -> Any:
    """Header lines for ever."""

    async def write(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")
        while True:
            await connection.send(b"X-More: and more, and more, and more, and more\r\n" * 100)
            await asyncio.sleep(0)

    return write


def cookies(site: Site, asked: Asked, rest: str) -> Any:
    """``?count=`` cookies of ``?bytes=`` each."""
    count, size = int(asked.query.get("count", 3)), int(asked.query.get("bytes", 10))
    values = [("Set-Cookie", f"c{i}={'x' * size}; Path=/") for i in range(count)]
    return _reply(200, article("/cookies"), headers=values)


# --- slow, cut, endless ---------------------------------------------------------------------------------------------


def slow(site: Site, asked: Asked, rest: str) -> Any:
    """A page after ``?seconds=``."""

    async def write(connection: Connection) -> None:
        await asyncio.sleep(float(asked.query.get("seconds", 1)))
        await connection.send(_reply(200, article("/slow")).encode())

    return write


def trickle(site: Site, asked: Asked, rest: str) -> Any:
    """A byte each ``?interval=`` seconds, for ever."""

    async def write(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            await connection.send(b"x")
            await asyncio.sleep(float(asked.query.get("interval", 0.2)))

    return write


def endless(site: Site, asked: Asked, rest: str) -> Any:
    """A body without an end, as fast as it is read."""

    async def write(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            await connection.send(CHUNK)
            await asyncio.sleep(0)

    return write


def cut(site: Site, asked: Asked, rest: str) -> Any:
    """Half of what Content-Length promises, then the end."""

    async def write(connection: Connection) -> None:
        body = article("/cut").encode()
        await connection.send(_reply(200, body).encode()[: -len(body) // 2])
        connection.close()

    return write


async def reset(connection: Connection) -> None:
    """A TCP reset instead of an answer."""
    connection.reset()


async def close(connection: Connection) -> None:
    """The end of the connection instead of an answer."""
    connection.close()


def garbage(site: Site, asked: Asked, rest: str) -> Any:
    """Bytes that are not HTTP."""

    async def write(connection: Connection) -> None:
        await connection.send(bytes(range(256)) * 8 + b"\r\n\r\n")
        connection.close()

    return write


# --- statuses, retries, redirects -----------------------------------------------------------------------------------


def status(site: Site, asked: Asked, rest: str) -> Any:
    """``/status/<n>``: that status."""
    return _reply(int(rest), f"<h1>{rest}</h1>")


def retry_after(site: Site, asked: Asked, rest: str) -> Any:
    """``/retry-after/<seconds>``: once 429 (``?status=``) with Retry-After (``?date=1``: as a date), then a page.

    ``?key=`` tells several apart. Requests inside the window are refused like the first.
    """
    key, seconds = asked.query.get("key", asked.path), float(rest.partition("/")[0])
    now = time.time()
    until = site.windows.get(key)
    if until is not None and now >= until:
        return _reply(200, article(asked.route))
    if until is None:
        # A date has whole seconds: the window ends where the header says it does.
        until = float(int(now + seconds + 0.999)) if asked.query.get("date") else now + seconds
        site.windows[key] = until
    value = formatdate(until, usegmt=True) if asked.query.get("date") else str(int(seconds))
    return _reply(int(asked.query.get("status", 429)), b"slow down", headers=[("Retry-After", value)])


def redirect(site: Site, asked: Asked, rest: str) -> Any:
    """``/redirect/<n>``: n redirects, then a page."""
    left = int(rest or 0)
    if left <= 0:
        return _reply(200, article("/redirect/0"))
    return _reply(302, headers=[("Location", f"/redirect/{left - 1}")])


def redirect_loop(site: Site, asked: Asked, rest: str) -> Any:
    """``/redirect-loop/a`` and ``/redirect-loop/b`` lead to each other."""
    return _reply(302, headers=[("Location", f"/redirect-loop/{'b' if rest != 'b' else 'a'}")])


def redirect_to(site: Site, asked: Asked, rest: str) -> Any:
    """``?url=`` with ``?status=`` (302)."""
    return _reply(int(asked.query.get("status", 302)), headers=[("Location", asked.query["url"])])


def meta_refresh(site: Site, asked: Asked, rest: str) -> Any:
    """A page that sends browsers on to ``?url=``."""
    url = asked.query["url"]
    return _reply(200, f'<html><head><meta http-equiv="refresh" content="0; url={url}"></head><body>on</body></html>')


def flaky(site: Site, asked: Asked, rest: str) -> Any:
    """``/flaky/<any>?rate=0.2``: that share of the requests is reset or answered 503, by the site's seed."""
    if not site.fails(asked.path, float(asked.query.get("rate", 0.2))):
        return _reply(200, article(asked.path))
    return reset if site.fails("kind:" + asked.path, 0.5) else _reply(503, b"busy")


def login(site: Site, asked: Asked, rest: str) -> Any:
    """A login form."""
    form = '<form method="post" action="/login"><input name="user"><input type="password" name="password"><button>Sign in</button></form>'
    return _reply(200, f"<!doctype html><html lang=en><title>Sign in</title><h1>Please sign in</h1>{form}</html>")


def private(site: Site, asked: Asked, rest: str) -> Any:
    """Sends everybody to the login form."""
    return _reply(302, headers=[("Location", "/login?next=" + asked.route)])


# --- content --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def article(key: str, extra: str = "") -> str:
    """A small ordinary article, the same for the same key."""
    rng = random.Random(key)
    text = "".join(f"<p>{sentences(rng, 60)}</p>" for _ in range(4))
    title = title_of(key)
    return f"<!doctype html><html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1>{text}{extra}</article></body></html>"


def charset(site: Site, asked: Asked, rest: str) -> Any:
    """``/charset/<label>``: a page in that charset where Python has it, in UTF-8 where it does not; labelled so."""
    text = article("/charset").replace("<h1>", "<h1>Žluťoučký kůň – café ")
    try:
        body = text.encode(rest, "xmlcharrefreplace")
    except (LookupError, TypeError, ValueError):
        body = text.encode()
    return _reply(200, body, f"text/html; charset={rest}")


def empty(site: Site, asked: Asked, rest: str) -> Any:
    """200, and nothing."""
    return _reply(200, b"")


def calendar(site: Site, asked: Asked, rest: str) -> Any:
    """``/calendar/<year>/<month>[/<day>]``: months without end."""
    parts = [int(p) for p in rest.split("/") if p.isdigit()]
    year, month, day = (parts + [2024, 1, 0][len(parts) :])[:3]
    if day:
        return _reply(
            200,
            f"<!doctype html><title>{rest}</title><p>No events on this day.</p><a href='/calendar/{year}/{month}'>up</a>",
        )
    return _reply(200, calendar_html(year, month))


def variants(site: Site, asked: Asked, rest: str) -> Any:
    """Query variants without end: each page links to itself with one more filter."""
    query = urlsplit(asked.path).query
    links = "".join(f'<a href="/variants?{query}&f{i}={i}">filter {i}</a>' for i in range(5))
    return _reply(200, f"<!doctype html><title>Filters</title><h1>Filtered</h1>{links}<p>Nothing found.</p>")


def deeper(site: Site, asked: Asked, rest: str) -> Any:
    """A relative link that makes the path longer each time."""
    return _reply(200, f'<!doctype html><title>Deep</title><a href="{asked.route.rstrip("/")}/deeper/">on</a>')


# --- bombs ----------------------------------------------------------------------------------------------------------

BOMB_BYTES = 1 << 30


@lru_cache(maxsize=8)
def bomb_bytes(kind: str, size: int = BOMB_BYTES) -> bytes:
    """*size* zero bytes, packed. Made from one packed part repeated, so that it takes no time to make."""
    part = bytes(16 << 20)
    times = size // len(part)
    if kind in {"gzip", "deflate", "nested"}:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31 if kind != "deflate" else 15)
        first = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
        again = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
        body = first + again * (times - 1) + packer.flush()
        return zlib.compress(body, 9, 31) if kind == "nested" else body
    if kind == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=3).compress(part) * times
    if kind == "br":
        import brotli

        packer = brotli.Compressor(quality=1, lgwin=24)
        return b"".join(packer.process(part) for _ in range(times)) + packer.finish()
    raise KeyError(kind)


def bomb(site: Site, asked: Asked, rest: str) -> Any:
    """``/bomb/<gzip|deflate|br|zstd|nested>``: a gigabyte in a few kilobytes."""
    coding = "gzip, gzip" if rest == "nested" else rest
    return _reply(200, bomb_bytes(rest), headers=[("Content-Encoding", coding)])


ENDPOINTS: dict[str, Callable[[Any, Any, str], Any]] = {
    "robots.txt": robots,
    "headers": headers,
    "echo": echo,
    "big-headers": big_headers,
    "endless-headers": endless_headers,
    "cookies": cookies,
    "slow": slow,
    "trickle": trickle,
    "endless": endless,
    "cut": cut,
    "reset": lambda site, asked, rest: reset,
    "nothing": lambda site, asked, rest: close,
    "garbage": garbage,
    "status": status,
    "retry-after": retry_after,
    "redirect": redirect,
    "redirect-loop": redirect_loop,
    "redirect-to": redirect_to,
    "meta-refresh": meta_refresh,
    "flaky": flaky,
    "login": login,
    "private": private,
    "charset": charset,
    "empty": empty,
    "calendar": calendar,
    "variants": variants,
    "deeper": deeper,
    "bomb": bomb,
}
