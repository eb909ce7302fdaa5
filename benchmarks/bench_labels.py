"""Labels of the offline extractor, measured by nearness to people's own words for their bundles.

    python benchmarks/bench_labels.py                # the half of the sessions not tuned on
    python benchmarks/bench_labels.py --half tuning  # the other half
    python benchmarks/bench_labels.py --examples 20

Sessions with two bundles or more are cut in halves by the seed. Nearness is the cosine of the
default encoder between a label and the intent that people wrote. End to end: the label of the
extractor's group that overlaps the bundle most (Jaccard). Given the bundle: the label of the very
items that people put together. Controls: labels shuffled over bundles, the first category of the
path, and the most frequent last one. Intervals are 95 % bootstrap intervals over bundles, those of
differences are paired.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _bundles import Bundles, load_bundles
from numpy.typing import NDArray

from profiler.offline.extractor import THRESHOLD, CorpusStatistics, extract
from profiler.quality.measures import bootstrap_interval
from profiler.shown import ShownItem
from profiler.vectors.encoding import load_encoder
from store.data.dataset import item_text

ONE_GROUP = 99.0


class Labeller:
    """The extractor on rows of the catalogue, each answer kept."""

    def __init__(self, data: Bundles, vectors: NDArray[np.float32], corpus: CorpusStatistics):
        self.data, self.vectors, self.corpus = data, vectors, corpus
        self.known: dict[tuple[tuple[int, ...], float], list[tuple[str, set[int]]]] = {}

    def __call__(self, rows: list[int], threshold: float) -> list[tuple[str, set[int]]]:
        key = (tuple(rows), threshold)
        if key not in self.known:
            shown = [ShownItem(r, str(r), self.data.titles[r], self.data.paths[r]) for r in rows]
            found = extract(shown, self.vectors[rows], self.corpus, threshold=threshold)
            self.known[key] = [(one["label"], set(map(int, one["evidence"]))) for one in found]
        return self.known[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="labelled-bundles-electronics", help="folder of bundles")
    parser.add_argument("--half", default="shown", choices=("shown", "tuning", "both"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examples", type=int, default=0, help="labels to print")
    parser.add_argument("--save", type=Path, help="write each bundle's labels as JSON")
    parser.add_argument("--against", type=Path, help="compare with labels saved before")
    options = parser.parse_args()
    data, encoder = load_bundles(options.data), load_encoder()
    texts = [item_text(t, path) for t, path in zip(data.titles, data.paths, strict=True)]
    vectors = encoder.encode(texts)
    corpus = CorpusStatistics.of(data.titles, data.paths, vectors, encoder.encode)
    labeller = Labeller(data, vectors, corpus)
    sessions = [s for s in data.sessions if len(s.bundles) > 1]
    order = np.random.default_rng(options.seed).permutation(len(sessions))
    halves = {"tuning": order[: len(order) // 2], "shown": order[len(order) // 2 :], "both": order}
    intents, labels = [], {"end to end": [], "given the bundle": [], "first": [], "last": []}
    for session in (sessions[n] for n in sorted(halves[options.half].tolist())):
        groups = labeller(session.rows.tolist(), THRESHOLD)
        for bundle, intent in zip(session.bundles, session.intents, strict=True):
            near = [len(bundle & found) / len(bundle | found) for _, found in groups]
            inside = [row for row in session.rows.tolist() if row in bundle]
            intents.append(intent)
            labels["end to end"].append(groups[int(np.argmax(near))][0])
            labels["given the bundle"].append(labeller(inside, ONE_GROUP)[0][0])
            paths = [data.paths[row] for row in inside if data.paths[row]]
            labels["first"].append(commonest([path[0] for path in paths]))
            labels["last"].append(commonest([path[-1] for path in paths]))
    mixed = np.random.default_rng(options.seed).permutation(len(intents))
    labels["shuffled"] = [labels["end to end"][place] for place in mixed]
    known = intents + [label for column in labels.values() for label in column]
    wanted = sorted(set(known))
    cosine_of = dict(zip(wanted, encoder.encode(wanted), strict=True))

    def near_to(column: list[str]) -> NDArray[np.float64]:
        return np.array([cosine_of[a] @ cosine_of[b] for a, b in zip(column, intents, strict=True)])

    print(f"{len(intents)} bundles ({options.half}); cosine of labels to people's words")
    for name, column in labels.items():
        cosines = near_to(column)
        low, high = bootstrap_interval(cosines)
        words = np.mean([len(label.split()) for label in column])
        print(f"{name:18s}{cosines.mean():7.4f}  [{low:.3f}, {high:.3f}]  {words:4.1f} words")
    if options.against:
        compare(json.loads(options.against.read_text("utf-8")), labels, intents, encoder)
    if options.save:
        options.save.write_text(json.dumps({**labels, "intents": intents}), "utf-8")
    for row in range(min(options.examples, len(intents))):
        print(*(repr(c[row]) for c in (intents, *list(labels.values())[:2])), sep=" | ")


def compare(
    before: dict[str, list[str]], labels: dict[str, list[str]], intents: list[str], encoder: object
) -> None:
    """Paired differences from labels saved before, of the same bundles."""
    if before["intents"] != intents:
        raise SystemExit("the labels saved before are of other bundles")
    for name in ("end to end", "given the bundle"):
        columns = (labels[name], before[name], intents)
        new, old, wanted = (encoder.encode(list(column)) for column in columns)  # type: ignore[attr-defined]
        gain = np.sum((new - old) * wanted, axis=1, dtype=np.float64)
        low, high = bootstrap_interval(gain)
        print(f"{name}: {gain.mean():+.4f} [{low:+.4f}, {high:+.4f}] over the labels before")


def commonest(names: list[str]) -> str:
    return min(names, key=lambda name: (-names.count(name), name)) if names else "other"


if __name__ == "__main__":
    main()
