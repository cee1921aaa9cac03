"""What is planted in the demo site, and where: what a good crawl finds, refuses and flags. Paths, or slugs of products."""

from __future__ import annotations

# --- the shop -------------------------------------------------------------------------------------------------------

BLURRED = frozenset({"cobble-garden-bench", "bellfounder-pendant", "drift-jute-round", "atlas-bookcase"})
"""Products whose picture has no hard edge."""

TRUNCATED = "goose-step-nest-of-tables"
"""Product whose picture ends half-way."""

IMPOSSIBLE_PRICES = {"flint-doormat": "-3.00"}
"""Product to a price that ``schemas/sources/demo.schema.json`` refuses."""

# --- the news -------------------------------------------------------------------------------------------------------

EXACT_DUPLICATES = {
    "/news/print/harbour-dredging": "/news/harbour-dredging",
    "/news/print/bakery-starter": "/news/bakery-starter",
    "/archive/2026/bell-tower": "/news/bell-tower",
}
"""Another address with the same article, to the article."""

NEAR_DUPLICATES = {
    "/news/wire/swift-boxes": "/news/swift-boxes",
    "/news/wire/tram-timetable": "/news/tram-timetable",
    "/news/wire/school-kitchen": "/news/school-kitchen",
    "/news/wire/peat-restoration": "/news/peat-restoration",
}
"""Another address with a few words of the article changed, to the article."""

EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    "/news/wire/swift-boxes": (
        ("barely ninety", "hardly ninety"),
        ("a bottle of sparkling wine", "two bottles of cider"),
    ),
    "/news/wire/tram-timetable": (("seven to two", "nine to three"), ("the brewery", "the old malthouse")),
    "/news/wire/school-kitchen": (
        ("carrots in the basement", "turnips in the basement"),
        ("eleven bins", "twelve bins"),
    ),
    "/news/wire/peat-restoration": (("north of the", "west of the"), ("eighty thousand", "ninety thousand")),
}
"""What was changed in each near-duplicate."""

OFF_TOPIC = frozenset(
    f"/news/{slug}"
    for slug in (
        "lucky-seven-weekend", "jackpot-syndicate", "roulette-systems", "scratch-card-millions", "poker-night-bonus",
        "slot-machine-arcade",
    )
)  # fmt: skip
"""Articles in which a word of ``EXCLUDE`` occurs; it occurs nowhere else."""

EXCLUDE = ("casino", "lottery")
"""What the source `demo` does not want."""

GERMAN = frozenset(f"/news/{slug}" for slug in ("streuobstwiese", "nachtzug", "stadtbibliothek"))
FRENCH = frozenset(f"/news/{slug}" for slug in ("marche-couvert", "phare-restaure"))

BROKEN_JSON_LD = "/news/canal-swimmers"
"""Its JSON-LD ends in the middle of a string."""

WRONG_CHARSET = "/news/streuobstwiese"
"""Is UTF-8 and says that it is ISO 8859-1."""

OPT_OUT = "/news/ghost-writer"
"""Refuses use for AI, by meta robots."""

HIDDEN_TEXT = "/news/market-pitches"
"""Has a paragraph that no reader sees."""

ORPHAN = "/news/weather-diary"
"""No page links to it; the sitemap does."""

# --- everywhere -----------------------------------------------------------------------------------------------------

EMPTY = "/news/empty"
"""A page with nothing in it."""

MISSING = ("/news/old-story-removed", "/shop/chairs/discontinued-stool")
"""Linked, and not there."""

DISALLOWED = "/admin/"
"""Linked, and refused by robots.txt."""
