import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.selection.affinity.search import tolerance
from profiler.selection.exemplars import choose_exemplars
from store.errors import DataError, UserError


def ids(n):
    return [f"u{row:05d}" for row in range(n)]


def check(found, vectors):
    """What holds for every choice."""
    known = np.any(vectors != 0, axis=1)
    count = len(found.rows)
    assert count >= 1
    np.testing.assert_array_equal(found.labels[found.rows], np.arange(count))
    assert (found.labels[known] >= 0).all()
    assert (found.labels[~known] == -1).all()
    assert np.isnan(found.similarity[~known]).all()
    np.testing.assert_allclose(found.similarity[found.rows], 1, atol=1e-6)
    np.testing.assert_array_equal(found.sizes, np.bincount(found.labels[known], minlength=count))


class TestHowMany:
    @pytest.mark.parametrize("method", ["dense", "sparse"])
    @pytest.mark.parametrize("share", [0.03, 0.1, 0.5])
    def test_a_share_is_met_within_the_tolerance(self, planted, method, share):
        vectors = planted(1000)
        found = choose_exemplars(vectors, ids(1000), share=share, method=method)
        check(found, vectors)
        assert abs(len(found.rows) - 1000 * share) <= tolerance(1000 * share)
        assert found.settings["method"] == method
        assert found.settings["preference"] < 0

    @pytest.mark.parametrize("count", [1, 2, 17, 50, 400])
    def test_a_budget_is_never_exceeded(self, planted, count):
        vectors = planted(500)
        found = choose_exemplars(vectors, ids(500), count=count)
        check(found, vectors)
        assert 0.9 * count - 1 <= len(found.rows) <= count

    def test_a_preference_is_taken_as_it_is(self, planted):
        vectors = planted(400)
        searched = choose_exemplars(vectors, ids(400), share=0.05)
        again = choose_exemplars(vectors, ids(400), preference=searched.settings["preference"])
        np.testing.assert_array_equal(again.rows, searched.rows)
        assert again.settings["trials"] == []

    def test_a_share_of_all_asks_everyone(self, planted):
        vectors = planted(60)
        found = choose_exemplars(vectors, ids(60), share=1.0)
        check(found, vectors)
        assert found.rows.tolist() == list(range(60))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"share": 0.0},
            {"share": -0.1},
            {"share": 1.5},
            {"share": float("nan")},
            {"share": None},
            {"count": 0},
            {"preference": 0.0},
            {"preference": float("nan")},
            {"count": 3, "preference": -1.0},
        ],
    )
    def test_what_cannot_be_met_is_refused_in_plain_words(self, planted, wrong):
        with pytest.raises(UserError, match=r"share|exemplars"):
            choose_exemplars(planted(30), ids(30), **wrong)


