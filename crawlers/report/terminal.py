"""The ten lines that a person reads when a crawl has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from crawlers.ledger.settlement import LIST
from crawlers.outcome import COMPLETE, FAILED, MEANINGS, WRONG_USE
from crawlers.report.figures import printable

if TYPE_CHECKING:
    from rich.console import Console

_LABEL = 10
_CHANGES = {
    "new": "new",
    "changed": "changed",
    "updated": "updated (metadata only)",
    "unchanged": "unchanged",
    "gone": "gone",
}
_STYLES = {COMPLETE: "bold green", FAILED: "bold red", WRONG_USE: "bold red"}


def lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each line.

    Args:
        summary: as :func:`crawlers.report.summary` makes it.
    """
    code, headline = summary["outcome"]["exit_code"], summary["outcome"]["headline"]
    said = [(summary["source"], f"{headline} (exit code {code}, {MEANINGS[code]})")]
    said.append(("urls", _urls(summary["requests"])))
    said.append(("kept", _kept(summary["records"])))
    said.append(("rejected", _rejected(summary)))
    files = summary["files"]
    said += [(name, files[name]) for name in ("records", "tasks") if name in files]
    rejected = f"scrapy rejected {summary['source']}" if summary["rejected"]["number"] else ""
    if rejected:
        said.append(("rejections", rejected))
    others = [path for name, path in files.items() if name not in {"records", "tasks", "report", "summary"}]
    if others:
        said.append(("also", ", ".join(others)))
    if "report" in files:
        said.append(("report", files["report"]))
    step = summary["outcome"]["next_step"]
    if step and not (rejected and step.endswith(rejected)):
        said.append(("next", step))
    return said


def show(summary: dict[str, Any], console: Console) -> None:
    """Print the lines."""
    (name, headline), *rest = lines(summary)
    style = _STYLES.get(summary["outcome"]["exit_code"], "bold yellow")
    console.print(Text.assemble((printable(name), "bold"), ": ", (printable(headline), style)))
    for label, text in rest:
        console.print(Text.assemble((f"  {label:<{_LABEL}}  ", "cyan"), printable(text)))


def _urls(requests: dict[str, Any]) -> str:
    states = requests["states"]
    lists = sum(reason["number"] for reason in requests["routes"] if reason["reason"] == LIST)
    parts = [f"{states['done']:,} answered" + (f" ({lists:,} of them lists)" if lists else "")]
    parts += [f"{states[name]:,} {name}{_top(requests[name])}" for name in ("failed", "skipped") if states[name]]
    waiting = states["pending"] + states["leased"]
    if waiting:
        parts.append(f"{waiting:,} pending")
    return f"{requests['discovered']:,} discovered: {', '.join(parts)}"


def _kept(records: dict[str, Any]) -> str:
    parts = [f"{records[name]:,} {said}" for name, said in _CHANGES.items() if records[name]]
    text = f"{records['kept']:,} records in the ledger" + (f": {', '.join(parts)}" if parts else "")
    if records["languages"]:
        text += " · " + ", ".join(f"{name} {n:,}" for name, n in list(records["languages"].items())[:3])
    if records["media"]["files"]:
        text += f" · {records['media']['files']:,} media files"
    return text


def _rejected(summary: dict[str, Any]) -> str:
    rejected = summary["rejected"]
    return f"{rejected['number']:,}{_top(rejected['reasons'], 4)}"


def _top(reasons: list[dict[str, Any]], limit: int = 2) -> str:
    if not reasons:
        return ""
    shown = [f"{reason['reason']} {reason['number']:,}" for reason in reasons[:limit]]
    return f" ({', '.join(shown)}{', …' if len(reasons) > limit else ''})"
