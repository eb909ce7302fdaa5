"""Measures of interests: pure functions on arrays, for whatever model made them.

Groups may overlap and may leave items out, so a grouping is a membership matrix, bool
``[items, groups]``. An item in no group counts as a group of its own (our choice: leaving an item
unexplained must not be free). Items that the truth does not label are left out of every measure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Membership = NDArray[np.bool_]


class Agreement(NamedTuple):
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def membership(groups: Sequence[Iterable[Hashable]], items: Sequence[Hashable]) -> Membership:
    """Membership matrix bool ``[items, groups]`` of groups given as sets of items."""
    matrix = np.zeros((len(items), len(groups)), dtype=bool)
    for column, group in enumerate(groups):
        wanted = set(group)
        matrix[:, column] = [item in wanted for item in items]
    return matrix


def from_labels(labels: Sequence[int] | NDArray[np.integer]) -> Membership:
    """Membership matrix of a partition; a negative label is no group."""
    values = np.asarray(labels)
    return np.asarray(values[:, None] == np.unique(values[values >= 0])[None, :])


def shared_pairs(
    found: Membership, truth: Membership
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each pair of labelled items: whether it shares a found group, and one of the truth.

    Returns
    -------
    tuple of bool ``[n (n - 1) / 2]``
        In the order of :func:`numpy.triu_indices` over the n items that are in a true group.
    """
    labelled = truth.any(axis=1)
    upper = np.triu_indices(int(labelled.sum()), 1)
    return _shared(found[labelled])[upper] > 0, _shared(truth[labelled])[upper] > 0


def pairwise_f1(found: Membership, truth: Membership) -> Agreement:
    """Agreement on pairs of labelled items: do two items share a group?

    Where neither grouping has a pair, all three numbers are 1; where only one has, F1 is 0.
    """
    together, true = shared_pairs(found, truth)
    hits = int((together & true).sum())
    return _agreement(hits, int(together.sum()), int(true.sum()))


def extended_bcubed(found: Membership, truth: Membership) -> Agreement:
    """Extended BCubed for overlapping groups (Amigó et al., Inf. Retrieval 12, 2009, section 5).

    Averages over labelled items, then over the items each shares a group with, itself included.
    """
    labelled = truth.any(axis=1)
    if not labelled.any():
        return Agreement(1.0, 1.0, 1.0)
    shared_found = _shared(_own_groups(found[labelled]))
    shared_true = _shared(truth[labelled])
    smaller = np.minimum(shared_found, shared_true)
    precision = _multiplicity(smaller, shared_found)
    recall = _multiplicity(smaller, shared_true)
    return Agreement(precision, recall, 2 * precision * recall / (precision + recall))


def adjusted_mutual_information(found: Sequence[int], truth: Sequence[int]) -> float:
    """Chance-corrected mutual information of two partitions (Vinh et al., JMLR 11, 2010)."""
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(truth, found))


def hungarian_accuracy(found: Sequence[int], truth: Sequence[int]) -> float:
    """Share of items that are right under the best one-to-one matching of groups; 1 if no items."""
    from scipy.optimize import linear_sum_assignment

    if not len(truth):
        return 1.0
    _, left = np.unique(np.asarray(found), return_inverse=True)
    _, right = np.unique(np.asarray(truth), return_inverse=True)
    table = np.zeros((left.max() + 1, right.max() + 1), dtype=np.int64)
    np.add.at(table, (left, right), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / len(right))


def labels_of(groups: Membership) -> NDArray[np.int64]:
    """Partition of a membership matrix: an item's first group; one of its own if it has none."""
    first: NDArray[np.int64] = np.argmax(_own_groups(groups), axis=1).astype(np.int64)
    return first


def coverage(groups: Membership) -> float:
    """Share of items in at least one group; 0 without items."""
    return float(groups.any(axis=1).mean()) if len(groups) else 0.0


