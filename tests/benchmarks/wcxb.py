"""WCXB, the Web Content Extraction Benchmark (Murrough Foley, 2026, CC-BY-4.0): its pages, its truth, its score."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from crawlers.extractors.page import Page

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Sample:
    """A page and what a person found in it."""

    path: Path
    url: str
    kind: str
    truth: str
    title: str | None
    date: str | None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.path.name

    def page(self) -> Page:
        return Page(gzip.decompress(self.path.read_bytes()), self.url, {"content-type": ["text/html"]})


def folder() -> Path | None:
    """Where the benchmark was unpacked: ``GRISTMILL_WCXB``."""
    given = os.environ.get("GRISTMILL_WCXB")
    return Path(given) if given and Path(given, "html").is_dir() else None


def samples(where: Path) -> list[Sample]:
    """All pages of the benchmark with a truth, in order."""
    found = []
    for path in sorted((where / "ground-truth").glob("*.json")):
        known = json.loads(path.read_text())
        truth, kind = known["ground_truth"], known["_internal"]["page_type"]["primary"]
        html = where / "html" / f"{path.stem}.html.gz"
        if truth.get("main_content") is None:
            continue
        url = known.get("url") or f"http://{path.stem}.invalid/"
        found.append(Sample(html, url, kind, truth["main_content"], truth.get("title"), truth.get("publish_date")))
    return found


def words(text: str) -> list[str]:
    """The words that are compared."""
    return _WORD.findall(text.lower())


def f1(found: Counter[str], truth: Counter[str]) -> float:
    """F1 over two bags of words."""
    if not found and not truth:
        return 1.0
    common = (found & truth).total()
    return 2 * common / (found.total() + truth.total()) if common else 0.0
