"""The report as one HTML file: no script, no other resource, everything from a source escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crawlers.outcome import MEANINGS
from crawlers.report.figures import printable
from crawlers.settings import ITEM_PIPELINES

_TEMPLATES = Path(__file__).parents[1] / "templates"


def render(summary: dict[str, Any]) -> str:
    """The report of a run.

    Args:
        summary: as :func:`crawlers.report.summary` makes it.
    """
    return (
        _environment()
        .get_template("report.html")
        .render(
            run=summary,
            meaning=MEANINGS[summary["outcome"]["exit_code"]],
            urls=url_funnel(summary),
            records=record_funnel(summary),
        )
    )


def url_funnel(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """From discovered URLs to pages: each step with its number, and what went before it with the reasons."""
    requests = summary["requests"]
    states, total = requests["states"], requests["discovered"]
    asked = total - states["skipped"] - states["pending"] - states["leased"]
    waiting = states["pending"] + states["leased"]
    lost = [_loss("skipped", states["skipped"], requests["skipped"])] if states["skipped"] else []
    if waiting:
        lost.append({"what": "still waiting", "number": waiting, "reasons": ""})
    redirected = requests["redirected"]
    routes = sum(reason["number"] for reason in requests["routes"])
    steps = [
        _step("URLs discovered", total, total, []),
        _step("asked for", asked, total, lost),
        _step(
            "answered", states["done"], total,
            [_loss("failed", states["failed"], requests["failed"])] if states["failed"] else [],
        ),
    ]  # fmt: skip
    if redirected:
        loss = {"what": "led elsewhere", "number": redirected, "reasons": "redirects"}
        steps.append(_step("pages read", states["done"] - redirected, total, [loss]))
    if routes:
        loss = _loss("only lead to pages", routes, requests["routes"])
        steps.append(_step("pages with something to keep", states["done"] - redirected - routes, total, [loss]))
    return steps


def record_funnel(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """From records found on pages to records kept: one step for each stage that rejected something."""
    kept, reasons = summary["records"]["seen"], summary["rejected"]["reasons"]
    total = kept + summary["rejected"]["number"]
    steps, left = [_step("records found", total, total, [])], total
    for stage in _stages(reasons):
        own = [reason for reason in reasons if reason["stage"] == stage]
        number = sum(reason["number"] for reason in own)
        left -= number
        steps.append(_step(f"after {stage}", left, total, [_loss("rejected", number, own)]))
    if len(steps) > 1:
        steps[-1]["label"] = "records kept"
    return steps


_ORDER = ["read", *(path.split(".")[-2] for path in sorted(ITEM_PIPELINES, key=lambda path: ITEM_PIPELINES[path]))]


def _stages(reasons: list[dict[str, Any]]) -> list[str]:
    """Stages in flow order; those of other people's pipelines after ours."""
    found = {reason["stage"] for reason in reasons}
    return sorted(found, key=lambda stage: (_ORDER.index(stage) if stage in _ORDER else len(_ORDER), stage))


def _step(label: str, number: int, total: int, lost: list[dict[str, Any]]) -> dict[str, Any]:
    return {"label": label, "number": number, "share": number / total if total else 0.0, "lost": lost}


def _loss(what: str, number: int, reasons: list[dict[str, Any]]) -> dict[str, Any]:
    top = [f"{reason['reason']} {reason['number']:,}" for reason in reasons[:4]]
    return {"what": what, "number": number, "reasons": ", ".join(top) + (", …" if len(reasons) > 4 else "")}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.finalize = lambda value: printable(value) if type(value) is str else value
    environment.filters |= {
        "number": lambda value: f"{value:,}",
        "percent": _percent,
        "size": _size,
        "duration": _duration,
        "json": lambda value: value if isinstance(value, str) else orjson.dumps(value).decode(),
        "link": lambda url: url if url and urlsplit(url).scheme in {"http", "https"} else "",
        "bars": _bars,
        "time": lambda text: text.replace("T", " ").replace("Z", " UTC"),
    }
    return environment


def _percent(share: float) -> str:
    """``12 %``, with a decimal where it is small and not nothing."""
    value = 100 * share
    return f"{value:.1f} %" if 0 < value < 10 and round(value, 1) != round(value) else f"{value:.0f} %"


def _size(number: int) -> str:
    value, unit = float(number), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _bars(counts: dict[str, int], limit: int = 10) -> list[dict[str, Any]]:
    """Label, number, and width relative to the largest; what is beyond *limit* in one line."""
    pairs = list(counts.items())
    if len(pairs) > limit:
        pairs = [*pairs[: limit - 1], (f"{len(pairs) - limit + 1} others", sum(n for _, n in pairs[limit - 1 :]))]
    largest = max((number for _, number in pairs), default=0)
    return [
        {"label": label, "number": number, "width": 100 * number / largest if largest else 0} for label, number in pairs
    ]
