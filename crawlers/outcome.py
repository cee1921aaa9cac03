"""What a run's figures mean: the exit code, one sentence, and what to do next.

====  ===========  ====================================================================================
code  meaning      when
====  ===========  ====================================================================================
0     complete     every URL is settled, and at most 5 % of the pages failed for reasons that may pass
1     failed       the ledger, the disk or an export failed; nothing could be fetched; pages came, but nothing in them
2     wrong use    decided before the first request
3     incomplete   requests are waiting, or more than 5 % of the pages failed for reasons that may pass
====  ===========  ====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from crawlers.ledger.settlement import LIST
from crawlers.middlewares.outcomes import TEMPORARY

COMPLETE, FAILED, WRONG_USE, INCOMPLETE = 0, 1, 2, 3
MEANINGS = {COMPLETE: "complete", FAILED: "failed", WRONG_USE: "wrong use", INCOMPLETE: "incomplete"}

TEMPORARY_SHARE = 0.05
"""Share of the pages that may have failed for temporary reasons in a crawl that counts as complete."""

_CLUES = {
    "login-page": "What came looks like a login page: the source wants a session. Give the crawl its cookie (-s "
    'COOKIES_ENABLED=0 -s DEFAULT_REQUEST_HEADERS=\'{"Cookie": "…"}\'), or have the spider open one.',
    "script-only": "What came has scripts and hardly any text: the pages are built in the browser. "
    "Look for the API that they call.",
    "empty": "What came is empty.",
}
"""What to do about pages that look as :func:`crawlers.report.figures.look_of` says."""

_SELECTORS = "the spider's selectors still fit: `scrapy shell <url>`."
_MORE = "For more pages run the same command with a larger max_pages: it goes on where this crawl ended."

_TEMPORARY_STATUS = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    exit_code: int
    headline: str
    """One sentence for a person."""
    next_step: str
    """What to do now; empty where there is nothing to do."""


def is_temporary(reason: str) -> bool:
    """Whether a page that failed for *reason* (slug) may be there next time."""
    status = reason.removeprefix("http-")
    return reason in TEMPORARY or (status.isdecimal() and int(status) in _TEMPORARY_STATUS)


def outcome(summary: dict[str, Any]) -> Outcome:
    """Judge a run.

    Args:
        summary: as :func:`crawlers.report.summary` makes it.
    """
    judges = (_broken, _interrupted, _nothing_fetched, _nothing_found, _many_failed)
    judged = next(filter(None, (judge(summary) for judge in judges)), None)
    if judged is None:
        return _complete(summary)
    if not _left_out(summary) or _MORE in judged.next_step:
        return judged
    return replace(judged, next_step=f"{judged.next_step} {_MORE}")


def _broken(summary: dict[str, Any]) -> Outcome | None:
    """The ledger, the disk or an export failed."""
    if not summary["problems"]:
        return None
    first = summary["problems"][0]
    waiting = _waiting(summary)
    again = "run the same command again" + (f" to go on ({_n(waiting, 'page')} pending)" if waiting else "")
    steps = {
        "disk-full": f"Make room, then {again}. Nothing that was committed is lost.",
        "ledger": f"See to it that the database can be written, then {again}. Nothing that was committed is lost.",
        "export": f"The records are in the ledger. Run `scrapy export {summary['source']}` once the cause is gone.",
    }
    return Outcome(FAILED, first["message"], steps.get(first["kind"], f"See the log, then {again}."))


def _interrupted(summary: dict[str, Any]) -> Outcome | None:
    waiting = _waiting(summary)
    if not waiting and summary["finish_reason"] == "finished":
        return None
    if not waiting and summary["mode"] == "readmit":
        return Outcome(INCOMPLETE, f"Stopped ({summary['finish_reason']}).", "Run the same command again to go on.")
    if not waiting:
        return None
    others = summary["requests"]["states"].get("leased", 0)
    if summary["finish_reason"] == "finished" and others == waiting:
        return Outcome(
            INCOMPLETE,
            f"This worker is done; {_n(others, 'page')} of the crawl {_are(others)} with other workers.",
            "Nothing to do while they run; if they died, run the same command again.",
        )
    return Outcome(
        INCOMPLETE,
        f"Stopped before the end ({summary['finish_reason']}): {_n(waiting, 'page')} pending.",
        f"Run the same command again to go on ({_n(waiting, 'page')} pending).",
    )


def _nothing_fetched(summary: dict[str, Any]) -> Outcome | None:
    records = summary["records"]
    if summary["mode"] == "readmit" or _pages(summary) or records["seen"] or summary["rejected"]["number"]:
        return None
    if summary["mode"] == "refine" and not summary["requests"]["discovered"]:
        return Outcome(
            FAILED,
            f"There is no stored capture of {summary['source']} to refine.",
            f"Run `scrapy crawl {summary['source']}` with CAPTURE_ENABLED on first.",
        )
    if not summary["requests"]["discovered"]:
        return Outcome(FAILED, "The spider asked for nothing.", "See its start_urls or start(), and the log.")
    reasons = summary["requests"]["failed"] or summary["requests"]["skipped"]
    if not reasons:
        return None
    return Outcome(FAILED, f"Nothing could be fetched: {_why(reasons)}.", _advice(reasons[0]["reason"]))


def _nothing_found(summary: dict[str, Any]) -> Outcome | None:
    """Pages came, but neither a record nor a rejection; rejections for being empty or unreadable are no find."""
    found = sum(reason["number"] for reason in summary["rejected"]["reasons"] if reason["stage"] != "extract")
    if summary["mode"] == "readmit" or summary["records"]["seen"] or found:
        return None
    pages, clue = _pages(summary), _CLUES.get(summary["clue"] or "")
    headline = f"{_n(pages, 'page')} {_were(pages)} fetched, but no record was found on any of them."
    left = _left_out(summary)
    if clue or not left or 2 * summary["rejected"]["number"] >= pages:
        return Outcome(FAILED, headline, clue or f"See whether {_SELECTORS}")
    step = _MORE if _lists(summary) == pages else f"{_MORE} If they have none either, see whether {_SELECTORS}"
    return _many_failed(summary) or Outcome(COMPLETE, f"{headline} {_spent(summary, left)}", step)


def _many_failed(summary: dict[str, Any]) -> Outcome | None:
    """More pages failed for temporary reasons than a complete crawl may have."""
    failed = [reason for reason in summary["requests"]["failed"] if reason["temporary"]]
    number = sum(reason["number"] for reason in failed)
    asked = summary["requests"]["states"]["done"] + summary["requests"]["states"]["failed"]
    if number <= TEMPORARY_SHARE * asked:
        return None
    reasons = ", ".join(f"{reason['reason']} {reason['number']:,}" for reason in failed[:3])
    return Outcome(
        INCOMPLETE,
        f"{number:,} of {_n(asked, 'page')} failed for reasons that may pass: {reasons}.",
        "Run the same command again later; pages that did not change cost next to nothing.",
    )


def _complete(summary: dict[str, Any]) -> Outcome:
    records, rejected = summary["records"], summary["rejected"]["number"]
    if summary["mode"] == "readmit":
        headline = f"{_n(records['seen'], 'record')} readmitted, {rejected:,} rejected again."
    else:
        headline = f"{_n(records['seen'], 'record')} kept, {rejected:,} rejected."
    left = _left_out(summary)
    if left:
        headline += f" {_spent(summary, left)}"
        step = _MORE
    elif rejected and summary["mode"] != "readmit":
        step = f"Look at what was rejected: scrapy rejected {summary['source']}"
    else:
        step = ""
    return Outcome(COMPLETE, headline, step)


def _why(reasons: list[dict[str, Any]]) -> str:
    first = reasons[0]
    every = "every request" if len(reasons) == 1 else f"{first['number']:,} requests"
    slug = first["reason"]
    said = {
        "robots": f"robots.txt forbids {every}",
        "dns": f"the host's name cannot be resolved ({every})",
        "refused": f"the site refused the connection of {every}",
        "timeout": f"the site did not answer {every} in time",
        "forbidden-address": f"the address policy forbids {every}",
    }.get(slug)
    if slug.startswith("http-"):
        said = f"the site answered {slug.removeprefix('http-')} to {every}"
    return said or f"{every} ended with {slug!r}"


def _advice(slug: str) -> str:
    advice = {
        "robots": "Ask the site's owner, or take another source.",
        "dns": "Check the address and the network.",
        "forbidden-address": "If it is a network of yours, allow it: -s NETWORK_ALLOW=<network>.",
        "http-401": "The source wants a login.",
        "http-403": "The site does not want this user agent: set USER_AGENT with a contact, or ask its owner.",
        "http-404": "Check the address.",
    }
    return advice.get(
        slug, "Run the same command again later." if is_temporary(slug) else "See the report and the log."
    )


def _pages(summary: dict[str, Any]) -> int:
    """Pages that were looked at: no redirects, and nothing that only leads to pages, such as a sitemap."""
    requests = summary["requests"]
    routes = sum(route["number"] for route in requests["routes"])
    return int(requests["states"]["done"] - requests["redirected"] - routes + _lists(summary))


def _lists(summary: dict[str, Any]) -> int:
    return sum(route["number"] for route in summary["requests"]["routes"] if route["reason"] == LIST)


def _spent(summary: dict[str, Any], left: int) -> str:
    budget = _n(summary["budget"]["max_pages"], "page")
    return f"The budget of {budget} is spent: {_n(left, 'known URL')} {_are(left)} left."


def _left_out(summary: dict[str, Any]) -> int:
    """URLs that the crawl knows and did not ask for, because its page budget was spent."""
    return int(summary["budget"]["left"]) if summary["budget"] else 0


def _waiting(summary: dict[str, Any]) -> int:
    states = summary["requests"]["states"]
    return int(states.get("pending", 0) + states.get("leased", 0))


def _n(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