class TestHardCrowds:
    def test_one_user(self):
        found = choose_exemplars(np.ones((1, 4)), ["a"])
        check(found, np.ones((1, 4)))
        assert found.rows.tolist() == [0]

    @pytest.mark.parametrize("n", [2, 3, 5])
    @pytest.mark.parametrize("method", ["dense", "sparse"])
    def test_fewer_users_than_neighbours(self, planted, n, method):
        vectors = planted(n)
        found = choose_exemplars(vectors, ids(n), method=method)
        check(found, vectors)

    @pytest.mark.parametrize("center", [True, False])
    def test_identical_users_share_the_first_by_id(self, center):
        vectors = np.tile(np.array([0.6, 0.8], dtype=np.float32), (40, 1))
        found = choose_exemplars(vectors, ids(40)[::-1], share=0.5, center=center)
        check(found, vectors)
        assert found.rows.tolist() == [39]
        assert found.sizes.tolist() == [40]
        assert (found.similarity > 1 - 1e-6).all()
        assert (
            "39 users are identical to another one and share their exemplar"
            in found.settings["messages"]
        )

    def test_users_listed_as_copies_of_few(self, planted):
        few = planted(40)
        vectors = np.repeat(few, 25, axis=0)
        found = choose_exemplars(vectors, ids(1000), count=10)
        check(found, vectors)
        labels = found.labels.reshape(40, 25)
        assert (labels == labels[:, :1]).all()
        assert (found.rows % 25 == 0).all()

    def test_more_exemplars_than_distinct_users(self, planted):
        vectors = np.repeat(planted(10), 10, axis=0)
        found = choose_exemplars(vectors, ids(100), share=0.5)
        check(found, vectors)
        assert len(found.rows) == 10

    def test_users_without_text_stay_unassigned(self, planted):
        vectors = planted(200).copy()
        vectors[::4] = 0
        found = choose_exemplars(vectors, ids(200), share=0.1)
        check(found, vectors)
        assert abs(len(found.rows) - 15) <= tolerance(15)
        assert found.settings["without_text"] == 50
        assert any("50 users have no item with text" in m for m in found.settings["messages"])

    def test_nobody_has_text(self):
        with pytest.raises(UserError, match="no user has an item with text"):
            choose_exemplars(np.zeros((5, 3)), ids(5))

    def test_no_users(self):
        with pytest.raises(UserError, match="no users"):
            choose_exemplars(np.zeros((0, 3)), [])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_nan_names_the_user(self, planted, bad):
        vectors = planted(20).copy()
        vectors[[7, 12], 3] = bad
        with pytest.raises(DataError, match=r"user 'u00007' holds NaN or infinity \(2 such"):
            choose_exemplars(vectors, ids(20))

    def test_a_user_listed_twice_is_named(self, planted):
        with pytest.raises(DataError, match="user 'u00001' is listed twice"):
            choose_exemplars(planted(4), ["u00000", "u00001", "u00001", "u00002"])

    def test_ids_must_fit(self, planted):
        with pytest.raises(ValueError, match="3 user ids"):
            choose_exemplars(planted(4), ids(3))

    def test_equally_distant_users(self):
        found = choose_exemplars(np.eye(30), ids(30), share=0.1, center=False)
        check(found, np.eye(30))
        assert len(found.rows) <= 4

    def test_users_with_one_item_cluster_by_item(self):
        items = np.eye(12, dtype=np.float32)
        owned = np.arange(600) % 12
        found = choose_exemplars(items[owned], ids(600), count=12, center=False)
        check(found, items[owned])
        assert found.rows.tolist() == list(range(12))
        assert set(found.sizes) == {50}


class TestCandidates:
    @pytest.mark.parametrize("method", ["dense", "sparse"])
    def test_only_candidates_are_chosen(self, planted, method):
        vectors, names = planted(500), ids(500)
        found = choose_exemplars(vectors, names, candidates=names[100:200], count=9, method=method)
        check(found, vectors)
        assert ((found.rows >= 100) & (found.rows < 200)).all()
        assert 8 <= len(found.rows) <= 9

    def test_a_candidate_stands_for_its_copies(self):
        vectors = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)
        found = choose_exemplars(
            vectors, ids(20), candidates=["u00003", "u00007"], share=0.1, center=False
        )
        assert found.rows.tolist() == [3, 7]

    def test_unknown_and_missing_candidates(self, planted):
        with pytest.raises(UserError, match="'nobody' is no user"):
            choose_exemplars(planted(9), ids(9), candidates=["u00001", "nobody"])
        with pytest.raises(UserError, match="at least one"):
            choose_exemplars(planted(9), ids(9), candidates=[])

    def test_candidates_without_text(self, planted):
        vectors = planted(9).copy()
        vectors[4] = 0
        with pytest.raises(UserError, match="no candidate has an item with text"):
            choose_exemplars(vectors, ids(9), candidates=["u00004"])


@pytest.mark.parametrize("method", ["dense", "sparse"])
def test_order_of_users_changes_nothing(planted, method):
    vectors, names = planted(400).copy(), np.array(ids(400))
    vectors[50:60] = vectors[40]
    vectors[100] = 0
    found = choose_exemplars(vectors, names, share=0.05, method=method)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(400)
        moved = choose_exemplars(vectors[order], names[order], share=0.05, method=method)
        np.testing.assert_array_equal(order[moved.rows], found.rows)
        np.testing.assert_array_equal(moved.labels, found.labels[order])
        np.testing.assert_array_equal(moved.similarity, found.similarity[order])
        assert moved.net_similarity == found.net_similarity
        assert moved.settings == found.settings


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([0.03, 0.3, 0.9, 1.0]))
def test_any_small_crowd(seed, n, share):
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (n, 3)).astype(np.float32)
    vectors[0] = 1
    found = choose_exemplars(vectors, ids(n), share=share)
    check(found, vectors)


def test_settings_are_checked(planted):
    with pytest.raises(ValueError, match="method"):
        choose_exemplars(planted(30), ids(30), method="magic")
    with pytest.raises(ValueError, match="neighbours"):
        choose_exemplars(planted(30), ids(30), neighbours=0)
    with pytest.raises(ValueError, match="damping"):
        choose_exemplars(planted(30), ids(30), damping=1.0)
