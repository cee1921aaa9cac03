"""Cleaning: cost of a clean and of a dirty record, beside ftfy's fix_text on the same texts."""

from __future__ import annotations

import copy
import sys
import time

import ftfy

from crawlers.items import Block, Record
from crawlers.pipelines.clean import CleanPipeline
from tests.pages import paragraphs_of

TARGET = 80.0  # µs for a text of 2.3 KB that needs nothing


def microseconds(call, items: list) -> float:
    """CPU time of *call* for one of *items*."""
    began = time.process_time()
    for item in items:
        call(item)
    return (time.process_time() - began) / len(items) * 1e6


def main() -> int:
    """Print the figures; 1 where the target is missed."""
    text = "\n\n".join(paragraphs_of("/item/7") + paragraphs_of("/item/8"))[:2300].strip()
    texts = {
        "clean": text,
        "clean, with accents": text.replace("the ", "thé "),
        "white space": text.replace(". ", ".  \t").replace("\n\n", " \r\n \r\n"),
        "mojibake, hidden": text.replace("the ", "thÃ© ").replace("garden", "gar\u200bden"),
    }
    stage, fine = CleanPipeline(), True
    print("  text                    a record   ftfy.fix_text")
    for name, given in texts.items():
        record = Record("s", "k", text=given, title="A title", language="en", authors=["Ada Writer"])
        record.fields = {"price": "9.90", "sku": "A-1", "stock": "n/a" if name != "clean" else "in", "tags": ["a", "b"]}
        record.blocks = [Block("paragraph", 0, 200), Block("paragraph", 202, 900)]
        best = min(microseconds(stage.process_item, [copy.deepcopy(record) for _ in range(400)]) for _ in range(5))
        baseline = min(microseconds(ftfy.fix_text, [given] * 100) for _ in range(3))
        verdict = ""
        if name == "clean":
            fine = best <= TARGET
            verdict = f"   target <= {TARGET:g}: {'ok' if fine else 'MISSED'}"
        print(f"  {name:20} {best:9.1f} µs {baseline:10.1f} µs{verdict}")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
