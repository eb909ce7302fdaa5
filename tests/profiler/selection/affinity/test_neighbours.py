import builtins
import logging

import numpy as np
import pytest

from profiler.selection.affinity import neighbours
from profiler.selection.affinity.messages import Candidates


def brute(vectors, candidates, k):
    targets = vectors[candidates.rows].astype(np.float64)
    distance = ((vectors[:, None].astype(np.float64) - targets) ** 2).sum(-1)
    rows = np.flatnonzero(candidates.own >= 0)
    distance[rows, candidates.own[rows]] = np.inf
    return np.sort(np.argsort(distance, axis=1, kind="stable")[:, :k], axis=1), distance


@pytest.mark.parametrize(("n", "k"), [(40, 1), (40, 39), (500, 10), (1000, 20), (3000, 60)])
def test_exact_neighbours_equal_brute_force(planted, n, k):
    vectors, everyone = planted(n, 16), Candidates.of(n, None)
    found, similarity = neighbours.exact_neighbours(vectors, everyone, k)
    expected, distance = brute(vectors, everyone, k)
    assert (found == expected).mean() > 0.9999
    true = np.take_along_axis(distance, found.astype(np.int64), axis=1)
    np.testing.assert_allclose(-similarity, true, atol=1e-5)
    assert (np.diff(found, axis=1) > 0).all()


def test_neighbours_are_candidates_only(planted):
    vectors, some = planted(200, 16), Candidates.of(200, np.arange(0, 200, 4))
    found, _ = neighbours.exact_neighbours(vectors, some, 7)
    np.testing.assert_array_equal(found, brute(vectors, some, 7)[0])


def test_of_equal_neighbours_the_first_are_taken():
    vectors = np.zeros((50, 2), dtype=np.float32)
    found, _ = neighbours.exact_neighbours(vectors, Candidates.of(50, None), 3)
    assert found[10].tolist() == [0, 1, 2]
    assert found[1].tolist() == [0, 2, 3]


def of_input(graph):
    """Neighbours and similarities by the numbers and in the order of the input."""
    n, k = graph.columns.shape
    found, similarity = np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)
    found[graph.rows], similarity[graph.rows] = (
        graph.candidates[graph.columns],
        graph.similarities,
    )
    return found, similarity


def test_cells_find_nearly_all(planted):
    pytest.importorskip("faiss")
    vectors, everyone = planted(4000, 16), Candidates.of(4000, None)
    graph = neighbours.cell_neighbours(vectors, everyone, 20, reach=2000)
    found, similarity = of_input(graph)
    exact, _ = neighbours.exact_neighbours(vectors, everyone, 20)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(found, exact, strict=True)]
    assert 19 < np.mean(shared) < 20
    assert (found != np.arange(4000)[:, None]).all()
    true = ((vectors[:, None] - vectors[found]) ** 2).sum(-1)
    np.testing.assert_allclose(-similarity, true, atol=1e-5)
    np.testing.assert_array_equal(graph.candidates[graph.own], graph.rows)


def test_cells_hold_candidates_only_and_a_reach_of_all_is_exact(planted):
    pytest.importorskip("faiss")
    vectors, some = planted(900, 16), Candidates.of(900, np.arange(0, 900, 3))
    graph = neighbours.cell_neighbours(vectors, some, 7, reach=900)
    found, _ = of_input(graph)
    np.testing.assert_array_equal(np.sort(found, axis=1), brute(vectors, some, 7)[0])
    own = np.where(graph.own >= 0, graph.candidates[graph.own], -1)
    np.testing.assert_array_equal(own, some.own[graph.rows])


def test_cells_reach_at_least_the_neighbours_wanted(planted):
    pytest.importorskip("faiss")
    graph = neighbours.cell_neighbours(planted(900, 16), Candidates.of(900, None), 60, reach=1)
    found, _ = of_input(graph)
    assert all(len(set(row)) == 60 for row in found.tolist())


def test_without_faiss_the_exact_way_is_taken_and_said(planted, monkeypatch, caplog):
    real = builtins.__import__

    def no_faiss(name, *args, **kwargs):
        if name == "faiss":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_faiss)
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 100)
    vectors, everyone = planted(150, 8), Candidates.of(150, None)
    with caplog.at_level(logging.WARNING):
        graph = neighbours.neighbours(vectors, everyone, 5)
    np.testing.assert_array_equal(graph.columns, brute(vectors, everyone, 5)[0])
    assert "interest-profiler[faiss]" in caplog.text
