"""Train the classifier of main text on WCXB, and say what it reaches on hosts that it has not seen.

Not part of the product, and not run by ``make bench``: it makes ``crawlers/extractors/text_model.npz``, which is committed.

    pip install catboost
    python -m tests.benchmarks.train_text <folder of WCXB> [--write]

A block's label is the share of its words that a diff finds in the page's truth. Folds are by host. Pages weigh alike.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from crawlers.extractors import classifier
from crawlers.extractors.features import features
from crawlers.extractors.outline import outline
from tests.benchmarks.wcxb import Sample, f1, samples, words

TREES, FAST, DEPTH = 300, 80, 6
_BINS = 12


@dataclass
class Labelled:
    sample: Sample
    matrix: np.ndarray
    labels: np.ndarray
    counts: list[Counter[str]]

    @property
    def sizes(self) -> np.ndarray:
        return np.array([sum(count.values()) for count in self.counts], float)

    @property
    def fold(self) -> int:
        return hashlib.md5(self.sample.host.encode()).digest()[0] & 1


def matched(found: list[str], truth: list[str]) -> np.ndarray:
    """For each word of *found* whether the shortest edit to *truth* keeps it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in "ab"]
        for path, tokens in zip(paths, (found, truth), strict=True):
            path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        marks = ["--old-line-format=0", "--unchanged-line-format=1", "--new-line-format="]
        how = "--minimal" if len(found) * len(truth) < 4e6 else "--speed-large-files"
        answer = subprocess.run(["diff", how, *marks, *map(str, paths)], capture_output=True, check=False)
    return np.frombuffer(answer.stdout, np.uint8) - ord("0")


def labelled(sample: Sample) -> Labelled | None:
    found = outline(sample.page())
    if not found.texts:
        return None
    truth = words(sample.truth)
    tokens = [words(text) for text in found.texts]
    marks = matched([token for block in tokens for token in block], truth)
    joined = f" {' '.join(truth)} "
    labels, at = [], 0
    for block in tokens:
        share = float(marks[at : at + len(block)].mean()) if block else 0.0
        at += len(block)
        moved = len(block) >= 5 and f" {' '.join(block)} " in joined
        labels.append(1.0 if moved else share)
    return Labelled(sample, features(found), np.array(labels), [Counter(block) for block in tokens])


def train(pages: list[Labelled], trees: int = TREES) -> classifier.Model:
    from catboost import CatBoostClassifier

    weights = np.concatenate([
        (page.sizes / (0.5 * len(words(page.sample.truth)) + 0.5 * page.sizes.sum() + 30)) ** 0.75 for page in pages
    ])  # fmt: skip
    learner = CatBoostClassifier(
        iterations=trees, depth=DEPTH, learning_rate=0.08, l2_leaf_reg=5, rsm=0.3, border_count=48, random_seed=7,
        verbose=0, thread_count=2,
    )  # fmt: skip
    learner.fit(
        np.hstack([page.matrix for page in pages]).T,
        (np.concatenate([page.labels for page in pages]) >= 0.5).astype(int),
        sample_weight=weights / weights.mean(),
    )
    return _flat(learner)


def _flat(learner: Any) -> classifier.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        learner.save_model(str(path), format="json")
        trees = json.loads(path.read_text())
    column = {f["feature_index"]: f["flat_feature_index"] for f in trees["features_info"]["float_features"]}
    splits, leaves = [], []
    for tree in trees["oblivious_trees"]:
        own = [(column[split["float_feature_index"]], split["border"]) for split in tree["splits"]]
        values = tree["leaf_values"]
        while len(own) < DEPTH:  # a level that nothing passes
            own.append((0, np.float32(np.inf)))
            values = values + [0.0] * len(values)
        splits += own
        leaves.append(values)
    scale, bias = trees["scale_and_bias"]
    return classifier.Model(
        np.array([s[0] for s in splits], np.int32).reshape(-1, DEPTH).T.copy(),
        np.array([s[1] for s in splits], np.float32).reshape(-1, DEPTH).T.copy(),
        np.array(leaves, np.float32) * np.float32(scale), float(np.ravel(bias)[0]), FAST,
        np.array([0.0, 1.0]), np.array([0.0, 1.0]), "",
    )  # fmt: skip


def score(model: classifier.Model, trees: int, page: Labelled) -> tuple[float, float]:
    """Expected and reached F1."""
    chances = classifier.probabilities(classifier.log_odds(page.matrix, trees, model))
    kept, expected = classifier.choose(chances, page.sizes)
    found: Counter[str] = sum((c for c, keep in zip(page.counts, kept, strict=True) if keep), Counter())
    return expected, f1(found, Counter(words(page.sample.truth)))


def calibration(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected to reached F1, by pages of like expectation, made monotone."""
    scores = scores[np.argsort(scores[:, 0])]
    bins = np.array([part.mean(0) for part in np.array_split(scores, _BINS)])
    observed = np.maximum.accumulate(bins[:, 1])
    return np.concatenate(([0.0], bins[:, 0], [1.0])), np.concatenate(([0.0], observed, [observed[-1]]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="replace the model of the package")
    options = parser.parse_args()
    with Pool(2) as pool:
        pages = [page for page in pool.map(labelled, samples(options.folder), chunksize=16) if page is not None]
    folds = [[page for page in pages if page.fold == fold] for fold in (0, 1)]
    scored = []
    for fold in (0, 1):
        model = train(folds[1 - fold])
        for trees in (FAST, TREES):
            part = np.array(list(map(partial(score, model, trees), folds[fold])))
            print(f"hosts of fold {fold}, {len(part)} pages, {trees} trees: F1 {part[:, 1].mean():.4f}", flush=True)
            scored.append(part)
    expected, observed = calibration(np.vstack(scored))
    print("expected", np.round(expected, 3), "reached", np.round(observed, 3))
    if options.write:
        model = train(pages)
        digest = hashlib.sha256(model.leaves.tobytes() + model.borders.tobytes()).hexdigest()[:8]
        np.savez_compressed(
            Path(classifier.__file__).with_name("text_model.npz"),
            features=model.features, borders=model.borders, leaves=model.leaves, bias=model.bias,
            fast=FAST, expected=expected, observed=observed, version=digest,
        )  # fmt: skip
        print("written", digest)


if __name__ == "__main__":
    main()
