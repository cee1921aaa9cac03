"""Near-duplicates: recall, precision, speed and memory of the index; datasketch on the same documents beside it.

Three kinds of documents of 2 to 4 KB: prose that has nothing in common, copies of it with 2 to 40 % of the words
edited, and pages from one template, which are alike without being the same. The truth is computed here from sets of words,
without any code of the index. Verification reads the stored text from a SQLite ledger, as in a crawl.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from crawlers.hashing import record_id
from crawlers.items import Record, to_dict
from crawlers.ledger.database import open_database
from crawlers.ledger.tables import records
from crawlers.pipelines.nearduplicates import DuplicateIndex
from crawlers.pipelines.signaturereader import SignatureReader
from tests.pages import WORDS, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

THRESHOLD, SHINGLE = 0.8, 5
RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
TARGETS = {"documents a CPU second": 6000, "bytes a document": 512, "recall": 0.99, "precision": 0.99}


def prose(number: int) -> str:
    """About 2 to 4 KB."""
    rng = random.Random(f"bench:{number}")
    return "\n\n".join(sentences(rng, rng.randint(50, 100)) for _ in range(rng.randint(5, 8)))


def edited(text: str, rate: float, rng: random.Random) -> str:
    """*text* with a share of its words replaced, dropped, doubled or added, in runs as people edit."""
    words = text.split(" ")
    left = round(rate * len(words))
    while left > 0:
        run, at = min(left, rng.randint(1, 8)), rng.randrange(max(1, len(words)))
        what = rng.random()
        if what < 0.5:
            words[at : at + run] = rng.choices(WORDS, k=run)
        elif what < 0.75:
            del words[at : at + run]
        else:
            words[at:at] = rng.choices(WORDS, k=run)
        left -= run
    return " ".join(words)


def templated(number: int) -> str:
    """A page of a shop that says nearly the same on each: 40 to 75 % of its words are the template's."""
    rng = random.Random(f"template:{number}")
    shared = prose(-1).split("\n\n")
    own = sentences(rng, rng.randint(120, 320))
    return "\n\n".join([shared[0], own, *shared[1:5]])


