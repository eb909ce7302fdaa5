"""Neighbour graph over users: whose item sets overlap most, mutual top-k above a threshold.

The weights of all pairs of users that share an item come from one sparse product, user × item by
item × user, taken row by row so that only a row of it is held at a time (Gustavson 1978, ACM
TOMS 4). Nothing is random, and a pair has the same weight whichever user comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from profiler.kernels.jit import exact, exact_parallel
from store.data.csr import starts, transpose

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ItemWeight = Literal["one", "idf", "inverse-sqrt"]
Measure = Literal["jaccard", "overlap"]


@dataclass(frozen=True)
class NeighbourGraph:
    """Undirected graph as CSR: neighbours of ``u`` by rising number, with their weights.

    Attributes
    ----------
    indptr : int64 ``[users + 1]``
    neighbours : int64 ``[2 * edges]``
    weights : float64 ``[2 * edges]``, above 0 to 1.
    """

    indptr: Ints
    neighbours: Ints
    weights: Floats

    @property
    def n_edges(self) -> int:
        """Number of pairs."""
        return len(self.neighbours) // 2


def item_weights(items: ArrayLike, n_items: int, n_users: int, kind: ItemWeight) -> Floats:
    """Weight of each item by how many users own it, float64 ``[n_items]``.

    ``one``: 1; ``idf``: log(1 + users / owners), so that an item everybody owns still counts a
    little; ``inverse-sqrt``: 1 / sqrt(owners). An item nobody owns weighs 0 under the last two.

    Raises
    ------
    ValueError
        If `kind` is none of these.
    """
    owners = np.bincount(np.asarray(items, np.int64), minlength=n_items).astype(np.float64)
    if kind == "one":
        return np.ones(n_items)
    safe = np.maximum(owners, 1.0)
    if kind == "idf":
        return np.where(owners > 0, np.log1p(n_users / safe), 0.0)
    if kind == "inverse-sqrt":
        return np.where(owners > 0, 1.0 / np.sqrt(safe), 0.0)
    raise ValueError(f"item weights are 'one', 'idf' or 'inverse-sqrt', not {kind!r}")


def neighbour_graph(
    indptr: ArrayLike,
    items: ArrayLike,
    weights: ArrayLike,
    *,
    k: int = 20,
    threshold: float = 0.1,
    measure: Measure = "jaccard",
) -> NeighbourGraph:
    """Link users who are among each other's `k` most alike, at least `threshold` alike.

    Parameters
    ----------
    indptr, items
        Item sets as CSR, each item once per user and rising, ``[users + 1]`` and ``[pairs]``.
    weights
        Weight of each item, not negative, ``[n_items]``.
    k
        How many neighbours each user may name.
    threshold
        Least weight of a pair, above 0 to 1.
    measure
        ``jaccard``: weight of the shared items over that of the union; ``overlap``: over that
        of the lighter of the two sets.

    Returns
    -------
    NeighbourGraph
        Equal weights: the lower user number is the nearer one.

    Raises
    ------
    ValueError
        If `k`, `threshold` or `measure` is out of range.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
    if measure not in ("jaccard", "overlap"):
        raise ValueError(f"the measure is 'jaccard' or 'overlap', not {measure!r}")
    pointers = np.ascontiguousarray(indptr, np.int64)
    members = np.ascontiguousarray(items, np.int64)
    worth = np.ascontiguousarray(weights, np.float64)
    back_pointers, back_users = transpose(pointers, members, len(worth))
    named, likeness = _top_neighbours(
        pointers, members, back_pointers, back_users, worth, k, threshold, measure == "jaccard"
    )
    return _mutual(named, likeness)


def _mutual(named: Ints, likeness: Floats) -> NeighbourGraph:
    """Keep the pairs in which each names the other."""
    n_users = len(named)
    user, place = np.nonzero(named >= 0)
    other, weight = named[user, place], likeness[user, place]
    keep = np.isin(user * n_users + other, other * n_users + user)
    user, other, weight = user[keep], other[keep], weight[keep]
    order = np.lexsort((other, user))
    counts = np.bincount(user, minlength=n_users)
    indptr = starts(counts)
    return NeighbourGraph(indptr, other[order], weight[order])


@exact_parallel
def _top_neighbours(
    pointers: Ints,
    items: Ints,
    back_pointers: Ints,
    back_users: Ints,
    weights: Floats,
    k: int,
    threshold: float,
    jaccard: bool,
) -> tuple[Ints, Floats]:
    """For each user their `k` most alike, best first; -1 where there are fewer."""
    n_users = len(pointers) - 1
    named = np.full((n_users, k), -1, dtype=np.int64)
    likeness = np.zeros((n_users, k))
    mass = np.zeros(n_users)
    for user in range(n_users):
        for at in range(pointers[user], pointers[user + 1]):
            mass[user] += weights[items[at]]
    n_blocks = 64
    for block in nb.prange(n_blocks):
        shared = np.zeros(n_users)
        touched = np.empty(n_users, dtype=np.int64)
        for user in range(block, n_users, n_blocks):
            n_touched = _share(
                user, pointers, items, back_pointers, back_users, weights, shared, touched
            )
            for other in touched[:n_touched]:
                common = shared[other]
                shared[other] = 0.0
                if jaccard:
                    whole = mass[user] + mass[other] - common
                else:
                    whole = min(mass[user], mass[other])
                alike = min(common / whole, 1.0)
                if alike >= threshold and other != user:
                    _insert(named[user], likeness[user], other, alike)
    return named, likeness


@exact
def _share(
    user: int,
    pointers: Ints,
    items: Ints,
    back_pointers: Ints,
    back_users: Ints,
    weights: Floats,
    shared: Floats,
    touched: Ints,
) -> int:
    """Add up what every other user shares with this one; list the users touched, count them."""
    count = 0
    for at in range(pointers[user], pointers[user + 1]):
        weight = weights[items[at]]
        if weight > 0.0:
            for back in range(back_pointers[items[at]], back_pointers[items[at] + 1]):
                other = back_users[back]
                if shared[other] == 0.0:
                    touched[count] = other
                    count += 1
                shared[other] += weight
    return count


@exact
def _insert(named: Ints, likeness: Floats, other: int, alike: float) -> None:
    """Insert into a list of best first, lower number first among equals; the last falls out."""
    place = len(named)
    while place > 0 and (
        named[place - 1] < 0
        or alike > likeness[place - 1]
        or (alike == likeness[place - 1] and other < named[place - 1])
    ):
        place -= 1
    if place == len(named):
        return
    for at in range(len(named) - 1, place, -1):
        named[at] = named[at - 1]
        likeness[at] = likeness[at - 1]
    named[place] = other
    likeness[place] = alike
