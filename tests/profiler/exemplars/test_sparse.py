import numpy as np
import pytest

from profiler.exemplars import affinity_propagation, sparse_affinity_propagation
from profiler.exemplars.geometry import nearest


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
