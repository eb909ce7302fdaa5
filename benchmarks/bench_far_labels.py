"""How often far labels are flagged where they are right, and where they are exchanged.

    python benchmarks/bench_far_labels.py STORE

Prints the share of a store's interests that are flagged, and of the same interests when the labels
of each subject are passed on to its next interest, by threshold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from profiler.quality.far_labels import closeness
from store.store import open_store

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def exchanged(words: NDArray[np.float32], subjects: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vectors of words passed on to the next interest of each subject that has several."""
    found = words.copy()
    for subject in np.unique(subjects).tolist():
        rows = np.flatnonzero(subjects == subject)
        found[rows] = words[np.roll(rows, 1)]
    return found


def main() -> None:
    """Print both shares by threshold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("store", type=Path, help="with encoded interests of a model")
    arguments = parser.parse_args()
    with open_store(arguments.store) as store:
        catalogue = store.interests.catalogue()
        _, words = store.vectors.interests()
        items = store.vectors.items()
    spans = zip(catalogue.indptr[:-1].tolist(), catalogue.indptr[1:].tolist(), strict=True)
    evidence = [catalogue.items[start:stop] for start, stop in spans]
    own = closeness(words, evidence, items)
    subjects, sizes = np.unique(catalogue.subject_ids, return_counts=True)
    several = np.isin(catalogue.subject_ids, subjects[sizes > 1])
    wrong = closeness(exchanged(words, catalogue.subject_ids), evidence, items)[several]
    print(f"{len(words):,} interests, {several.sum():,} of subjects with several")
    print("threshold  flagged  flagged when exchanged")
    for threshold in THRESHOLDS:
        print(
            f"{threshold:9.2f}  {(own < threshold).mean():7.2%}  {(wrong < threshold).mean():7.2%}"
        )


if __name__ == "__main__":
    main()
