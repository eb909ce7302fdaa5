"""Agreement of groupings: what is zero for one group, and what is left out of which measure."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from profiler.quality.agreement import (
    clustering_ami,
    compare,
    made_one_group,
    pair_kappa,
    shuffled_f1,
)
from profiler.quality.measures import from_labels, membership

TRUTH = from_labels([0, 0, 0, 1, 1, 2])


def test_kappa_is_that_of_scikit_learn_over_pairs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        found, truth = rng.integers(0, 3, 9), rng.integers(0, 3, 9)
        upper = np.triu_indices(9, 1)
        pairs = [(x[:, None] == x[None, :])[upper] for x in (found, truth)]
        expected = cohen_kappa_score(*pairs)
        assert pair_kappa(from_labels(found), from_labels(truth)) == pytest.approx(expected)


def test_one_group_scores_nothing_where_f1_rewards_it() -> None:
    """F1 alone called one group for all better than a chat model's groups."""
    one = np.ones((6, 1), dtype=bool)
    row = compare(one, from_labels([0, 0, 0, 0, 0, 1]))
    assert row["pairwise_f1"] == pytest.approx(0.8)
    assert row["pairwise_f1_gain"] == pytest.approx(0)
    assert row["ami"] == pytest.approx(0, abs=1e-9)
    assert row["pair_kappa"] == pytest.approx(0)


def test_the_right_groups_score_one() -> None:
    row = compare(TRUTH, TRUTH)
    assert row["ami"] == row["pair_kappa"] == row["pairwise_f1"] == pytest.approx(1)
    assert row["pairwise_f1_gain"] == pytest.approx(1 - shuffled_f1(TRUTH, TRUTH))
    assert 0 < shuffled_f1(TRUTH, TRUTH) < 0.8
    assert row["left_out"] == 0


def test_where_the_truth_is_one_group_there_is_no_kappa_and_no_ami() -> None:
    whole = np.ones((4, 1), dtype=bool)
    assert made_one_group(whole)
    assert not made_one_group(TRUTH)
    assert pair_kappa(from_labels([0, 0, 1, 1]), whole) is None
    assert clustering_ami(from_labels([0, 0, 1, 1]), whole) is None


def test_overlapping_bundles_that_join_every_pair_are_one_group() -> None:
    assert made_one_group(membership([[0, 1, 2], [0, 1]], [0, 1, 2]))
    assert not made_one_group(membership([[0, 1], [1, 2]], [0, 1, 2]))


def test_items_in_two_groups_are_left_out_of_ami_only() -> None:
    truth = membership([[0, 1, 2], [2, 3, 4]], range(5))
    found = membership([[0, 1], [2, 3, 4]], range(5))
    assert clustering_ami(found, truth) == pytest.approx(1)
    assert compare(found, truth)["pairwise_f1"] < 1


def test_items_in_no_interest_are_counted() -> None:
    found = membership([[0, 1]], range(6))
    assert compare(found, TRUTH)["left_out"] == pytest.approx(4 / 6)
