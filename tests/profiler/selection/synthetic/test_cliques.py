"""Candidate cliques: what they promise, against networkx, and at their edges."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.selection.synthetic.cliques import Cliques, candidate_cliques, maximal_cliques
from profiler.selection.synthetic.neighbours import NeighbourGraph, neighbour_graph

N_ITEMS = 25
histories_of_users = st.lists(
    st.lists(st.integers(0, N_ITEMS - 1), unique=True, min_size=1, max_size=9).map(sorted),
    min_size=1,
    max_size=16,
)


def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    return indptr, np.array([item for row in rows for item in row], dtype=np.int64)


def weights_of(graph: NeighbourGraph) -> dict[tuple[int, int], float]:
    users = np.repeat(np.arange(len(graph.indptr) - 1), np.diff(graph.indptr))
    pairs = zip(users.tolist(), graph.neighbours.tolist(), strict=True)
    return dict(zip(pairs, graph.weights.tolist(), strict=True))


def listed(cliques: Cliques) -> list[list[int]]:
    return [
        cliques.members[cliques.indptr[row] : cliques.indptr[row + 1]].tolist()
        for row in range(len(cliques))
    ]


@settings(max_examples=60, deadline=None)
@given(
    rows=histories_of_users,
    max_titles=st.integers(1, 30),
    max_members=st.integers(1, 6),
    maximal=st.sampled_from([0, 10_000]),
)
def test_cliques_keep_their_promises(rows, max_titles, max_members, maximal) -> None:
    sets = csr(rows)
    graph = neighbour_graph(*sets, np.ones(N_ITEMS), k=6)
    weight = weights_of(graph)
    cliques = candidate_cliques(
        graph, *sets, N_ITEMS, max_titles=max_titles, max_members=max_members,
        maximal_up_to=maximal,
    )  # fmt: skip
    found = listed(cliques)
    assert len({tuple(c) for c in found}) == len(found)
    assert {user for clique in found for user in clique} == set(range(len(rows)))
    for clique, cohesion in zip(found, cliques.cohesion, strict=True):
        pairs = [weight[pair] for pair in combinations(clique, 2)]  # KeyError: not a clique
        assert clique == sorted(clique)
        assert len(clique) <= max_members
        assert cohesion == pytest.approx(np.mean(pairs) if pairs else 1.0)
        union = {item for user in clique for item in rows[user]}
        if len(clique) > 1 and len(union) > max_titles:  # then for one of them nobody fitted
            assert any(
                all(
                    len(set(rows[seed]) | set(rows[other])) > max_titles
                    for other in clique
                    if other != seed
                )
                for seed in clique
            )


def test_maximal_cliques_are_those_of_networkx() -> None:
    rng = np.random.default_rng(5)
    rows = [sorted(rng.choice(N_ITEMS, 6, replace=False).tolist()) for _ in range(60)]
    graph = neighbour_graph(*csr(rows), np.ones(N_ITEMS), k=12)
    network = nx.Graph(weights_of(graph).keys())
    ours = maximal_cliques(graph)
    assert ours == sorted(sorted(c) for c in nx.find_cliques(network))
    assert max(len(c) for c in ours) > 3


def test_the_most_alike_joins_first_and_a_small_graph_adds_maximal_cliques() -> None:
    rows = [[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 5, 6], [0, 1, 5, 7]]
    graph = neighbour_graph(*csr(rows), np.ones(N_ITEMS))
    pairs = candidate_cliques(graph, *csr(rows), N_ITEMS, max_members=2, maximal_up_to=0)
    assert listed(pairs) == [[0, 1], [2, 3]]
    whole = candidate_cliques(graph, *csr(rows), N_ITEMS)
    assert listed(whole) == [[0, 1, 2, 3]]


def test_a_candidate_that_does_not_fit_is_passed_over() -> None:
    rows = [[0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 6]]
    graph = neighbour_graph(*csr(rows), np.ones(N_ITEMS))
    cliques = candidate_cliques(graph, *csr(rows), N_ITEMS, max_titles=5)
    assert listed(cliques) == [[0, 1], [0, 2]]


def test_long_histories_grow_without_the_limit() -> None:
    rows = [list(range(10)), list(range(1, 11)), list(range(2, 12))]
    graph = neighbour_graph(*csr(rows), np.ones(N_ITEMS))
    cliques = candidate_cliques(graph, *csr(rows), N_ITEMS, max_titles=4)
    assert listed(cliques) == [[0, 1, 2]]


def test_cohesion_is_asked_for() -> None:
    rows = [[0, 1], [0, 1], [0, 2]]
    graph = neighbour_graph(*csr(rows), np.ones(N_ITEMS))
    loose = candidate_cliques(graph, *csr(rows), N_ITEMS)
    strict = candidate_cliques(graph, *csr(rows), N_ITEMS, min_cohesion=0.9)
    assert listed(loose) == [[0, 1, 2]]
    assert listed(strict) == []


def test_wrong_settings_are_named() -> None:
    graph = neighbour_graph([0, 1], [0], [1.0])
    with pytest.raises(ValueError, match="at least 1"):
        candidate_cliques(graph, np.array([0, 1]), np.array([0]), 1, max_titles=0)
