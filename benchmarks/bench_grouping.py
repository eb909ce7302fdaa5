"""Grouping measured against groups that people made, and against a chat model's.

    python benchmarks/bench_grouping.py               # shopping sessions, human bundles
    python benchmarks/bench_grouping.py --histories   # histories, interests of a chat model

Sessions are those in which people made a bundle. AMI (items in exactly one bundle) and kappa over
pairs are 0 for one group and for chance; pairwise F1 is not, so it is shown for sessions whose
labelled items people put all together and for the others, and less what the same groups reach when
shuffled. Averages over sessions, with 95 % bootstrap intervals. No way sees a label of a session,
but for k-means at the true k. The last line is how well a second person agrees with the first:
annotators are reconstructed, because the data does not name them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _bundles import Session, load_bundles
from _data import data_dir
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from profiler.offline.extractor import THRESHOLD, CorpusStatistics
from profiler.offline.grouping import group_rows
from profiler.quality.agreement import compare, made_one_group
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

Way = Callable[[Session], Membership]


def k_means(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    fitted = KMeans(min(k, len(vectors)), n_init=4, random_state=0).fit(vectors)
    return fitted.labels_.astype(np.int64)


def category_labels(
    paths: list[tuple[str, ...]], rows: NDArray[np.int64], depth: int
) -> NDArray[np.int64]:
    names = [paths[row][:depth] for row in rows]
    known = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([known[name] for name in names])


def sessions_table() -> None:
    data = load_bundles()
    sessions = [s for s in data.sessions if s.bundles and len(s.rows) > 1]
    texts = [item_text(t, path) for t, path in zip(data.titles, data.paths, strict=True)]
    vectors = load_encoder().encode(texts)
    centred = CorpusStatistics.of(data.titles, data.paths, vectors).centred(vectors)
    ways: dict[str, Way] = {
        f"offline, height {THRESHOLD}": lambda s: from_labels(
            group_rows(centred[s.rows], THRESHOLD)
        ),
        "one group": lambda s: np.ones((len(s.rows), 1), dtype=bool),
        "k-means, true k": lambda s: from_labels(k_means(vectors[s.rows], len(s.bundles))),
        "category, second level": lambda s: from_labels(category_labels(data.paths, s.rows, 2)),
        "category, whole path": lambda s: from_labels(category_labels(data.paths, s.rows, 99)),
        "all singletons": lambda s: np.eye(len(s.rows), dtype=bool),
    }
    whole = [made_one_group(s.truth()) for s in sessions]
    print(f"{len(sessions)} sessions, in {sum(whole)} of which all labelled items are one group")
    print(
        f"{'':24s}{'AMI':>7s}{'95 %':>16s}{'kappa':>8s}{'95 %':>16s}"
        f"{'F1 one':>8s}{'F1 several':>11s}{'less shuffle':>13s}{'left out':>9s}"
    )
    for name, way in ways.items():
        found = [compare(way(session), session.truth()) for session in sessions]
        print(f"{name:24s}" + figures(found, whole))
    second_person(sessions)


def figures(found: list[dict[str, float | None]], whole: list[bool]) -> str:
    """One line of the table, without its name."""
    cells = ""
    for name, width in (("ami", 7), ("pair_kappa", 8)):
        known = np.array([row[name] for row in found if row[name] is not None])
        low, high = bootstrap_interval(known)
        cells += f"{known.mean():{width}.3f}  [{low:5.3f}, {high:5.3f}]"
    several = [row for row, one in zip(found, whole, strict=True) if not one]
    f1_one = np.mean([row["pairwise_f1"] for row, one in zip(found, whole, strict=True) if one])
    f1 = np.mean([row["pairwise_f1"] for row in several])
    gain = np.mean([row["pairwise_f1_gain"] for row in several])
    left = np.mean([row["left_out"] for row in found])
    return f"{cells}{f1_one:8.3f}{f1:11.3f}{gain:+13.3f}{left:9.3f}"


def second_person(sessions: list[Session]) -> None:
    """AMI and kappa of every two reconstructed annotators, over the items that both grouped."""
    rows = []
    for session in sessions:
        for one, other in combinations(session.annotators(), 2):
            items = sorted(set().union(*one) & set().union(*other))
            rows.append(compare(membership(one, items), membership(other, items)))
    for name in ("ami", "pair_kappa"):
        known = np.array([row[name] for row in rows if row[name] is not None])
        low, high = bootstrap_interval(known)
        print(f"a second person, {name}: {known.mean():.3f} [{low:.3f}, {high:.3f}], {len(known)}")


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
    options = parser.parse_args()
    if options.histories:
        histories_table(options.data)
    else:
        sessions_table()


if __name__ == "__main__":
    main()
