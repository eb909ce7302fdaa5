import numpy as np
import pytest

from profiler.selection.affinity import center_vectors
from profiler.selection.exemplars import (
    aged,
    choose_exemplars,
    choose_incremental,
    far_threshold,
    nearest_exemplar,
)
from store.errors import UserError


def ids(n, letter="u"):
    return [f"{letter}{row:05d}" for row in range(n)]


class TestNearest:
    def test_a_new_user_joins_the_nearest_exemplar(self, planted):
        exemplars, users = planted(20, seed=1), planted(100, seed=2)
        labels, similarity = nearest_exemplar(users, exemplars)
        cosine = users @ exemplars.T
        np.testing.assert_array_equal(labels, cosine.argmax(axis=1))
        np.testing.assert_allclose(similarity, cosine.max(axis=1), atol=1e-5)

    def test_a_user_without_text_joins_none(self, planted):
        users = planted(3).copy()
        users[1] = 0
        labels, similarity = nearest_exemplar(users, planted(5))
        assert labels[1] == -1
        assert np.isnan(similarity[1])
        assert (labels[[0, 2]] >= 0).all()

    def test_sides_of_different_width(self, planted):
        with pytest.raises(ValueError, match="same encoder"):
            nearest_exemplar(planted(3, 8), planted(3, 16))

    def test_members_of_a_choice_join_their_own_exemplar_again(self, planted):
        vectors = planted(400)
        found = choose_exemplars(vectors, ids(400), center=False)
        labels, similarity = nearest_exemplar(vectors, vectors[found.rows])
        np.testing.assert_array_equal(labels, found.labels)
        np.testing.assert_array_equal(similarity, found.similarity)


class TestAged:
    then = np.concatenate([np.ones(30), np.linspace(0.5, 0.9, 970)])

    def test_the_threshold_is_the_five_per_cent_quantile_of_members(self):
        assert far_threshold(self.then) == pytest.approx(0.52, abs=0.001)
        assert far_threshold(np.array([1.0, np.nan, 1.0])) == pytest.approx(1, abs=1e-5)

    def test_users_like_those_of_old_do_not_age_them(self):
        found = aged(self.then, self.then)
        assert (found.aged, found.needed) == (False, 0)
        assert found.far == pytest.approx(0.05 * 970, abs=1)

    def test_strange_users_age_them(self):
        new = np.concatenate([np.full(80, 0.8), np.full(20, 0.1), [np.nan]])
        found = aged(new, self.then)
        assert (found.users, found.far, found.aged) == (100, 20, True)
        assert found.needed == 1  # 30 exemplars for 1,000 users then
        assert aged(new, self.then, exemplars=300).needed == 6

    def test_the_rule_asks_for_more_than_twice_the_share_of_old(self):
        assert not aged(np.array([0.1] * 10 + [0.8] * 90), self.then).aged
        assert aged(np.array([0.1] * 11 + [0.8] * 89), self.then).aged

    def test_no_new_users(self):
        assert not aged(np.array([]), self.then).aged


class TestIncremental:
    def crowd(self, planted):
        """Old users in some clusters, new ones in others and in the same."""
        everyone = planted(900, 32, seed=3, per=60, noise=0.4)
        strange = planted(100, 32, seed=99, per=25, noise=0.3)
        return everyone, strange

    def test_old_exemplars_stay_and_few_are_added_among_far_users(self, planted):
        old, strange = self.crowd(planted)
        names = ids(len(old))
        first = choose_exemplars(old, names, share=0.03, center=False)
        kept = [names[row] for row in first.rows]
        threshold = far_threshold(first.similarity)
        vectors = np.vstack([old, strange])
        found = choose_incremental(
            vectors,
            names + ids(100, "x"),
            kept,
            threshold=threshold,
            preference=first.settings["preference"],
            center=False,
        )
        assert set(first.rows) <= set(found.rows)
        added = np.setdiff1d(found.rows, first.rows)
        assert len(added) == found.settings["added"] > 0
        assert found.settings["far"] >= 90
        before = nearest_exemplar(vectors, vectors[first.rows])[1]
        assert (before[added] < threshold).all()
        assert (found.similarity >= before - 1e-6).all()
        assert found.similarity[900:].mean() > before[900:].mean() + 0.2

    def test_with_nobody_far_nothing_is_added(self, planted):
        vectors, names = planted(300), ids(300)
        first = choose_exemplars(vectors, names)
        kept = [names[row] for row in first.rows]
        found = choose_incremental(vectors, names, kept, threshold=-1.0)
        np.testing.assert_array_equal(found.rows, first.rows)
        np.testing.assert_array_equal(found.labels, first.labels)
        assert found.settings["added"] == 0

    def test_a_budget_bounds_what_is_added(self, planted):
        old, strange = self.crowd(planted)
        vectors, names = np.vstack([old, strange]), ids(900) + ids(100, "x")
        found = choose_incremental(vectors, names, names[:5], threshold=0.9, count=7, center=False)
        assert len(found.rows) <= 12

    def test_order_of_users_changes_nothing(self, planted):
        vectors, names = planted(300), np.array(ids(300))
        kept = names[[3, 80, 200]].tolist()
        found = choose_incremental(vectors, names, kept, threshold=0.6, share=0.1)
        order = np.random.default_rng(1).permutation(300)
        moved = choose_incremental(vectors[order], names[order], kept, threshold=0.6, share=0.1)
        np.testing.assert_array_equal(order[moved.rows], found.rows)
        np.testing.assert_array_equal(moved.labels, found.labels[order])

    @pytest.mark.parametrize("kept", [[], ["nobody"]])
    def test_old_exemplars_must_be_known(self, planted, kept):
        with pytest.raises(UserError, match="choose exemplars anew"):
            choose_incremental(planted(20), ids(20), kept, threshold=0.5)


def test_centring_with_the_catalogue_mean_is_repeatable(planted):
    vectors, names = planted(300), ids(300)
    mean = np.full(32, 0.1, dtype=np.float32)
    found = choose_exemplars(vectors, names, mean=mean)
    moved = center_vectors(vectors, mean)
    labels, _ = nearest_exemplar(moved, moved[found.rows])
    np.testing.assert_array_equal(labels, found.labels)
