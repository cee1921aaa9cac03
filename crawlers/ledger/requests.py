"""Requests as JSON: what the frontier stores, and back. Never pickle.

A request is written as its URL and a small JSON object of what differs from a plain GET: method, headers, body,
callback and errback by name, ``meta``, ``cb_kwargs``. What cannot be written so is an error when it is enqueued, where
its origin is still known, not when it is read back hours later.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import Request
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.misc import load_object

from crawlers.errors import RequestNotSerializable
from crawlers.ledger.settlement import Entry, Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Spider

META_LEASE = "gristmill_lease"
"""Key in ``request.meta`` of the lease that a request was handed out under."""

_OWN_META = "gristmill_"
_TRANSIENT_META = frozenset({"depth", "download_latency", "download_slot", "_auth_proxy"})
_NO_CALLBACK = "<none>"


def entry_of(request: Request, spider: Spider, fingerprint: str) -> Entry:
    """*request* as a row of the frontier.

    Args:
        request: what a spider or a middleware asks for.
        spider: whose methods the callback and errback must be.
        fingerprint: hex digits that identify it within its crawl.

    Raises:
        RequestNotSerializable: naming the request, the part and what to do.
    """
    parts = urlparse_cached(request)
    return Entry(
        fingerprint=fingerprint,
        url=request.url,
        host=request.meta.get("download_slot") or parts.netloc.rpartition("@")[2] or parts.scheme,
        payload=_payload(request, spider),
        priority=request.priority,
        depth=int(request.meta.get("depth", 0)),
        available_at=float(request.meta.get("gristmill_available_at", 0.0)),
    )


def request_of(lease: Lease, spider: Spider) -> Request:
    """The request that *lease* stands for, carrying the lease in its ``meta``."""
    data: dict[str, Any] = orjson.loads(lease.payload) if lease.payload != "{}" else {}
    meta = data.get("meta") or {}
    meta["depth"] = lease.depth
    meta[META_LEASE] = lease.id
    meta["gristmill_attempts"] = lease.attempts
    meta["gristmill_fingerprint"] = lease.fingerprint.partition(":")[0]
    cls = _class(data["class"]) if "class" in data else Request
    return cls(
        lease.url,
        callback=_method(spider, data.get("callback")),
        errback=_method(spider, data.get("errback")),
        method=data.get("method", "GET"),
        headers=data.get("headers"),
        body=_read_body(data),
        cookies=data.get("cookies"),
        meta=meta,
        encoding=data.get("encoding", "utf-8"),
        priority=lease.priority,
        dont_filter=data.get("dont_filter", False),
        flags=data.get("flags"),
        cb_kwargs=data.get("cb_kwargs"),
    )


def _payload(request: Request, spider: Spider) -> str:
    data: dict[str, Any] = {}
    if type(request) is not Request:
        data["class"] = f"{type(request).__module__}.{type(request).__qualname__}"
    if request.method != "GET":
        data["method"] = request.method
    if request.headers:
        data["headers"] = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values]
            for name, values in request.headers.items()
        }
    if request.body:
        _write_body(request.body, data)
    if request.callback is not None:
        data["callback"] = _name(request.callback, spider, request, "callback")
    errback = getattr(request.errback, "original", request.errback)
    if errback is not None:
        data["errback"] = _name(errback, spider, request, "errback")
    meta = {k: v for k, v in request.meta.items() if k not in _TRANSIENT_META and not k.startswith(_OWN_META)}
    optional = {
        "meta": meta,
        "cb_kwargs": request.cb_kwargs,
        "cookies": request.cookies,
        "flags": request.flags,
        "encoding": request.encoding if request.encoding != "utf-8" else None,
        "dont_filter": request.dont_filter,
    }
    data.update({name: value for name, value in optional.items() if value})
    if not data:
        return "{}"
    try:
        return orjson.dumps(data).decode()
    except (TypeError, ValueError) as exc:
        raise RequestNotSerializable(
            f"{request}: expected meta, cb_kwargs and cookies of plain JSON values, got one that is not ({exc}). "
            f"Pass identifiers instead of objects; found in {_culprit(data)}."
        ) from exc


def _culprit(data: dict[str, Any]) -> str:
    """Which parts, and which of their keys, cannot be written."""
    bad = []
    for part in ("meta", "cb_kwargs", "cookies"):
        value = data.get(part)
        for key, item in value.items() if isinstance(value, dict) else ():
            try:
                orjson.dumps({key: item})
            except (TypeError, ValueError):
                bad.append(f"{part}[{key!r}] ({type(item).__name__})")
    return ", ".join(bad) or "the request"


def _name(func: Callable[..., Any], spider: Spider, request: Request, part: str) -> str:
    if func is NO_CALLBACK:
        return _NO_CALLBACK
    name = getattr(func, "__name__", "")
    if getattr(func, "__self__", None) is spider and getattr(spider, name, None) == func:
        return name
    raise RequestNotSerializable(
        f"{request}: expected its {part} to be a method of the spider {spider.name!r}, got {func!r}. "
        "Requests are stored as JSON so that a killed crawl can go on: give the function a name in the spider's class."
    )


def _class(name: str) -> type[Request]:
    try:
        return load_object(name)  # type: ignore[no-any-return]
    except (ImportError, NameError, ValueError) as exc:
        raise _gone(f"the class {name!r}, which is not there any more ({exc})", "the class its name") from None


def _method(spider: Spider, name: str | None) -> Callable[..., Any] | None:
    if name is None:
        return None
    if name == _NO_CALLBACK:
        return NO_CALLBACK
    try:
        return getattr(spider, name)  # type: ignore[no-any-return]
    except AttributeError:
        what = f"the callback {name!r}, which the spider {spider.name!r} no longer has"
        raise _gone(what, "the method its name") from None


def _gone(what: str, which: str) -> RequestNotSerializable:
    return RequestNotSerializable(
        f"the stored request names {what}. Give {which} back, or fetch the pages anew with `scrapy crawl --fresh`."
    )


def _write_body(body: bytes, data: dict[str, Any]) -> None:
    try:
        data["body"] = body.decode()
    except UnicodeDecodeError:
        data["body64"] = base64.b64encode(body).decode()


def _read_body(data: dict[str, Any]) -> bytes | str | None:
    if "body64" in data:
        return base64.b64decode(data["body64"])
    return data.get("body")
