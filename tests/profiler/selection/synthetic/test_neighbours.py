"""The neighbour graph against a plain computation over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.selection.synthetic.neighbours import NeighbourGraph, item_weights, neighbour_graph

N_ITEMS = 20
histories_of_users = st.lists(
    st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=8).map(sorted), max_size=14
)


def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    return indptr, np.array([item for row in rows for item in row], dtype=np.int64)


def edges(graph: NeighbourGraph) -> dict[tuple[int, int], float]:
    return {
        (user, int(graph.neighbours[at])): float(graph.weights[at])
        for user in range(len(graph.indptr) - 1)
        for at in range(graph.indptr[user], graph.indptr[user + 1])
    }


def all_pairs(
    rows: list[list[int]], weights: np.ndarray, k: int, threshold: float, measure: str
) -> dict[tuple[int, int], float]:
    named = []
    for u, mine in enumerate(rows):
        alike = []
        for v, other in enumerate(rows):
            common = sum(weights[i] for i in sorted(set(mine) & set(other)))
            a, b = sum(weights[i] for i in mine), sum(weights[i] for i in other)
            whole = a + b - common if measure == "jaccard" else min(a, b)
            if u != v and common > 0 and min(common / whole, 1.0) >= threshold:
                alike.append((-min(common / whole, 1.0), v))
        named.append({v: -minus for minus, v in sorted(alike)[:k]})
    return {(u, v): w for u, mine in enumerate(named) for v, w in mine.items() if u in named[v]}


@settings(max_examples=75, deadline=None)
@given(
    rows=histories_of_users,
    k=st.integers(1, 6),
    threshold=st.sampled_from([0.05, 0.3, 1.0]),
    measure=st.sampled_from(["jaccard", "overlap"]),
    kind=st.sampled_from(["one", "idf", "inverse-sqrt"]),
)
def test_equals_a_plain_computation_over_all_pairs(rows, k, threshold, measure, kind) -> None:
    indptr, items = csr(rows)
    weights = item_weights(items, N_ITEMS, len(rows), kind)
    graph = neighbour_graph(indptr, items, weights, k=k, threshold=threshold, measure=measure)
    assert edges(graph) == all_pairs(rows, weights, k, threshold, measure)
    for user in range(len(rows)):
        assert (np.diff(graph.neighbours[graph.indptr[user] : graph.indptr[user + 1]]) > 0).all()


def test_equal_weights_go_to_the_lower_number() -> None:
    indptr, items = csr([[0, 1]] * 5)
    graph = neighbour_graph(indptr, items, np.ones(2), k=1)
    assert set(edges(graph)) == {(0, 1), (1, 0)}


def test_an_item_of_no_weight_links_nobody() -> None:
    graph = neighbour_graph(*csr([[0], [0], []]), np.zeros(1))
    assert graph.n_edges == 0


def test_item_weights() -> None:
    items = [0, 0, 0, 0, 1]
    assert item_weights(items, 3, 4, "one").tolist() == [1, 1, 1]
    assert item_weights(items, 3, 4, "idf") == pytest.approx([np.log(2), np.log(5), 0])
    assert item_weights(items, 3, 4, "inverse-sqrt").tolist() == [0.5, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"k": 0}, "k must"), ({"threshold": 0.0}, "threshold"), ({"measure": "cosine"}, "measure")],
)
def test_wrong_settings_are_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        neighbour_graph([0, 1], [0], [1.0], **change)
    with pytest.raises(ValueError, match="item weights"):
        item_weights([0], 1, 1, "tf")  # type: ignore[arg-type]
