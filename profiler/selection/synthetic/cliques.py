"""Candidate cliques: users who are all neighbours of each other and whose items fit one prompt.

Every clique is grown greedily inside a pool: first the ego network of each user, then, where the
graph is small, each of its maximal cliques (Bron and Kerbosch 1973, as in networkx). At each step
the candidate most like the present members on average joins; it must be a neighbour of all of
them, and the union of items must stay within the limit. Long histories: where no candidate fits
beside a user, the clique around it grows without the limit, and later stands for the items that
most of its members own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from profiler.kernels.jit import exact, exact_parallel
from profiler.selection.synthetic.neighbours import NeighbourGraph
from store.data.csr import starts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_MAXIMAL = 200_000  # a graph can have exponentially many maximal cliques


@dataclass(frozen=True)
class Cliques:
    """Distinct cliques in a fixed order.

    Attributes
    ----------
    indptr : int64 ``[cliques + 1]``
    members : int64 ``[pairs]``
        Users of each clique, rising.
    cohesion : float64 ``[cliques]``
        Mean weight over the pairs of a clique; 1 for a clique of one.
    """

    indptr: Ints
    members: Ints
    cohesion: Floats

    def __len__(self) -> int:
        return len(self.cohesion)


def candidate_cliques(
    graph: NeighbourGraph,
    indptr: Ints,
    items: Ints,
    n_items: int,
    *,
    max_titles: int = 60,
    max_members: int = 10,
    min_cohesion: float = 0.0,
    maximal_up_to: int = 20_000,
) -> Cliques:
    """Grow a clique around every user, and in every maximal clique of a small graph.

    Parameters
    ----------
    graph
        Neighbours of the users.
    indptr, items
        Item sets of the users as CSR, each item once.
    n_items
        Number of items.
    max_titles
        Most items that a clique may own together, where any candidate fits beside its first user.
    max_members
        Most members.
    min_cohesion
        Least mean weight over the pairs.
    maximal_up_to
        Most edges of a graph whose maximal cliques are listed as well; 0: never.

    Returns
    -------
    Cliques
        A user without neighbours is a clique of one (it matters where it stands for twins).

    Raises
    ------
    ValueError
        If `max_titles` or `max_members` is below 1.
    """
    if max_titles < 1 or max_members < 1:
        raise ValueError("max_titles and max_members must be at least 1")
    seeds, pool_pointers, pools = _pools(graph, maximal_up_to)
    grown, cohesion = _grow(
        seeds,
        pool_pointers,
        pools,
        graph.indptr,
        graph.neighbours,
        graph.weights,
        np.asarray(indptr, np.int64),
        np.asarray(items, np.int64),
        n_items,
        max_titles,
        max_members,
    )
    grown = np.sort(grown, axis=1)[:, ::-1]  # -1 pads at the end, so equal cliques are equal rows
    distinct, first = np.unique(grown, axis=0, return_index=True)
    keep = cohesion[first] >= min_cohesion
    distinct, cohesion = distinct[keep][:, ::-1], cohesion[first][keep]
    sizes = (distinct >= 0).sum(axis=1)
    return Cliques(starts(sizes), distinct[distinct >= 0], cohesion)


def _pools(graph: NeighbourGraph, maximal_up_to: int) -> tuple[Ints, Ints, Ints]:
    """Seeds, and as CSR the users that may join each: ego networks, then maximal cliques."""
    n_users = len(graph.indptr) - 1
    seeds: list[int] = []
    pools: list[list[int]] = []
    if 0 < graph.n_edges <= maximal_up_to:
        for clique in maximal_cliques(graph):
            if len(clique) > 2:  # an edge alone is found in the ego networks
                seeds.append(clique[0])
                pools.append(clique[1:])
    sizes = np.array([len(pool) for pool in pools], dtype=np.int64)
    return (
        np.concatenate([np.arange(n_users), np.array(seeds, dtype=np.int64)]),
        np.concatenate([graph.indptr, graph.indptr[-1] + np.cumsum(sizes)]),
        np.concatenate([graph.neighbours, np.array(list(itertools.chain(*pools)), dtype=np.int64)]),
    )


def maximal_cliques(graph: NeighbourGraph) -> list[list[int]]:
    """All maximal cliques of two users or more (the first 200,000), each rising, in order."""
    import networkx as nx

    users = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    network: nx.Graph[int] = nx.Graph()
    network.add_edges_from(zip(users.tolist(), graph.neighbours.tolist(), strict=True))
    return sorted(sorted(c) for c in itertools.islice(nx.find_cliques(network), _MOST_MAXIMAL))


@exact_parallel
def _grow(
    seeds: Ints,
    pool_pointers: Ints,
    pools: Ints,
    pointers: Ints,
    neighbours: Ints,
    weights: Floats,
    item_pointers: Ints,
    items: Ints,
    n_items: int,
    max_titles: int,
    max_members: int,
) -> tuple[Ints, Floats]:
    """Grow a clique from each seed in its pool: members padded with -1, and cohesion."""
    n_seeds = len(seeds)
    grown = np.full((n_seeds, max_members), -1, dtype=np.int64)
    cohesion = np.ones(n_seeds)
    n_blocks = 16
    for block in nb.prange(n_blocks):
        stamp = np.full(n_items, -1, dtype=np.int64)
        for row in range(block, n_seeds, n_blocks):
            pool = pools[pool_pointers[row] : pool_pointers[row + 1]]
            size = 0
            for limit in (max_titles, n_items):  # again without a limit where nobody fits
                if size < 2:
                    grown[row, 0] = seeds[row]
                    size, total = _fill(
                        grown[row], pool, pointers, neighbours, weights, item_pointers, items,
                        stamp, 2 * row + (limit == n_items), limit,
                    )  # fmt: skip
                    if size > 1:
                        cohesion[row] = total / (size * (size - 1) / 2)
    return grown, cohesion


@exact
def _fill(
    members: Ints,
    pool: Ints,
    pointers: Ints,
    neighbours: Ints,
    weights: Floats,
    item_pointers: Ints,
    items: Ints,
    stamp: Ints,
    mark: int,
    limit: int,
) -> tuple[int, float]:
    """Add candidates to the first member as long as the items fit: size, weight of the pairs."""
    alike = np.zeros(len(pool))
    _join(members[0], pool, alike, pointers, neighbours, weights)
    owned = _stamp(members[0], item_pointers, items, stamp, mark)
    size, total = 1, 0.0
    while size < len(members):
        best = _most_alike(pool, alike)
        if best < 0:
            break
        if owned + _fresh(pool[best], item_pointers, items, stamp, mark) <= limit:
            members[size] = pool[best]
            size += 1
            total += alike[best]
            owned += _stamp(pool[best], item_pointers, items, stamp, mark)
            _join(pool[best], pool, alike, pointers, neighbours, weights)
        alike[best] = -1.0
    return size, total


@exact
def _join(
    member: int, pool: Ints, alike: Floats, pointers: Ints, neighbours: Ints, weights: Floats
) -> None:
    """Add the new member's weights to the pool's; -1 rules out who is no neighbour of it."""
    first, last = pointers[member], pointers[member + 1]
    for place in range(len(pool)):
        if alike[place] >= 0.0:
            at = first + np.searchsorted(neighbours[first:last], pool[place])
            if at < last and neighbours[at] == pool[place]:
                alike[place] += weights[at]
            else:
                alike[place] = -1.0


@exact
def _most_alike(pool: Ints, alike: Floats) -> int:
    """Place of the candidate most like the members; the lower number among equals; -1: none."""
    best = -1
    for place in range(len(pool)):
        if alike[place] >= 0.0 and (
            best < 0
            or alike[place] > alike[best]
            or (alike[place] == alike[best] and pool[place] < pool[best])
        ):
            best = place
    return best


@exact
def _fresh(user: int, item_pointers: Ints, items: Ints, stamp: Ints, mark: int) -> int:
    """How many items of a user the clique does not own yet."""
    count = 0
    for at in range(item_pointers[user], item_pointers[user + 1]):
        count += stamp[items[at]] != mark
    return count


@exact
def _stamp(user: int, item_pointers: Ints, items: Ints, stamp: Ints, mark: int) -> int:
    """Mark the items of a user as the clique's; how many are new."""
    count = 0
    for at in range(item_pointers[user], item_pointers[user + 1]):
        if stamp[items[at]] != mark:
            stamp[items[at]] = mark
            count += 1
    return count
