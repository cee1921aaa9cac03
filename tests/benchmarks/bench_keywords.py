"""Keywords: cost of a record at 10, 1,000 and 100,000 phrases, beside an alternation in Python's ``re``."""

from __future__ import annotations

import random
import re
import sys
import time

from crawlers.items import Record
from crawlers.pipelines.keywords import Group, KeywordsPipeline
from tests.pages import paragraphs_of

TARGET = 200.0  # µs at 100,000 phrases
_SYLLABLES = (
    "con",
    "pre",
    "ter",
    "mo",
    "ra",
    "li",
    "ex",
    "ta",
    "ster",
    "form",
    "wick",
    "ham",
    "ton",
    "burg",
    "dal",
    "gor",
)
_PRESENT = ["garden", "river", "the market", "winter"]


def phrases(number: int) -> list[str]:
    """Different phrases of one to three words, four of which occur in the text."""
    rng, found = random.Random(1), dict.fromkeys(_PRESENT)
    while len(found) < number:
        words = ("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) for _ in range(rng.randint(1, 3)))
        found[" ".join(words)] = None
    return list(found)


def microseconds(call, argument: object, times: int) -> float:
    """CPU time of one *call*, the best of five rounds."""
    call(argument)
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            call(argument)
        best = min(best, (time.process_time() - began) / times * 1e6)
    return best


def main() -> int:
    """Print the figures; 1 where the target is missed."""
    text = "\n\n".join(paragraphs_of("/item/7") + paragraphs_of("/item/8"))[:2300]
    accents = text.replace("the ", "thé ")
    fine = True
    print("  phrases     ASCII text   other text   re alternation   build")
    for number in (10, 1000, 100_000):
        listed = phrases(number)
        began = time.process_time()
        stage = KeywordsPipeline([Group("bench", any=listed)])
        build = time.process_time() - began
        plain, other = Record("s", "k", text=text, title="A title"), Record("s", "k", text=accents, title="A title")
        one = microseconds(stage.process_item, plain, 500)
        two = microseconds(stage.process_item, other, 500)
        baseline = "–"
        if number <= 1000:
            pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, listed))})\b", re.IGNORECASE)
            baseline = f"{microseconds(pattern.findall, text, 3):,.0f} µs"
        fine &= max(one, two) <= TARGET
        print(f"  {number:7,} {one:11.1f} µs {two:9.1f} µs {baseline:>13}   {build:10.2f} s")
    print(f"  target <= {TARGET:g} µs at 100,000: {'ok' if fine else 'MISSED'}")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
