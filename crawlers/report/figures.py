"""What a run did, as one plain dictionary: the figures of ``runs/<run-id>.json`` and of the HTML report.

The figures are those of the crawl that the run took part in, from the ledger, whoever fetched what; ``this_run`` has
this process's own part. The shape is ``schemas/run.schema.json``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson

from crawlers import __version__
from crawlers.errors import LOGIN_WALL, LedgerError
from crawlers.ledger import captures, crawls, records, statistics
from crawlers.ledger.budget import MAX_PAGES
from crawlers.ledger.clock import utc_now
from crawlers.ledger.frontier import Frontier
from crawlers.outcome import is_temporary, outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

SCHEMA_VERSION = 1
SAMPLE_RECORDS = 20_000
"""Records whose text, media and rights are looked at; a source with more is represented by a random choice."""

_LENGTH_EDGES = (0, 1, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_HOSTS = 25
_SAMPLES = 3
_EXCERPT = 280
_LOOKED_INTO = 200_000
_FEW_BYTES = 200
_PASSWORD = re.compile(rb"<input[^>]{1,500}?type\s?=\s?[\"']?password")
_TAG = re.compile(rb"<[^<>]*>")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s\"'<>]+@")


@dataclass(slots=True)
class Ending:
    """What the ledger does not know: how this process ended."""

    reason: str = "finished"
    """Scrapy's: finished, shutdown, closespider_timeout, disk-full …"""
    seconds: float = 0.0
    """Wall time of the run."""
    resumed: bool = False
    max_pages: int = 0
    """Page budget of the crawl as this run had it; 0: none."""
    problems: list[dict[str, str]] = field(default_factory=list)
    """What went wrong with the ledger, the disk or an export: kind and message."""
    files: dict[str, str] = field(default_factory=dict)
    """What was written: name of the export to its path."""
    traffic: dict[str, int] = field(default_factory=dict)
    """Requests sent, bytes received and so on, by this run."""


def summary(conn: Connection, source: str, crawl_id: int, run_id: str, ending: Ending | None = None) -> dict[str, Any]:
    """The figures of the crawl *crawl_id*, with the outcome of the run *run_id*.

    Args:
        conn: in a read transaction.
        source: name of the source.
        crawl_id: the crawl that the run took part in.
        run_id: the run.
        ending: how the process ended; None: as if it had just finished.

    Raises:
        LedgerError: the ledger does not know the run or the crawl.
    """
    ending = ending or Ending()
    crawl, run = crawls.crawl(conn, crawl_id), crawls.run(conn, run_id)
    if crawl is None or run is None:
        raise LedgerError(
            f"expected run {run_id} of crawl {crawl_id} in the ledger, got none: it was removed or never begun"
        )
    requests = _requests(conn, crawl_id, source)
    found: dict[str, Any] = {
        **_head(crawl, run, ending),
        "requests": requests,
        "budget": _budget(conn, crawl_id, ending.max_pages, requests["skipped"]),
        "records": _records(conn, source, crawl_id),
        "rejected": _rejected(conn, source, crawl_id),
        "this_run": {"settled": statistics.settled_by(conn, crawl_id, run_id), **ending.traffic},
        "files": ending.files,
        "clue": None,
    }
    reasons = found["rejected"]["reasons"]
    if not found["records"]["seen"] and all(reason["stage"] == "extract" for reason in reasons):
        walls = any(reason["reason"] == LOGIN_WALL for reason in reasons)
        found["clue"] = "login-page" if walls else _clue(conn, source, crawl_id)
    found["outcome"] = asdict(outcome(found))
    without_credentials: dict[str, Any] = public(found)
    return without_credentials