def mean_pairwise_cosine(vectors: NDArray[np.float32]) -> float | None:
    """Mean cosine of all pairs of unit rows; None for fewer than two. Low is distinct."""
    n = len(vectors)
    if n < 2:
        return None
    total = float(np.square(vectors.sum(axis=0, dtype=np.float64)).sum())
    return (total - float(np.square(vectors.astype(np.float64)).sum())) / (n * (n - 1))


def evidence_overlap(groups: Membership) -> float | None:
    """Mean Jaccard overlap of all pairs of groups; None for fewer than two. 0 is disjoint."""
    n = groups.shape[1]
    if n < 2:
        return None
    counts = groups.astype(np.int64)
    both = counts.T @ counts
    sizes = np.diag(both)
    either = sizes[:, None] + sizes[None, :] - both
    upper = np.triu_indices(n, 1)
    return float(np.mean(both[upper] / np.maximum(either[upper], 1)))


def recall_at_k(
    score: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    users: NDArray[np.int64],
    seen: tuple[NDArray[np.int64], NDArray[np.int32]],
    targets: tuple[NDArray[np.int64], NDArray[np.int32]],
    k: int = 50,
    block: int = 256,
) -> NDArray[np.float64]:
    """Recall@k of held-out items when a score ranks all items, those seen removed.

    Parameters
    ----------
    score
        From users ``[b]`` to scores ``[b, items]``.
    users
        Users to rank for; each must have a target.
    seen, targets
        CSR over all users of the items to remove and of the items to find.

    Returns
    -------
    float64 ``[users]``
        Share of each user's different targets among its top k; a target that was seen cannot be
        found and counts as missed. Equal scores are ranked by item number.
    """
    results = np.zeros(len(users))
    for start in range(0, len(users), block):
        members = users[start : start + block]
        scores = np.array(score(members), dtype=np.float32)
        for row, user in enumerate(members.tolist()):
            scores[row, _row(seen, user)] = -np.inf
            wanted = np.unique(_row(targets, user))
            top = _top(scores[row], k)
            results[start + row] = np.isin(wanted, top).sum() / len(wanted)
    return results


def bootstrap_interval(
    values: NDArray[np.float64], seed: int = 0, draws: int = 2_000
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of ``values`` (at least one).

    Parameters
    ----------
    values
        float64 ``[n]``.
    seed, draws
        Of the resampling.
    """
    rng = np.random.default_rng(seed)
    means = [
        float(values[rng.integers(len(values), size=len(values))].mean()) for _ in range(draws)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _shared(groups: Membership) -> NDArray[np.int64]:
    counts = groups.astype(np.int64)
    return counts @ counts.T


def _own_groups(groups: Membership) -> Membership:
    """Give each item that is in no group one of its own."""
    alone = np.flatnonzero(~groups.any(axis=1))
    extra = np.zeros((len(groups), len(alone)), dtype=bool)
    extra[alone, np.arange(len(alone))] = True
    return np.hstack([groups, extra])


def _multiplicity(smaller: NDArray[np.int64], shared: NDArray[np.int64]) -> float:
    together = shared > 0
    ratios = np.where(together, smaller / np.maximum(shared, 1), 0.0)
    return float(np.mean(ratios.sum(axis=1) / together.sum(axis=1)))


def _agreement(hits: int, found: int, true: int) -> Agreement:
    if found + true == 0:
        return Agreement(1.0, 1.0, 1.0)
    precision = hits / found if found else 1.0
    recall = hits / true if true else 1.0
    return Agreement(precision, recall, 2 * hits / (found + true))


def _row(csr: tuple[NDArray[np.int64], NDArray[Any]], user: int) -> NDArray[Any]:
    indptr, items = csr
    return items[int(indptr[user]) : int(indptr[user + 1])]


def _top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Best k items, ties by item number; an item at minus infinity is never among them."""
    k = min(k, len(scores))
    cut = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero((scores >= cut) & (scores > -np.inf))
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]
