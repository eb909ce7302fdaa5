import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from profiler.selection.affinity import affinity_propagation
from profiler.selection.affinity.messages import DAMPING_SCHEDULE, Run, self_similarities
from profiler.selection.affinity.result import net_similarity

sklearn_cluster = pytest.importorskip("sklearn.cluster")


def same_as_sklearn(vectors, **options):
    ours = affinity_propagation(vectors, schedule=(), **options)
    theirs = sklearn_cluster.AffinityPropagation(random_state=0, **options).fit(vectors)
    np.testing.assert_array_equal(ours.exemplars, theirs.cluster_centers_indices_)
    np.testing.assert_array_equal(ours.labels, theirs.labels_)
    assert ours.converged
    assert ours.iterations == theirs.n_iter_


# Sizes, dimensions, dampings and preferences vary; 20 data sets to 800 rows, larger ones below.
CASES = [
    (n, d, seed, damping, preference)
    for seed, (n, d, damping, preference) in enumerate(
        [
            (60, 4, 0.5, None),
            (100, 8, 0.5, None),
            (150, 16, 0.5, None),
            (200, 32, 0.7, None),
            (250, 8, 0.9, None),
            (300, 32, 0.5, None),
            (350, 16, 0.5, -4.0),
            (400, 32, 0.5, None),
            (400, 8, 0.6, None),
            (450, 64, 0.5, None),
            (500, 32, 0.5, -3.0),
            (500, 16, 0.8, None),
            (550, 32, 0.5, None),
            (600, 32, 0.5, None),
            (600, 64, 0.7, None),
            (650, 16, 0.9, None),
            (700, 32, 0.5, -4.0),
            (700, 64, 0.5, None),
            (800, 32, 0.5, None),
            (800, 64, 0.6, None),
        ]
    )
]


@pytest.mark.parametrize(("n", "d", "seed", "damping", "preference"), CASES)
def test_same_exemplars_as_sklearn(planted, n, d, seed, damping, preference):
    same_as_sklearn(planted(n, d, seed), damping=damping, preference=preference)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seed"), [(2000, 20), (3000, 21), (4000, 22), (5000, 23)])
def test_same_exemplars_as_sklearn_on_thousands(planted, n, seed):
    same_as_sklearn(planted(n, 64, seed), damping=0.7)


def test_the_default_preference_is_the_median_similarity(planted):
    vectors = planted(101)
    similarities = -sklearn_cluster._affinity_propagation.euclidean_distances(vectors, squared=True)
    found = affinity_propagation(vectors)
    assert found.preference == pytest.approx(float(np.median(similarities)), rel=1e-5)


VECTORS = arrays(
    np.float32,
    st.tuples(st.integers(1, 25), st.integers(1, 4)),
    elements=st.floats(-3, 3, width=32),
)


@settings(deadline=None, max_examples=60)
@given(VECTORS, st.floats(-20, -0.01), st.sampled_from([0.5, 0.9]))
def test_every_result_is_a_clustering(vectors, preference, damping):
    found = affinity_propagation(vectors, preference, damping)
    assert len(found.exemplars) >= 1
    assert (np.diff(found.exemplars) > 0).all()
    np.testing.assert_array_equal(found.labels[found.exemplars], np.arange(len(found.exemplars)))
    assert found.labels.min() >= 0
    distances = ((vectors[:, None].astype(np.float64) - vectors[found.exemplars]) ** 2).sum(-1)
    others = np.setdiff1d(np.arange(len(vectors)), found.exemplars)
    own = distances[others, found.labels[others]]
    np.testing.assert_allclose(own, distances[others].min(axis=1), rtol=1e-4, atol=1e-4)
    net = -own.sum() + found.preference * len(found.exemplars)
    assert found.net_similarity == pytest.approx(net, rel=1e-4, abs=1e-4)


def test_net_similarity_is_recomputed_from_the_vectors(planted):
    vectors = planted(200)
    found = affinity_propagation(vectors)
    again = net_similarity(vectors, found.exemplars, found.labels, found.preference)
    assert found.net_similarity == again


def test_a_run_that_does_not_settle_says_so_and_keeps_the_best_seen(planted):
    vectors = planted(300)
    found = affinity_propagation(vectors, -2.0, max_iter=60, convergence_iter=1000, schedule=())
    settled = affinity_propagation(vectors, -2.0)
    assert not found.converged
    assert settled.converged
    assert found.net_similarity >= settled.net_similarity * 1.02


