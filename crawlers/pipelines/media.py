"""Media: fetches what a record refers to, stores it once by content, and writes down what it is.

Downloads pass all downloader middlewares, so that robots, limits and the address policy hold for pictures too. A file
that cannot be had does not cost the record: its entry says why. `refine` and `readmit` send no request: what was stored
is looked up, and what was not keeps the error that it had.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import orjson
from scrapy import Request
from scrapy.exceptions import NotConfigured

from crawlers.configuration import data_folder, listed
from crawlers.errors import ConfigurationError, DiskFull, GristmillError
from crawlers.extractors.mediatypes import is_svg, magic
from crawlers.ledger import media as table
from crawlers.ledger.database import open_ledger
from crawlers.ledger.session import CRAWL
from crawlers.mediastore import EXTENSIONS, MediaStore, StoredFile
from crawlers.middlewares.outcomes import TEMPORARY, Postponed, reason_of
from crawlers.sandbox import MEGABYTE, Sandbox, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

    from crawlers.items import Media, Record
    from crawlers.ledger.database import Database

_TRIES = 3
_WAIT_MAX = 30.0
_WORKERS = 2
_REMEMBERED = 10_000
_FACTS = "crawlers.extractors.pictures:facts"
_NOT_STORED = "not-stored"
_MAY_PASS = TEMPORARY | {"http-408", "http-425", "http-429", "timeout", "memory", "crash"}


class MediaPipeline:
    """Fetches and stores the pictures of records, and other media where they are asked for.

    Pictures are looked into by processes of their own, see :mod:`crawlers.extractors.pictures`; other media are stored
    by what their first bytes prove.

    Args:
        fetch: gives the answer to a request; None: nothing is fetched, only what is stored is found.
        store: where files are kept.
        database: the ledger, that knows what each URL gave.
        sandbox: where pictures are looked into.
        stats: counts.
        types: media types that are stored, or their first halves.
        per_record: files of one record at most.
        max_bytes: larger files are not kept.

    Settings:
        MEDIA_ENABLED, MEDIA_TYPES, MEDIA_MAX_PER_RECORD, MEDIA_MAX_BYTES, DATA_DIR
        GRISTMILL_MODE: fetch in a crawl only.

    Stats:
        gristmill/media/{stored,known,failed}: files that were fetched, that had not changed or were stored before, that
        could not be had.
    """

    def __init__(
        self,
        fetch: Callable[[Request], Awaitable[Response]] | None,
        store: MediaStore,
        database: Database,
        sandbox: Sandbox,
        *,
        stats: Any = None,
        types: Iterable[str] = ("image",),
        per_record: int = 8,
        max_bytes: int = 20 * MEGABYTE,
    ) -> None:
        self._fetch = fetch
        self._store = store
        self._database = database
        self._sandbox = sandbox
        self._stats = stats
        self._types = tuple(types)
        self._per_record = per_record
        self._max_bytes = max_bytes
        self._threads = ThreadPoolExecutor(_WORKERS + 1, thread_name_prefix="media")
        self._under_way: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._found: OrderedDict[str, dict[str, Any]] = OrderedDict()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> MediaPipeline:
        """Read the settings."""
        settings = crawler.settings
        if not settings.getbool("MEDIA_ENABLED"):
            raise NotConfigured("MEDIA_ENABLED is off: set it to store the pictures of records")
        types = _types(settings)
        try:
            import PIL  # noqa: F401
        except ImportError:
            raise NotConfigured('pictures need the package Pillow: pip install "gristmill[image]"') from None

        async def fetch(request: Request) -> Response:
            assert crawler.engine is not None
            return await crawler.engine.download_async(request)

        return cls(
            fetch if settings.get("GRISTMILL_MODE", CRAWL) == CRAWL else None,
            MediaStore(data_folder(settings)),
            open_ledger(settings),
            Sandbox(_WORKERS),
            stats=crawler.stats,
            types=types,
            per_record=settings.getint("MEDIA_MAX_PER_RECORD"),
            max_bytes=settings.getint("MEDIA_MAX_BYTES"),
        )

    def close_spider(self) -> None:
        """End the workers, let go of the ledger."""
        self._sandbox.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._database.close()

    def process_item(self, record: Record) -> Record | Awaitable[Record]:
        """Fill in the record's media; a coroutine only where there is something to fetch."""
        wanted = [media for media in record.media if media.sha256 is None and _is_web(media.url)]
        return self._fill(record, wanted[: self._per_record]) if wanted else record

    async def _fill(self, record: Record, wanted: list[Media]) -> Record:
        if self._fetch is None:
            wanted = await self._on_a_thread(self._without_failed, record, wanted)
        for media, found in zip(wanted, await asyncio.gather(*map(self._get, wanted)), strict=True):
            for name, value in found.items():
                setattr(media, name, value)
        return record

    def _without_failed(self, record: Record, wanted: list[Media]) -> list[Media]:
        """Those of *wanted* that may be stored; the others keep the error that the crawl wrote on the record."""
        with self._database.read() as conn:
            errors = table.errors(conn, record.id)
        left = []
        for media in wanted:
            error = errors.get(str(media.url), _NOT_STORED)
            if error.startswith(_NOT_STORED):
                left.append(media)
            else:
                media.error = error
        return left

    async def _get(self, media: Media) -> dict[str, Any]:
        """What is to be written into *media*. One URL is asked for once in a run."""
        url = str(media.url)
        if url in self._found:
            return deepcopy(self._found[url])
        future = self._under_way.get(url)
        if future is None:
            future = self._under_way[url] = asyncio.ensure_future(self._load(url))
            future.add_done_callback(lambda _: self._under_way.pop(url, None))
        return deepcopy(await asyncio.shield(future))

    async def _load(self, url: str) -> dict[str, Any]:
        try:
            found = await self._load_or_raise(url)
        except DiskFull:
            raise
        except Verdict as exc:
            found = {"error": f"{exc.slug}: {exc.detail}"}
        except GristmillError as exc:
            found = {"error": str(exc)}
        except Exception as exc:  # whatever a download may raise: it costs the picture, not the record
            slug, detail = reason_of(exc)
            found = {"error": f"{slug}: {detail}" if detail else slug}
        self._remember(url, found)
        return found

    def _remember(self, url: str, found: dict[str, Any]) -> None:
        error = found.get("error")
        if error is not None:
            self._count("failed")
            if error.partition(":")[0] in _MAY_PASS or error.startswith("http-5"):
                return
        self._found[url] = found
        if len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)

    async def _load_or_raise(self, url: str) -> dict[str, Any]:
        row = await self._on_a_thread(self._row, url)
        known = row if row is not None and await self._on_a_thread(self._is_whole, row) else None
        if self._fetch is None:
            return self._stored(row, known)
        response = await self._answer(self._fetch, url, known)
        if response.status == 304 and known is not None:
            return self._as_known(known)
        if response.status != 200:
            return {"error": f"http-{response.status}"}
        if len(response.body) > self._max_bytes:
            return {"error": f"too-large: {len(response.body):,} bytes, MEDIA_MAX_BYTES is {self._max_bytes:,}"}
        found: dict[str, Any] = await self._on_a_thread(self._keep, url, response)
        self._count("stored")
        return found

    async def _on_a_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _row(self, url: str) -> Any:
        """What *url* gave last."""
        with self._database.read() as conn:
            return table.by_url(conn, url)

    def _is_whole(self, row: Any) -> bool:
        return self._store.is_whole(StoredFile(row.sha256, row.path, row.bytes))

    def _stored(self, row: Any, known: Any) -> dict[str, Any]:
        if row is None:
            raise Verdict(_NOT_STORED, "refine and readmit fetch nothing, the next crawl does")
        if known is None:
            raise Verdict(_NOT_STORED, f"{row.path} is missing or damaged, the next crawl fetches it again")
        return self._as_known(known)

    def _as_known(self, known: Any) -> dict[str, Any]:
        self._count("known")
        return _described(known.sha256, known.path, known.media_type, known.bytes, orjson.loads(known.facts))

    async def _answer(self, fetch: Callable[[Request], Awaitable[Response]], url: str, known: Any) -> Response:
        meta = {"allow_offsite": True, "gristmill_media": True, "download_maxsize": self._max_bytes}
        request = Request(url, meta=meta)
        if known is not None and known.etag:
            request.headers["If-None-Match"] = known.etag
        if known is not None and known.last_modified:
            request.headers["If-Modified-Since"] = known.last_modified
        for attempt in range(_TRIES):
            try:
                return await fetch(request.replace(meta={**meta, "gristmill_attempts": attempt}))
            except Postponed as exc:
                if attempt + 1 == _TRIES or exc.until - time.time() > _WAIT_MAX:
                    raise
                await asyncio.sleep(max(0.0, exc.until - time.time()))
        raise AssertionError("unreachable")

    def _keep(self, url: str, response: Response) -> dict[str, Any]:
        """Look into the bytes, store them, write both down. Runs on a thread."""
        media_type, facts = self._look(response.body)
        file = self._store.store(response.body, media_type)
        etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
        self._database.run(
            lambda conn: table.put(
                conn, sha256=file.sha256, path=file.path, media_type=media_type, size=file.bytes, facts=facts, url=url,
                etag=etag.decode("latin-1") if etag else None,
                last_modified=modified.decode("latin-1") if modified else None,
            )
        )  # fmt: skip
        return _described(file.sha256, file.path, media_type, file.bytes, facts)

    def _look(self, body: bytes) -> tuple[str, dict[str, Any]]:
        """Media type and facts, by the bytes alone."""
        if is_svg(body):
            raise Verdict("unwanted", "expected a picture made of pixels, got SVG, which may carry scripts")
        media_type, facts = magic(body) or "image/", {}
        if media_type.startswith("image/"):
            facts = self._sandbox.call(_FACTS, body)
            media_type = facts.pop("media_type")
        if media_type not in EXTENSIONS:
            raise Verdict("unreadable", f"expected pictures, sound, video or PDF, got {media_type}")
        if media_type not in self._types and media_type.partition("/")[0] not in self._types:
            raise Verdict("unwanted", f"MEDIA_TYPES is {', '.join(self._types)}, got {media_type}")
        return media_type, facts

    def _count(self, what: str) -> None:
        if self._stats is not None:
            self._stats.inc_value(f"gristmill/media/{what}")


def _types(settings: BaseSettings) -> list[str]:
    """``MEDIA_TYPES``, each of which can be stored."""
    known = {name.partition("/")[0] for name in EXTENSIONS} | set(EXTENSIONS)
    types = [str(name).strip() for name in listed(settings, "MEDIA_TYPES")]
    for name in types:
        if name not in known:
            raise ConfigurationError(f"MEDIA_TYPES: expected some of {', '.join(sorted(known))}, got {name!r}")
    return types


def _is_web(url: str | None) -> bool:
    return url is not None and url.lower().startswith(("http://", "https://"))


def _described(sha256: str, path: str, media_type: str, size: int, facts: dict[str, Any]) -> dict[str, Any]:
    sharpness = facts.get("sharpness")
    return {
        "sha256": sha256,
        "path": path,
        "media_type": media_type,
        "bytes": size,
        "width": facts.get("width"),
        "height": facts.get("height"),
        "perceptual_hash": facts.get("perceptual_hash"),
        "quality": {} if sharpness is None else {"sharpness": sharpness},
        "error": None,
    }
