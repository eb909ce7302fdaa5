import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from profiler.selection.affinity.geometry import (
    center_vectors,
    check_vectors,
    medoids,
    nearest,
    product_form,
    similarity_to,
)

VALUES = st.floats(-10, 10, width=32)


def squared_distances(x, y):
    return ((x[:, None].astype(np.float64) - y[None]) ** 2).sum(-1)


def test_product_form_gives_negative_squared_distances(planted):
    x, y = planted(50, seed=1), planted(20, seed=2)
    left, right = product_form(x, y)
    np.testing.assert_allclose(left @ right.T, -squared_distances(x, y), atol=1e-5)


def test_nearest_equals_brute_force(planted):
    x, y = planted(300, seed=1), planted(40, seed=2)
    np.testing.assert_array_equal(nearest(x, y), squared_distances(x, y).argmin(axis=1))


def test_nearest_of_equal_targets_is_the_first():
    x = np.array([[1, 0], [0, 1]], dtype=np.float32)
    np.testing.assert_array_equal(nearest(x, x[[0, 0, 1, 1]]), [0, 2])


@settings(deadline=None)
@given(arrays(np.float32, (12, 3), elements=VALUES), st.integers(1, 4), st.data())
def test_medoid_has_the_greatest_sum_of_similarities(vectors, clusters, data):
    labels = np.array(data.draw(st.lists(st.integers(0, clusters - 1), min_size=12, max_size=12)))
    weights = np.array(
        data.draw(st.lists(st.integers(1, 5), min_size=12, max_size=12)), dtype=np.float32
    )
    found = medoids(vectors, labels, clusters, weights)
    for cluster, row in enumerate(found):
        members = np.flatnonzero(labels == cluster)
        if len(members) == 0:
            assert row == -1
            continue
        assert row in members
        loss = squared_distances(vectors, vectors)[:, members] @ weights[members]
        assert loss[row] <= loss[members].min() * (1 + 1e-4) + 1e-3


def test_medoid_of_a_pair_is_its_lower_row():
    vectors = np.array([[5, 5], [0, 1], [1, 0]], dtype=np.float32)
    np.testing.assert_array_equal(medoids(vectors, np.array([0, 1, 1]), 2), [0, 1])


def test_medoid_may_be_restricted():
    vectors = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
    labels = np.zeros(3, dtype=np.int64)
    assert medoids(vectors, labels, 1).tolist() == [1]
    assert medoids(vectors, labels, 1, allowed=np.array([True, False, True])).tolist() == [0]
    assert medoids(vectors, labels, 1, allowed=np.zeros(3, dtype=bool)).tolist() == [-1]


def test_centre_subtracts_and_normalises():
    vectors = np.array([[3, 1], [1, 1], [0, 0]], dtype=np.float32)
    moved = center_vectors(vectors)
    np.testing.assert_allclose(moved, [[1, 0], [-1, 0], [0, 0]], atol=1e-6)
    given_mean = center_vectors(vectors, np.array([3, 0], dtype=np.float32))
    np.testing.assert_allclose(given_mean[0], [0, 1], atol=1e-6)


def test_centre_leaves_a_row_at_the_mean_zero():
    vectors = np.tile(np.array([0.3, 0.7, 0.1], dtype=np.float32), (5, 1))
    assert not center_vectors(vectors).any()


def test_similarity_to_is_the_negative_squared_distance(planted):
    x, labels = planted(40), np.arange(40) % 7
    expected = -((x - x[:7][labels]) ** 2).sum(axis=1)
    np.testing.assert_allclose(similarity_to(x, x[:7], labels), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0))])
def test_shapes_are_checked(bad):
    with pytest.raises(ValueError, match="matrix"):
        check_vectors(bad)


def test_nan_is_refused_by_row():
    vectors = np.zeros((4, 2))
    vectors[2, 1] = np.nan
    with pytest.raises(ValueError, match="vector 2 holds NaN"):
        check_vectors(vectors)