def test_a_run_cut_before_any_exemplar_shows_returns_the_most_central_row(planted):
    vectors = planted(120)
    found = affinity_propagation(vectors, -2.0, max_iter=2, schedule=())
    centre = ((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).argmin()
    assert found.exemplars.tolist() == [centre]
    assert not found.converged


def test_damping_is_raised_by_the_schedule():
    run = Run(0.5, 200, 15, DAMPING_SCHEDULE)
    assert run.tries() == [(0.5, 200), (0.7, 333), (0.9, 1000), (0.95, 2000)]
    assert Run(0.9, 200, 15, DAMPING_SCHEDULE).tries() == [(0.9, 200), (0.95, 2000)]


def test_oscillation_ends_with_more_damping(planted):
    vectors = planted(400, 16, 1, per=100)
    plain = affinity_propagation(vectors, -40.0, schedule=())
    raised = affinity_propagation(vectors, -40.0)
    assert not plain.converged
    assert raised.converged
    assert raised.damping > 0.5
    assert raised.net_similarity >= plain.net_similarity


def test_only_candidates_become_exemplars(planted):
    vectors = planted(200)
    candidates = np.arange(0, 200, 3)
    found = affinity_propagation(vectors, -2.0, candidates=candidates)
    assert np.isin(found.exemplars, candidates).all()
    assert 1 < len(found.exemplars) < len(candidates)
    free = affinity_propagation(vectors, -2.0)
    assert found.net_similarity <= free.net_similarity


@pytest.mark.parametrize("preference", [-1.0, -3.0, -6.0, -10.0])
def test_a_weight_counts_as_that_many_rows(preference):
    random = np.random.default_rng(3)
    vectors = random.normal(size=(40, 3)).astype(np.float32)
    weights = random.integers(1, 4, 40)
    rows = np.repeat(np.arange(40), weights)
    together = affinity_propagation(vectors, preference, 0.9, weights=weights)
    apart = affinity_propagation(vectors[rows], preference, 0.9)
    distance = ((vectors[rows][:, None] - vectors[together.exemplars]) ** 2).sum(-1).min(axis=1)
    net = -distance.sum() + preference * len(together.exemplars)
    assert together.net_similarity == pytest.approx(net, rel=1e-5)
    # Exact ties between copies mislead the messages: taken together, users cluster better.
    assert together.net_similarity >= apart.net_similarity


def test_order_of_rows_does_not_matter(planted):
    vectors = planted(300, seed=5)
    order = np.random.default_rng(0).permutation(300)
    found, moved = affinity_propagation(vectors), affinity_propagation(vectors[order])
    np.testing.assert_array_equal(found.exemplars, np.sort(order[moved.exemplars]))


class TestNothingToDecide:
    def test_one_row(self):
        found = affinity_propagation(np.ones((1, 3)))
        assert (found.exemplars.tolist(), found.labels.tolist(), found.converged) == (
            [0],
            [0],
            True,
        )

    def test_identical_rows_share_the_first(self):
        found = affinity_propagation(np.ones((50, 3)), -1.0)
        assert found.exemplars.tolist() == [0]
        assert set(found.labels) == {0}

    @pytest.mark.parametrize(("preference", "exemplars"), [(-3.0, [0]), (-1.0, [0, 1, 2, 3])])
    def test_corners_of_a_simplex_follow_the_preference(self, preference, exemplars):
        found = affinity_propagation(np.eye(4), preference)
        assert found.exemplars.tolist() == exemplars

    def test_one_candidate_serves_all(self, planted):
        found = affinity_propagation(planted(30), -1.0, candidates=[7])
        assert found.exemplars.tolist() == [7]


def test_preferences_differ_by_less_than_two_parts_in_a_million():
    own = self_similarities(-2.0, 5000)
    assert len(np.unique(own)) > 5
    assert (np.abs(own / -2.0 - 1) < 2e-6).all()


@pytest.mark.parametrize("damping", [0.4, 1.0, float("nan")])
def test_damping_is_checked(damping):
    with pytest.raises(ValueError, match="damping"):
        affinity_propagation(np.eye(5), -1.0, damping)


@pytest.mark.parametrize("candidates", [[], [5], [-1]])
def test_candidates_are_checked(candidates):
    with pytest.raises(ValueError, match="candidates"):
        affinity_propagation(np.eye(5), -1.0, candidates=np.array(candidates, dtype=int))
