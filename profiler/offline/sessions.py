"""Groups of the items of one shopping session: which pairs belong together, and their cliques.

What people put together in one sitting is mostly one errand, so whole groups are hard to beat; what
tells is which single pairs do not belong. A logistic model rates each pair by how like the two
texts are, by how often like items share a basket elsewhere, and by how well each of the two fits
the rest of the session. Items that all belong to one another pairwise form a group; groups may
overlap, as people's bundles do.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

Matrix = NDArray[np.float64]

_WEIGHT_OF = {
    "likeness": 0.1337,
    "centred likeness": 2.795,
    "height": -1.613,
    "greatest height": 0.2499,
    "items": -0.1131,
    "shared baskets": 1.501,
    "likeness to the rest, lesser": -2.507,
    "likeness to the rest, greater": -1.281,
    "likeness of all": 1.1,
    "baskets with the rest, lesser": -1.563,
    "baskets with the rest, greater": 0.1473,
    "baskets of all": 1.207,
    "same neighbours": 0.1928,
    "nearest item, lesser": -3.626,
}
FEATURES = tuple(_WEIGHT_OF)
WEIGHTS = tuple(_WEIGHT_OF.values())
BIAS = 5.054
"""Weights of :data:`FEATURES`, printed by ``benchmarks/bench_grouping.py --weights``: fitted to one
half of the labelled sessions (seed 0), scored on the other half (docs/quality.md)."""

TOGETHER = 0.42
"""Least probability of a pair that belongs together: the F1 of pairs is greatest where this is half
of the F1 that is reached (Lipton et al., ECML 2014), and that is near 0.84 for whole groups."""

_LEAST_LIKE = 0.2
"""Cosine, of centred vectors, above which an item counts as like another one."""


@dataclass(frozen=True)
class Baskets:
    """All baskets of a shop, to see which kinds of items share one.

    Attributes
    ----------
    vectors
        float32 ``[items, d]``, unit rows less the catalogue's mean, zero where no text.
    indptr, items
        CSR of the items of each basket; empty baskets do not count.
    """

    vectors: NDArray[np.float32]
    indptr: NDArray[np.int64]
    items: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        vectors: NDArray[np.float32],
        indptr: NDArray[np.integer],
        items: NDArray[np.integer],
    ) -> Baskets:
        """Baskets from CSR arrays such as ``Dataset.visible()``."""
        sizes = np.diff(indptr)
        kept = np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int64)
        return cls(vectors, kept, np.asarray(items, dtype=np.int64))

    def shared(self, vectors: NDArray[np.float32]) -> Matrix:
        """Log ratio of baskets that hold likes of two items to those expected by chance.

        ``vectors`` float32 ``[n, d]`` are those of a basket that is itself among the baskets; it
        is not counted. An item is in a basket as far as its nearest item there is like it.
        """
        if len(self.indptr) < 2:
            return np.zeros((len(vectors), len(vectors)))
        likeness = np.clip((vectors @ self.vectors.T - _LEAST_LIKE) / (1 - _LEAST_LIKE), 0, 1)
        held = np.maximum.reduceat(likeness[:, self.items], self.indptr[:-1], axis=1)
        held = held.astype(np.float64)
        each = np.maximum(held.sum(axis=1), 1)
        both = np.maximum(held @ held.T - 1, 0) + 0.1
        return np.asarray(np.log(both * held.shape[1] / np.outer(each, each)))


def pair_features(
    vectors: NDArray[np.float32], centred: NDArray[np.float32], shared: Matrix
) -> NDArray[np.float64]:
    """Features of all pairs of a session's items, float64 ``[n, n, 14]``; see :data:`FEATURES`.

    ``vectors`` and ``centred`` are float32 ``[n, d]``, unit rows before and after the catalogue's
    mean is taken away; ``shared`` is :meth:`Baskets.shared`. There are two items or more.
    """
    n = len(vectors)
    likeness = (vectors @ vectors.T).astype(np.float64)
    moved = (centred @ centred.T).astype(np.float64)
    tree = linkage(centred.astype(np.float64), "ward")
    columns = [likeness, moved, squareform(cophenet(tree)), np.full((n, n), tree[-1, 2])]
    columns += [np.full((n, n), float(n)), shared]
    columns += [*_beside_the_rest(likeness), *_beside_the_rest(shared)]
    nearest = np.where(np.eye(n, dtype=bool), -1.0, moved).max(axis=1)
    columns += [_same_neighbours(moved), np.minimum.outer(nearest, nearest)]
    return np.stack(columns, axis=-1)


def pair_probabilities(
    features: NDArray[np.float64],
    weights: tuple[float, ...] = WEIGHTS,
    bias: float = BIAS,
) -> Matrix:
    """Probability that two items belong together, for features ``[n, n, 14]``."""
    return np.asarray(1 / (1 + np.exp(-(features @ np.array(weights) + bias))))


def overlapping_groups(
    probabilities: Matrix, together: float = TOGETHER, max_groups: int = 20
) -> list[list[int]]:
    """Maximal sets of items that all belong together pairwise, the largest first.

    A set of one item is a group only where the item belongs to no other. At most ``max_groups``
    are returned.
    """
    belong = probabilities >= together
    np.fill_diagonal(belong, False)
    cliques = [sorted(clique) for clique in nx.find_cliques(nx.from_numpy_array(belong))]
    return sorted(cliques, key=lambda clique: (-len(clique), clique))[:max_groups]


def group_session(
    vectors: NDArray[np.float32],
    centred: NDArray[np.float32],
    baskets: Baskets,
    max_groups: int = 20,
) -> list[list[int]]:
    """Group the items of one session; rows of each group, which may overlap, the largest first.

    Parameters
    ----------
    vectors, centred
        float32 ``[n, d]``, unit rows before and after the catalogue's mean is taken away; an item
        without text (a zero row) is in no group.
    baskets
        All baskets of the shop, this session among them.
    max_groups
        The most groups.
    """
    rows = np.flatnonzero(np.any(centred != 0, axis=1))
    if len(rows) < 3:  # of two items there is one pair, and whoever bought both had one errand
        return [rows.tolist()] if len(rows) else []
    shared = baskets.shared(centred[rows])
    found = pair_probabilities(pair_features(vectors[rows], centred[rows], shared))
    return [rows[group].tolist() for group in overlapping_groups(found, max_groups=max_groups)]


def _beside_the_rest(values: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Mean of each item to all others: the lesser and the greater of a pair, and over all."""
    n = len(values)
    others = values * ~np.eye(n, dtype=bool)
    mean = others.sum(axis=1) / (n - 1)
    return np.minimum.outer(mean, mean), np.maximum.outer(mean, mean), np.full((n, n), mean.mean())


def _same_neighbours(likeness: Matrix) -> Matrix:
    """Less the mean difference of two items' likeness to each third one; their own if no third."""
    n = len(likeness)
    if n < 3:
        return likeness.copy()
    apart = np.abs(likeness[:, None, :] - likeness[None, :, :])
    row = np.arange(n)
    total = apart.sum(axis=2) - apart[row[:, None], row[None, :], row[:, None]]
    total -= apart[row[:, None], row[None, :], row[None, :]]
    return np.asarray(-np.where(np.eye(n, dtype=bool), 0, total) / (n - 2))
