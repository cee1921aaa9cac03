"""Validation of a record: what the pipeline costs, beside jsonschema as most programs call it."""

from __future__ import annotations

import sys
import time
from itertools import pairwise

import jsonschema

from crawlers.items import Block, KeywordMatch, Media, Provenance, Record, Rights, Signal, Transform, to_dict
from crawlers.pipelines.validate import ValidatePipeline
from crawlers.schemas import Schema, Schemas
from tests.pages import paragraphs_of

TARGET = 50.0  # µs
SHOP = {
    "type": "object",
    "required": ["price", "sku"],
    "properties": {
        "price": {"type": "number", "minimum": 0},
        "sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        "stock": {"enum": ["in", "out"]},
        "rating": {"type": ["integer", "null"], "minimum": 1, "maximum": 5},
    },
}


def record() -> Record:
    """A product page of ordinary size."""
    text = "\n\n".join(paragraphs_of("/item/7"))
    starts = [0, *(i + 2 for i, pair in enumerate(pairwise(text)) if pair == ("\n", "\n"))]
    return Record(
        "shop", "https://shop.example/1", url="https://shop.example/1", title="A title", text=text, language="en", type="Product",
        published_at="2026-11-24T08:33:01Z", authors=["Ada Writer"],
        blocks=[Block("paragraph", start, start + 40) for start in starts],
        fields={"price": 9.9, "sku": "AB-1", "stock": "in", "rating": 4},
        media=[Media(url=f"https://shop.example/{i}.jpg", alt="A picture") for i in range(3)],
        keywords=[KeywordMatch("garden", "keywords", 10, 16) for _ in range(4)],
        rights=Rights(robots="allowed", signals=[Signal("robots.txt", "allow", optout=False)]),
        provenance=Provenance(
            spider="shop", status=200, fetched_at="2026-11-24T08:33:01Z", content_type="text/html", encoding="utf-8",
            extractor="fast 1", confidence=0.9, transforms=[Transform("clean", "1", None, {"text": {"white-space": 2}})],
        ),
    )  # fmt: skip


def microseconds(call, times: int) -> float:
    """CPU time of one *call*, the best of five rounds."""
    call()
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            call()
        best = min(best, (time.process_time() - began) / times * 1e6)
    return best


def main() -> int:
    """Print the figures; 1 where the target is missed."""
    envelope, fields = Schemas.of({}).load("record"), Schema(SHOP, "shop")
    stage, item = ValidatePipeline(envelope, fields), record()
    plain = to_dict(item)
    whole = microseconds(lambda: stage.process_item(item), 2000)
    conversion = microseconds(lambda: to_dict(item), 2000)
    answer = microseconds(lambda: envelope.is_valid(plain) and fields.is_valid(item.fields), 5000)
    slow = microseconds(lambda: envelope._slow.is_valid(plain), 50)
    usual = microseconds(lambda: jsonschema.validate(plain, envelope.contents), 5)
    fine = whole <= TARGET
    print(f"  a record          {whole:9.1f} µs   target <= {TARGET:g}   {'ok' if fine else 'MISSED'}")
    print(f"    its plain form  {conversion:9.1f} µs   (the store writes the same one)")
    print(f"    both schemas    {answer:9.1f} µs")
    print(f"  jsonschema, compiled {slow:6.1f} µs; jsonschema.validate() {usual:,.0f} µs")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