def _head(crawl: Any, run: Any, ending: Ending) -> dict[str, Any]:
    """Who ran what, when, and how it ended; *crawl* and *run* are rows of the ledger."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.id,
        "source": crawl.source,
        "mode": crawl.kind,
        "command": run.command,
        "worker": run.worker,
        "gristmill": __version__,
        "settings_digest": run.settings_digest,
        "started_at": run.started_at,
        "finished_at": utc_now(),
        "seconds": round(ending.seconds, 3),
        "finish_reason": ending.reason,
        "problems": ending.problems,
        "crawl": {
            "id": crawl.id,
            "round": crawl.round,
            "state": crawl.state,
            "started_at": crawl.started_at,
            "resumed": ending.resumed,
            "arguments": orjson.loads(crawl.arguments),
        },
    }


def _requests(conn: Connection, crawl_id: int, source: str) -> dict[str, Any]:
    states = Frontier(crawl_id, "").counts(conn)
    reasons = statistics.request_reasons(conn, crawl_id)
    hosts, number = statistics.hosts(conn, crawl_id, source, _HOSTS)
    return {
        "discovered": sum(states.values()),
        "states": states,
        "redirected": sum(n for state, reason, n in reasons if (state, reason) == ("done", "redirected")),
        "routes": [
            _reason(conn, crawl_id, state, reason, n)
            for state, reason, n in reasons
            if state == "done" and reason != "redirected"
        ],
        "failed": [
            _reason(conn, crawl_id, state, reason, n) | {"temporary": is_temporary(reason)}
            for state, reason, n in reasons
            if state == "failed"
        ],
        "skipped": [_reason(conn, crawl_id, state, reason, n) for state, reason, n in reasons if state == "skipped"],
        "statuses": statistics.statuses(conn, crawl_id),
        "hosts": hosts,
        "hosts_number": number,
    }


def _budget(conn: Connection, crawl_id: int, max_pages: int, skipped: list[dict[str, Any]]) -> dict[str, int] | None:
    """How much of a page budget was spent, and what it left out; None where there is none."""
    if not max_pages:
        return None
    left = sum(reason["number"] for reason in skipped if reason["reason"] == MAX_PAGES)
    return {"max_pages": max_pages, "pages": Frontier(crawl_id, "").pages(conn), "left": left}


def _reason(conn: Connection, crawl_id: int, state: str, reason: str, number: int) -> dict[str, Any]:
    samples = statistics.request_samples(conn, crawl_id, state, reason, _SAMPLES)
    return {"reason": reason, "number": number, "samples": samples}


def _records(conn: Connection, source: str, crawl_id: int) -> dict[str, Any]:
    changes = statistics.record_changes(conn, source, crawl_id)
    by = statistics.records_by(conn, source, "type", "modality", "language")
    return {
        **changes,
        "seen": sum(changes[name] for name in ("new", "changed", "updated", "unchanged")),
        "types": by["type"],
        "modalities": by["modality"],
        "languages": by["language"],
        **_looked_at(statistics.sample(conn, source, SAMPLE_RECORDS)),
    }


def _looked_at(sample: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What only the records themselves tell."""
    lengths: list[int] = []
    flags: Counter[str] = Counter()
    keywords: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    optout: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    references = 0
    for record in sample:
        lengths.append(len(record["text"] or ""))
        flags.update(record["flags"])
        keywords.update({match["phrase"] for match in record["keywords"]})
        rights = record["rights"]
        licences[rights.get("license") or "unknown"] += 1
        optout[{True: "refused", False: "allowed"}.get(rights.get("ai_optout"), "unknown")] += 1
        for part in record["media"]:
            references += 1
            if part.get("path") and part.get("sha256"):
                sizes[part["sha256"]] = part.get("bytes") or 0
            elif part.get("error"):
                errors[part["error"].partition(":")[0]] += 1
    return {
        "sampled": len(lengths),
        "text_length": _lengths(lengths),
        "flags": dict(flags.most_common(20)),
        "keywords": dict(keywords.most_common(20)),
        "licenses": dict(licences.most_common(10)),
        "ai_optout": dict(optout.most_common()),
        "media": {
            "references": references, "files": len(sizes), "bytes": sum(sizes.values()),
            "errors": dict(errors.most_common(10)),
        },
    }  # fmt: skip


def _lengths(lengths: list[int]) -> dict[str, Any]:
    """Median, extremes and a histogram of text lengths in code points."""
    bins = []
    for low, high in zip(_LENGTH_EDGES, [*_LENGTH_EDGES[1:], None]):
        number = sum(1 for n in lengths if n >= low and (high is None or n < high))
        bins.append({"from": low, "to": high, "number": number})
    if not lengths:
        return {"median": None, "shortest": None, "longest": None, "histogram": bins}
    return {"median": int(median(lengths)), "shortest": min(lengths), "longest": max(lengths), "histogram": bins}


def _rejected(conn: Connection, source: str, crawl_id: int) -> dict[str, Any]:
    counts = statistics.rejection_counts(conn, source, crawl_id)
    reasons = [
        {
            "stage": stage, "reason": reason, "number": number,
            "samples": [
                _rejection(conn, row) for row in statistics.rejection_samples(conn, source, crawl_id, stage, reason, _SAMPLES)
            ],
        }
        for stage, reason, number in counts
    ]  # fmt: skip
    return {"number": sum(number for _, _, number in counts), "reasons": reasons}


def _rejection(conn: Connection, row: dict[str, Any]) -> dict[str, Any]:
    record = row["record"]
    kept = records.get(conn, row["duplicate_of"]) if row["duplicate_of"] else None
    names = ("record_id", "key", "url", "detail", "value", "threshold", "duplicate_of")
    return {name: row[name] for name in names} | {
        "title": excerpt(record.get("title"), 120),
        "text": excerpt(record.get("text"), _EXCERPT),
        "kept": None if kept is None else {"title": excerpt(kept["title"] or kept["key"], 120), "url": kept["url"]},
    }


def excerpt(text: str | None, limit: int) -> str | None:
    """The beginning of *text* on one line, at most *limit* code points."""
    if not text:
        return None
    line = printable(" ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1].rstrip() + "…"


def printable(text: str) -> str:
    """*text* without control characters, which a terminal would obey (a tab or a line break becomes a space)."""
    return _CONTROL.sub(lambda match: " " if match[0] in "\t\n\r" else "\ufffd", text)


def _clue(conn: Connection, source: str, crawl_id: int) -> str | None:
    """Why pages may have given no record, by what they look like."""
    for fingerprint, _ in statistics.answered(conn, crawl_id, 3):
        page = captures.page(conn, source, fingerprint)
        body = captures.load(conn, page.body_sha256) if page is not None and page.body_sha256 else None
        look = look_of(body) if body is not None else None
        if look is not None:
            return look
    return None


def look_of(body: bytes) -> str | None:
    """What an answer looks like that holds no record: login-page, script-only, empty; None: like a page."""
    body = body[:_LOOKED_INTO].lower()
    if not body.strip():
        return "empty"
    if _PASSWORD.search(body):
        return "login-page"
    outside = [part.partition(b"</script")[2] for part in body.split(b"<script")[1:]]
    visible = _TAG.sub(b" ", b" ".join([body.partition(b"<script")[0], *outside]))
    if b"<script" in body and len(b" ".join(visible.split())) < _FEW_BYTES:
        return "script-only"
    return None


def public(value: Any) -> Any:
    """*value* without the user names and passwords that URLs may carry."""
    if isinstance(value, str):
        return _CREDENTIALS.sub("***@", value)
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items()}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value
