"""Grouping measured against groups that people made, and against a chat model's.

    python benchmarks/bench_grouping.py               # shopping sessions, human bundles
    python benchmarks/bench_grouping.py --histories   # histories, interests of a chat model

Sessions: those with at least two bundles, split in two halves by the seed. What the offline
extractor needs to be told is fitted on the first half and every way is scored on the second; then
each half is scored with what was fitted on the other, so that all sessions count (cross-fit).
Pairwise F1 on labelled items and extended BCubed are averaged over sessions, with 95 % bootstrap
intervals of the mean and of the paired difference from the offline extractor. Items are encoded in
this run. No way sees a label of the session it groups, but for k-means at the true k.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _data import data_dir
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from profiler.offline.extractor import SESSION_THRESHOLD, THRESHOLD, CorpusStatistics
from profiler.offline.grouping import group_rows
from profiler.offline.sessions import (
    BIAS,
    TOGETHER,
    WEIGHTS,
    Baskets,
    overlapping_groups,
    pair_features,
    pair_probabilities,
)
from profiler.quality.measures import (
    Membership,
    bootstrap_interval,
    extended_bcubed,
    from_labels,
    membership,
    pairwise_f1,
)
from profiler.vectors.encoding import load_encoder
from store.data.dataset import item_text

GRID = np.round(np.arange(1.0, 2.5, 0.04), 2)
Way = Callable[[int], Membership]
Weights = tuple[tuple[float, ...], float]


def read_csv(name: str) -> list[list[str]]:
    path = data_dir("labelled-bundles-electronics") / name
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


def load_sessions() -> tuple[
    list[str],
    list[tuple[str, ...]],
    list[NDArray[np.int64]],
    list[Membership],
    list[NDArray[np.int64]],
]:
    """Titles and category paths of all items; rows and bundles of sessions with two bundles; the
    rows of all sessions, bundles or none."""
    titles = dict(read_csv("item_titles.csv"))
    paths = {}
    for item, text in read_csv("item_categories.csv"):
        found = re.search(r"\[\[([^\[\]]+)\]", text)
        paths[item] = tuple(part.strip() for part in found[1].split(",")) if found else ()
    ids = sorted(titles, key=int)
    row = {item: place for place, item in enumerate(ids)}
    sessions, bundles, members = defaultdict(list), defaultdict(list), defaultdict(set)
    for session, item in read_csv("session_items.csv"):
        sessions[session].append(item)
    for session, bundle in read_csv("session_bundles.csv"):
        bundles[session].append(bundle)
    for bundle, item in read_csv("bundle_items.csv"):
        members[bundle].add(item)
    chosen = [s for s in sorted(sessions, key=int) if len(bundles[s]) > 1]
    rows = [np.array([row[item] for item in sessions[s]]) for s in chosen]
    truth = [membership([members[b] for b in bundles[s]], sessions[s]) for s in chosen]
    everywhere = [np.array([row[item] for item in found]) for found in sessions.values()]
    return [titles[i] for i in ids], [paths.get(i, ()) for i in ids], rows, truth, everywhere


def k_means(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    fitted = KMeans(min(k, len(vectors)), n_init=4, random_state=0).fit(vectors)
    return fitted.labels_.astype(np.int64)


def silhouette_k_means(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    best, labels = -2.0, np.zeros(len(vectors), dtype=np.int64)
    for k in range(2, len(vectors)):
        found = k_means(vectors, k)
        if 1 < len(np.unique(found)) < len(vectors):
            score = silhouette_score(vectors, found)
            if score > best:
                best, labels = score, found
    return labels


def f1_of(found: list[Membership], truth: list[Membership]) -> NDArray[np.float64]:
    return np.array([pairwise_f1(a, b).f1 for a, b in zip(found, truth, strict=True)])


def features_of(
    rows: list[NDArray[np.int64]],
    vectors: NDArray[np.float32],
    centred: NDArray[np.float32],
    everywhere: list[NDArray[np.int64]],
) -> list[NDArray[np.float64]]:
    """Features of the pairs of each session; co-occurrence is counted over all sessions."""
    indptr = np.concatenate([[0], np.cumsum([len(basket) for basket in everywhere])])
    baskets = Baskets.of(centred, indptr, np.concatenate(everywhere))
    return [pair_features(vectors[r], centred[r], baskets.shared(centred[r])) for r in rows]


def fit_pairs(features: list[NDArray[np.float64]], truth: list[Membership]) -> Weights:
    """Logistic weights of the features; each session counts the same."""
    inputs, together, weights = [], [], []
    for found, bundles in zip(features, truth, strict=True):
        labelled = np.flatnonzero(bundles.any(axis=1))
        left, right = (labelled[side] for side in np.triu_indices(len(labelled), 1))
        shared = bundles.astype(int) @ bundles.T.astype(int)
        inputs.append(found[left, right])
        together.append(shared[left, right] > 0)
        weights.append(np.full(len(left), 1 / max(len(left), 1)))
    flat = np.concatenate(weights)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    model.fit(
        np.concatenate(inputs),
        np.concatenate(together),
        logisticregression__sample_weight=flat / flat.mean(),
    )
    scaler, fitted = model[0], model[1]
    slopes = fitted.coef_[0] / scaler.scale_
    return tuple(slopes.tolist()), float(fitted.intercept_[0] - slopes @ scaler.mean_)


def by_pairs(features: NDArray[np.float64], weights: Weights) -> Membership:
    groups = overlapping_groups(pair_probabilities(features, *weights), TOGETHER)
    return membership(groups, list(range(len(features))))


def sessions_table(seed: int, show_weights: bool) -> None:
    titles, paths, rows, truth, everywhere = load_sessions()
    texts = [item_text(title, path) for title, path in zip(titles, paths, strict=True)]
    vectors = load_encoder().encode(texts)
    centred = CorpusStatistics.of(titles, paths, vectors).centred(vectors)
    features = features_of(rows, vectors, centred, everywhere)
    order = np.random.default_rng(seed).permutation(len(rows))
    halves = [np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2 :])]
    fitted = [fit_pairs([features[s] for s in h], [truth[s] for s in h]) for h in halves]
    if show_weights:
        print("WEIGHTS =", tuple(float(f"{w:.4g}") for w in fitted[0][0]))
        print("BIAS =", float(f"{fitted[0][1]:.4g}"))
    heights = [tuned_height(centred, rows, truth, half) for half in halves]
    of_half = np.isin(np.arange(len(rows)), halves[1]).astype(int)  # 1 where half 0 was fitted on
    ways: dict[str, Way] = {
        "offline, pairs (fitted elsewhere)": lambda s: by_pairs(
            features[s], fitted[1 - of_half[s]]
        ),
        "offline, pairs (as shipped)": lambda s: by_pairs(features[s], (WEIGHTS, BIAS)),
        "one height (tuned elsewhere)": lambda s: from_labels(
            group_rows(centred[rows[s]], heights[1 - of_half[s]])
        ),
        f"one height, {SESSION_THRESHOLD} (sessions)": lambda s: from_labels(
            group_rows(centred[rows[s]], SESSION_THRESHOLD)
        ),
        f"one height, {THRESHOLD} (histories)": lambda s: from_labels(
            group_rows(centred[rows[s]], THRESHOLD)
        ),
        "one group": lambda s: np.ones((len(rows[s]), 1), dtype=bool),
        "k-means, true k": lambda s: from_labels(k_means(vectors[rows[s]], truth[s].shape[1])),
        "k-means, silhouette k": lambda s: from_labels(silhouette_k_means(vectors[rows[s]])),
        "category, second level": lambda s: from_labels(category_labels(paths, rows[s], 2)),
        "category, whole path": lambda s: from_labels(category_labels(paths, rows[s], 99)),
        "all singletons": lambda s: np.eye(len(rows[s]), dtype=bool),
    }
    print(f"{len(rows)} sessions of two bundles or more; fitted on {len(halves[0])}, "
          f"scored on the other {len(halves[1])}")  # fmt: skip
    compare_ways(ways, truth, halves[1])
    print(f"\nall {len(rows)}, each half scored with what was fitted on the other")
    del ways["offline, pairs (as shipped)"]  # it has seen one of the halves
    compare_ways(ways, truth, np.arange(len(rows)))


def tuned_height(
    centred: NDArray[np.float32],
    rows: list[NDArray[np.int64]],
    truth: list[Membership],
    half: NDArray[np.int64],
) -> float:
    """Height of the cut that is best on one half."""
    scores = {}
    for height in GRID:
        found = [from_labels(group_rows(centred[rows[s]], height)) for s in half]
        scores[float(height)] = f1_of(found, [truth[s] for s in half]).mean()
    return max(scores, key=lambda height: (scores[height], height))


def compare_ways(ways: dict[str, Way], truth: list[Membership], which: NDArray[np.int64]) -> None:
    """One line for each way; the first is what the others are compared with."""
    held = [truth[s] for s in which]
    print(
        f"{'':34s}{'pairwise F1':>12s}{'95 %':>16s}{'offline - this':>22s}"
        f"{'BCubed F1':>11s}{'groups':>8s}"
    )
    first: NDArray[np.float64] | None = None
    for name, way in ways.items():
        found = [way(int(s)) for s in which]
        scores = f1_of(found, held)
        first = scores if first is None else first
        low, high = bootstrap_interval(scores)
        lower, upper = bootstrap_interval(first - scores)
        bcubed = np.mean([extended_bcubed(a, b).f1 for a, b in zip(found, held, strict=True)])
        groups = np.mean([groups.shape[1] for groups in found])
        print(
            f"{name:34s}{scores.mean():12.4f}   [{low:.3f}, {high:.3f}]"
            f"{(first - scores).mean():+8.4f} [{lower:+.3f}, {upper:+.3f}]"
            f"{bcubed:9.4f}{groups:8.2f}"
        )


def category_labels(
    paths: list[tuple[str, ...]], rows: NDArray[np.int64], depth: int
) -> NDArray[np.int64]:
    names = [paths[row][:depth] for row in rows]
    known = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([known[name] for name in names])


def histories_table(names: list[str]) -> None:
    encoder = load_encoder()
    for name in names:
        ids, titles, categories = read_items(name)
        texts = [item_text(title, path) for title, path in zip(titles, categories, strict=True)]
        vectors = encoder.encode(texts)
        centred = CorpusStatistics.of(titles, categories, vectors).centred(vectors)
        row = {item: place for place, item in enumerate(ids)}
        folder = data_dir(f"llm-interests-{name.removeprefix('amazon-')}")
        with gzip.open(folder / "exemplars.jsonl.gz", "rt", encoding="utf-8") as stream:
            exemplars = [json.loads(line) for line in stream]
        found = np.mean([len(exemplar["interests"]) for exemplar in exemplars])
        print(f"\n{name}: {len(exemplars)} exemplars, {found:.2f} interests of the chat model each")
        print(f"{'height':>8s}{'pairwise F1':>13s}{'BCubed F1':>11s}{'groups':>8s}{'alone':>8s}")
        for height in (*np.round(np.arange(1.0, 2.01, 0.05), 2), 99.0):
            scores = []
            for exemplar in exemplars:
                items = [i for i in dict.fromkeys(exemplar["shown_items"]) if i in row]
                truth = membership([x["evidence"] for x in exemplar["interests"]], items)
                labels = group_rows(centred[[row[i] for i in items]], height)
                groups = from_labels(labels)
                alone = np.mean((groups.sum(axis=0) == 1) @ groups.T) if groups.size else 0.0
                scores.append(
                    (
                        pairwise_f1(groups, truth).f1,
                        extended_bcubed(groups, truth).f1,
                        groups.shape[1],
                        alone,
                    )
                )
            pairs, bcubed, count, alone = np.mean(scores, axis=0)
            label = "one" if height == 99.0 else f"{height:.2f}"
            print(f"{label:>8s}{pairs:13.4f}{bcubed:11.4f}{count:8.2f}{alone:8.3f}")


def read_items(name: str) -> tuple[list[str], list[str | None], list[tuple[str, ...]]]:
    with gzip.open(data_dir(name) / "items.tsv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    sign = "|" if name == "ml-1m" else ","
    categories = [
        tuple(part.strip() for part in (row.get("categories") or "").split(sign) if part.strip())
        for row in rows
    ]
    return [row["item_id"] for row in rows], [row["title"] or None for row in rows], categories


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", action="store_true", help="against a chat model's interests")
    parser.add_argument(
        "--data", nargs="+", default=["amazon-office"], help="amazon-office, amazon-beauty, ml-1m"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", action="store_true", help="print what the first half gives")
    options = parser.parse_args()
    if options.histories:
        histories_table(options.data)
    else:
        sessions_table(options.seed, options.weights)


if __name__ == "__main__":
    main()
