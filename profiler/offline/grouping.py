"""Groups of like items within one subject: Ward's tree over text vectors, cut at one height.

Ward's height of a merge is sqrt(2ab / (a + b)) times the distance of the two centroids, for groups
of a and b items. A cut at one height therefore parts large groups sooner than small ones: a stray
item rarely makes a group of its own, and a long history gets more groups than a short one without
being told how many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, fcluster, linkage

NO_GROUP = -1
THRESHOLD = 1.4
"""Height of the cut for histories: of one height for all, near the best agreement with a chat
model's interests of 576 exemplars of Office, Beauty and ML-1M, and nearest to the number of
interests that it found (``benchmarks/bench_grouping.py --histories``, ``docs/quality.md``)."""
CENTRE = 0.5
"""Share of the catalogue's mean vector that is taken away before grouping: what all items of a
shop have in common says nothing, yet part of it tells coherent subjects from mixed ones."""


def mean_of(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the rows of ``[items, d]`` that are not zero, float32 ``[d]``."""
    with_text = np.any(vectors != 0, axis=1)
    mean = vectors[with_text].mean(axis=0, dtype=np.float64) if with_text.any() else 0.0
    return np.broadcast_to(np.asarray(mean, dtype=np.float32), vectors.shape[1:]).copy()


def centred(vectors: NDArray[np.float32], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows less :data:`CENTRE` of the catalogue's mean, unit again; zero stays zero."""
    moved = vectors - CENTRE * mean
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return np.where(np.any(vectors != 0, axis=1)[:, None], moved, 0).astype(np.float32)


def groups_of(
    vectors: NDArray[np.float32], threshold: float, max_groups: int, *, singles: bool
) -> list[list[int]]:
    """Rows of each group, the largest group first, the most typical row of a group first.

    Parameters
    ----------
    vectors
        float32 ``[n, d]``, centred; a zero row is in no group.
    threshold, max_groups
        As for :func:`group_rows`.
    singles
        Whether a row that is like no other is a group; else it stays out, unless no two rows go
        together.
    """
    labels = group_rows(vectors, threshold, max_groups)
    groups = []
    for group in range(int(labels.max(initial=NO_GROUP)) + 1):
        rows = np.flatnonzero(labels == group)
        closeness = np.round(vectors[rows] @ vectors[rows].mean(axis=0), 5)
        groups.append(rows[np.argsort(-closeness, kind="stable")].tolist())
    if singles:
        return groups
    return [group for group in groups if len(group) > 1] or groups


def group_rows(
    vectors: NDArray[np.float32], threshold: float, max_groups: int = 20
) -> NDArray[np.int64]:
    """Group rows by similarity (Ward, J. Am. Stat. Assoc. 58, 1963; the cut is our choice).

    Parameters
    ----------
    vectors
        float32 ``[n, d]``, unit rows; a zero row (an item without text) is in no group.
    threshold
        Height of the cut, in the unit of a distance between unit vectors: 0 parts all that
        differ, beyond ``sqrt(2 n)`` everything is one group.
    max_groups
        Where the cut leaves more groups, the nearest are joined until there are so many.

    Returns
    -------
    int64 ``[n]``
        Group of each row, 0 the largest (of equal ones, the one with the earliest row), -1 for a
        zero row.

    Raises
    ------
    ValueError
        If ``threshold`` is negative or ``max_groups`` below one.
    """
    if threshold < 0 or max_groups < 1:
        raise ValueError(f"threshold {threshold} must be >= 0 and max_groups {max_groups} >= 1")
    labels = np.full(len(vectors), NO_GROUP, dtype=np.int64)
    rows = np.flatnonzero(np.any(vectors != 0, axis=1))
    if len(rows) < 2:
        labels[rows] = 0
        return labels
    tree = linkage(vectors[rows].astype(np.float64), "ward")
    found = fcluster(tree, threshold, "distance")
    if found.max() > max_groups:
        found = cut_tree(tree, n_clusters=max_groups).ravel()
    labels[rows] = largest_first(found)
    return labels


def largest_first(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Renumber groups from 0, largest first; among equal sizes the one that appears first."""
    _, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[inverse]