def shingles(text: str) -> set[tuple[str, ...]]:
    """The truth's shingles."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def similarity(one: set, other: set) -> float:
    """Jaccard."""
    return len(one & other) / len(one | other)


def ledger_of(folder: str, texts: dict[str, str]) -> str:
    """A real ledger with the documents as records; returns its URL."""
    url = f"sqlite:///{Path(folder) / 'bench.db'}"
    values = dict.fromkeys(("source", "key", "content_hash", "envelope_hash", "type", "modality"), "x")
    values |= {"version": 1, "state": "kept", **dict.fromkeys(("first_run", "changed_run", "seen_run"), "r")}
    values |= {"created_at": "t", "changed_at": "t"}
    rows = []
    for id_, text in texts.items():
        record = Record("bench", id_, text=text, title="A title", url="https://example.com/page", id=id_)
        rows.append({**values, "id": id_, "body": orjson.dumps(to_dict(record)).decode()})
    database = open_database(url)
    with database.write() as conn:
        conn.execute(records.insert(), rows)
    database.close()
    return url


def documents(originals: int, pages: int) -> list[tuple[str, str, str]]:
    """Kind, id, text: originals, their copies at each rate, pages of a template; in a mixed order."""
    rng = random.Random(7)
    found = [("original", str(i), prose(i)) for i in range(originals)]
    for i in range(originals // 3):
        rate = RATES[i % len(RATES)]
        found.append((f"{rate:.0%}", f"copy{i}", edited(prose(i), rate, rng)))
    for i in range(originals // 3):  # light edits: where most of the pairs above the threshold are
        found.append(("0-3%", f"light{i}", edited(prose(i + originals // 3), rng.uniform(0.001, 0.03), rng)))
    found += [("template", f"page{i}", templated(i)) for i in range(pages)]
    rng.shuffle(found)
    return [(kind, record_id("bench", key), text) for kind, key, text in found]


async def run(found: list[tuple[str, str, str]], url: str) -> tuple[dict[str, str], float, DuplicateIndex, int]:
    """Id to what it is a duplicate of; CPU seconds; the index; number of texts read.

    What was added counts as committed at once, so that every text that is needed is read from the ledger.
    """
    reads = 0

    def texts(ids: Sequence[str]) -> dict[str, str]:
        nonlocal reads
        reads += len(ids)
        return reader.texts(ids)

    reader = SignatureReader(url)
    index = DuplicateIndex(texts, threshold=THRESHOLD, shingle_words=SHINGLE)
    reader.open(index)
    duplicates: dict[str, str] = {}
    began = time.process_time()
    for _, id_, text in found:
        signed = index.sign(text)
        hit = index.find(id_, signed)
        if hit is None:
            index.add(id_, signed)
            index.stored(id_, "", signed.hash, index.stored_bands(signed))
        else:
            duplicates[id_] = hit.of
    cpu = time.process_time() - began
    reader.close()
    return duplicates, cpu, index, reads


def truth(found: list[tuple[str, str, str]], duplicates: dict[str, str]) -> dict[str, set[str]]:
    """Id to the kept documents before it that it is a near-duplicate of; candidates are found by shared shingles."""
    holders: dict[tuple[str, ...], list[str]] = {}
    sets: dict[str, set] = {}
    true: dict[str, set[str]] = {}
    for _, id_, text in found:
        own = sets[id_] = shingles(text)
        shared: dict[str, int] = {}
        for shingle in own:
            for other in holders.get(shingle, ()):
                shared[other] = shared.get(other, 0) + 1
        near = {o for o, n in shared.items() if n / (len(own) + len(sets[o]) - n) >= THRESHOLD}
        if near:
            true[id_] = near
        if id_ not in duplicates:
            for shingle in own:
                holders.setdefault(shingle, []).append(id_)
    return true


def by_datasketch(found: list[tuple[str, str, str]]) -> tuple[dict[str, set[str]], float] | None:
    """The same by datasketch's MinHash and MinHashLSH with its defaults."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return None
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    duplicates: dict[str, set[str]] = {}
    began = time.process_time()
    for _, id_, text in found:
        words = re.findall(r"\w+", text.lower())
        sketch = MinHash(num_perm=128)
        sketch.update_batch([" ".join(words[i : i + SHINGLE]).encode() for i in range(len(words) - SHINGLE + 1)])
        hits = lsh.query(sketch)
        if hits:
            duplicates[id_] = set(hits)
        else:
            lsh.insert(id_, sketch)
    return duplicates, time.process_time() - began


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    found = documents(originals=4500, pages=500)
    size = sum(len(text) for _, _, text in found) / len(found)
    with tempfile.TemporaryDirectory() as folder:
        url = ledger_of(folder, {id_: text for _, id_, text in found})
        runs = [asyncio.run(run(found, url)) for _ in range(5)]
        duplicates, cpu, index, reads = min(runs, key=lambda one: one[1])  # the one that other programs disturbed less
    true = truth(found, duplicates)
    hits = [id_ for id_ in true if id_ in duplicates]
    right = [id_ for id_, of in duplicates.items() if of in true.get(id_, ())]
    figures = {
        "documents a CPU second": len(found) / cpu,
        "bytes a document": index.nbytes / len(index),
        "recall": len(hits) / len(true),
        "precision": len(right) / len(duplicates),
    }
    print(
        f"{len(found):,} documents of {size:,.0f} characters, {len(true):,} near-duplicates at {THRESHOLD}, {reads:,} texts read"
    )
    missed = False
    for name, value in figures.items():
        target = TARGETS[name]
        fine = value <= target if name.startswith("bytes") else value >= target
        missed |= not fine
        print(
            f"  {name:24} {value:10,.3f}   target {'<=' if name.startswith('bytes') else '>='} {target:<8,} {'ok' if fine else 'MISSED'}"
        )
    print(f"  {1e6 * cpu / len(found):.0f} µs a document, verification included")
    print("  edited words    true pairs   found")
    for kind in dict.fromkeys(sorted(kind for kind, _, _ in found)):
        ids = {id_ for of, id_, _ in found if of == kind} & set(true)
        print(f"  {kind:14} {len(ids):11,} {len(ids & set(duplicates)):7,}")
    other = by_datasketch(found)
    if other is None:
        print("  datasketch: not installed (uv sync --group bench)")
    else:
        theirs, seconds = other
        true = truth(found, dict.fromkeys(theirs, ""))
        recall = sum(id_ in theirs for id_ in true) / len(true)
        precision = sum(bool(of & true.get(id_, set())) for id_, of in theirs.items()) / len(theirs)
        print(
            f"  datasketch: {len(found) / seconds:,.0f} documents a CPU second, recall {recall:.3f}, precision {precision:.3f}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
