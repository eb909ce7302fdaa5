from dataclasses import replace

import numpy as np
import pytest

from profiler.selection.affinity import (
    affinity_propagation,
    neighbours,
    sparse,
    sparse_affinity_propagation,
)
from profiler.selection.affinity.dense import DenseMessages
from profiler.selection.affinity.geometry import nearest
from profiler.selection.affinity.messages import DAMPING_SCHEDULE, Candidates, Run


@pytest.mark.parametrize("preference", [-1.0, -2.0, -4.0])
def test_net_similarity_is_within_two_per_mille_of_dense(planted, preference):
    vectors = planted(1200, 64, seed=3)
    dense = affinity_propagation(vectors, preference)
    sparse = sparse_affinity_propagation(vectors, preference)
    assert sparse.converged
    assert sparse.net_similarity == pytest.approx(dense.net_similarity, rel=0.002)
    assert abs(len(sparse.exemplars) - len(dense.exemplars)) <= 0.02 * len(dense.exemplars) + 1


@pytest.mark.slow
def test_net_similarity_is_within_two_per_mille_of_dense_on_thousands(planted):
    vectors = planted(6000, 64, seed=4)
    dense = affinity_propagation(vectors, -2.0)
    sparse = sparse_affinity_propagation(vectors, -2.0)
    assert sparse.net_similarity == pytest.approx(dense.net_similarity, rel=0.002)


def test_letting_settled_rows_rest_changes_nearly_nothing(planted, monkeypatch):
    vectors = planted(3000, 32, seed=5)
    plain = sparse_affinity_propagation(vectors, -3.0)
    monkeypatch.setattr(sparse, "_RESTING_ROWS", 10)
    messages = sparse.SparseMessages.of(vectors, Candidates.of(3000, None), None)
    resting = messages.cluster(-3.0, Run(0.5, 200, 15, DAMPING_SCHEDULE))
    assert len(messages.active) < 2700
    assert resting.converged
    assert resting.net_similarity == pytest.approx(plain.net_similarity, rel=1e-4)


def test_cells_give_the_clusters_of_all_pairs(planted, monkeypatch):
    pytest.importorskip("faiss")
    vectors = planted(3000, 32, seed=6)
    exact = sparse_affinity_propagation(vectors, -3.0)
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 100)
    celled = sparse_affinity_propagation(vectors, -3.0)
    np.testing.assert_array_equal(celled.exemplars, exact.exemplars)
    monkeypatch.setattr(neighbours.cell_neighbours, "__defaults__", (0, 800, None))
    fewer = sparse_affinity_propagation(vectors, -3.0)
    assert fewer.net_similarity == pytest.approx(exact.net_similarity, rel=0.002)


def test_with_all_neighbours_it_is_dense(planted):
    vectors = planted(150, 16)
    dense = affinity_propagation(vectors, -2.0)
    sparse = sparse_affinity_propagation(vectors, -2.0, k=149)
    np.testing.assert_array_equal(sparse.exemplars, dense.exemplars)
    np.testing.assert_array_equal(sparse.labels, dense.labels)
    assert sparse.iterations == dense.iterations


def test_rows_join_the_nearest_of_all_exemplars(planted):
    vectors = planted(800, 32)
    found = sparse_affinity_propagation(vectors, -1.0, k=20)
    expected = nearest(vectors, vectors[found.exemplars])
    np.testing.assert_array_equal(found.labels, expected)


def test_every_exemplar_is_a_member_of_its_own_cluster(planted):
    vectors = planted(800, 32, seed=8)
    found = sparse_affinity_propagation(vectors, -2.0, k=20)
    np.testing.assert_array_equal(found.labels[found.exemplars], np.arange(len(found.exemplars)))


def test_fewer_rows_than_neighbours(planted):
    found = sparse_affinity_propagation(planted(5, 8), -1.0, k=100)
    assert 1 <= len(found.exemplars) <= 5


def test_only_candidates_become_exemplars(planted):
    vectors, candidates = planted(600, 32), np.arange(100, 200)
    dense = affinity_propagation(vectors, -2.0, candidates=candidates)
    sparse = sparse_affinity_propagation(vectors, -2.0, k=50, candidates=candidates)
    assert np.isin(sparse.exemplars, candidates).all()
    assert sparse.net_similarity == pytest.approx(dense.net_similarity, rel=0.002)


def test_two_candidates(planted):
    vectors = planted(60, 8)
    found = sparse_affinity_propagation(vectors, -1.0, candidates=[3, 40])
    assert set(found.exemplars.tolist()) <= {3, 40}


def test_identical_rows():
    found = sparse_affinity_propagation(np.ones((40, 3)), -1.0)
    assert found.exemplars.tolist() == [0]


@pytest.mark.parametrize("kind", [sparse.SparseMessages, DenseMessages])
def test_a_warm_run_starts_where_the_last_one_ended(planted, kind):
    vectors = planted(600, 32, seed=9)
    messages = kind.of(vectors, Candidates.of(600, None), None)
    run = Run(0.5, 200, 15, DAMPING_SCHEDULE)
    cold = messages.run(-2.0, run)
    warm = messages.run(-2.0, replace(run, warm=True))
    again = messages.run(-2.0, run)
    assert warm.iterations == 16 < cold.iterations
    np.testing.assert_array_equal(warm.columns, cold.columns)
    np.testing.assert_array_equal(again.columns, cold.columns)
    assert again.iterations == cold.iterations
