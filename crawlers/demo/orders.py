"""A small database of orders, the same on every machine: what the source `orders` reads where it is given no other."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path

_ITEMS = ("oak chair", "desk lamp", "wool rug", "bookcase", "standing desk", "tea set")
_REMARKS = (
    "Please ring twice, the bell is quiet.",
    "Leave the parcel with the neighbour on the left.",
    "The last one arrived with a scratch on the top edge, please pack it better.",
    "Deliver after six in the evening.",
)


def build(path: Path, rows: int = 500, seed: int = 7) -> Path:
    """Write the database to *path* unless it is there; return *path*. Amounts are text with two decimals, some null."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with sqlite3.connect(temporary) as db:
        db.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, item TEXT NOT NULL, "
            "amount DECIMAL(10, 2), currency TEXT NOT NULL, ordered_on DATE NOT NULL, remark TEXT)"
        )
        first = date(2026, 1, 1)
        db.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    number,
                    f"customer-{rng.randrange(80):03}",
                    rng.choice(_ITEMS),
                    None if rng.random() < 0.04 else round(rng.uniform(5, 900), 2),
                    rng.choice(("EUR", "USD", "GBP")),
                    (first + timedelta(days=rng.randrange(300))).isoformat(),
                    f"Order {number}: {rng.choice(_REMARKS)}" if rng.random() < 0.5 else None,
                )
                for number in range(1, rows + 1)
            ],
        )
    db.close()
    temporary.replace(path)
    return path
