"""Measures of interests against plain references."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from profiler.quality.measures import (
    Membership,
    adjusted_mutual_information,
    bootstrap_interval,
    coverage,
    evidence_overlap,
    extended_bcubed,
    from_labels,
    hungarian_accuracy,
    labels_of,
    mean_pairwise_cosine,
    membership,
    pairwise_f1,
    recall_at_k,
)

groupings = st.integers(1, 7).flatmap(
    lambda n: st.tuples(arrays(bool, (n, 3)), arrays(bool, (n, 2)))
)


def sets(groups: Membership) -> list[set[int]]:
    return [set(np.flatnonzero(row).tolist()) for row in groups]


@given(groupings)
def test_pairwise_f1_equals_counting_pairs(pair: tuple[Membership, Membership]) -> None:
    found, truth = pair
    a, b = sets(found), sets(truth)
    labelled = [i for i in range(len(b)) if b[i]]
    together = {(i, j) for i, j in combinations(labelled, 2) if a[i] & a[j]}
    true = {(i, j) for i, j in combinations(labelled, 2) if b[i] & b[j]}
    expected = 2 * len(together & true) / (len(together) + len(true)) if together | true else 1.0
    assert pairwise_f1(found, truth).f1 == pytest.approx(expected)


@given(groupings)
def test_extended_bcubed_equals_its_definition(pair: tuple[Membership, Membership]) -> None:
    found, truth = pair
    clusters, classes = sets(found), sets(truth)
    clusters = [c or {("alone", i)} for i, c in enumerate(clusters)]  # type: ignore[misc]
    labelled = [i for i in range(len(classes)) if classes[i]]

    def side(base: list[set[int]]) -> float:
        per_item = []
        for i in labelled:
            shared = [j for j in labelled if base[i] & base[j]]
            per_item.append(
                sum(
                    min(len(clusters[i] & clusters[j]), len(classes[i] & classes[j]))
                    / len(base[i] & base[j])
                    for j in shared
                )
                / len(shared)
            )
        return sum(per_item) / len(per_item)

    result = extended_bcubed(found, truth)
    if not labelled:
        assert result == (1.0, 1.0, 1.0)
    else:
        assert result.precision == pytest.approx(side(clusters))
        assert result.recall == pytest.approx(side(classes))


def test_a_perfect_grouping_scores_one_and_a_wrong_one_less() -> None:
    truth = from_labels([0, 0, 1, 1])
    assert pairwise_f1(truth, truth).f1 == extended_bcubed(truth, truth).f1 == 1
    assert pairwise_f1(from_labels([0, 1, 0, 1]), truth).f1 == 0
    assert extended_bcubed(from_labels([0, 0, 0, 0]), truth).precision == pytest.approx(0.5)
    assert pairwise_f1(from_labels([-1, -1, -1, -1]), truth).recall == 0


def test_unlabelled_items_do_not_count() -> None:
    truth = membership([["a", "b"], ["c"]], ["a", "b", "c", "x"])
    joined = membership([["a", "b", "x"], ["c"]], ["a", "b", "c", "x"])
    assert pairwise_f1(joined, truth).f1 == extended_bcubed(joined, truth).f1 == 1


def test_partition_measures() -> None:
    assert adjusted_mutual_information([5, 5, 2, 2], [0, 0, 1, 1]) == pytest.approx(1)
    assert hungarian_accuracy([5, 5, 2, 2], [0, 0, 1, 1]) == 1
    assert hungarian_accuracy([0, 0, 0, 0], [0, 0, 1, 1]) == 0.5
    assert hungarian_accuracy([0, 1, 2, 3], [0, 0, 0, 1]) == 0.5
    assert labels_of(from_labels([-1, 0, -1, 0])).tolist() == [1, 0, 2, 0]


def test_coverage_and_overlap() -> None:
    groups = membership([["a", "b"], ["b", "c"]], ["a", "b", "c", "d"])
    assert coverage(groups) == 0.75
    assert evidence_overlap(groups) == pytest.approx(1 / 3)
    assert evidence_overlap(groups[:, :1]) is None


@given(arrays(np.float32, (4, 3), elements=st.floats(-1, 1, width=32)))
def test_mean_pairwise_cosine_equals_the_loop(rows: np.ndarray) -> None:
    rows = rows + np.float32(2) * np.eye(4, 3, dtype=np.float32) + np.float32(0.1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(lengths > 0.05, rows / np.maximum(lengths, 0.05), 0)
    expected = np.mean([a @ b for a, b in combinations(rows, 2)])
    assert mean_pairwise_cosine(rows) == pytest.approx(expected, abs=1e-5)
    assert mean_pairwise_cosine(rows[:1]) is None


@given(st.integers(0, 1_000), st.integers(1, 12))
def test_recall_equals_full_sorting(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, size=(3, 10)).astype(np.float32)
    seen = (np.array([0, 2, 4, 5]), rng.integers(0, 10, 5).astype(np.int32))
    targets = (np.array([0, 1, 4, 6]), rng.integers(0, 10, 6).astype(np.int32))
    users = np.array([2, 0])
    found = recall_at_k(lambda block: scores[block], users, seen, targets, k, block=1)
    for place, user in enumerate(users):
        gone = set(seen[1][seen[0][user] : seen[0][user + 1]].tolist())
        wanted = set(targets[1][targets[0][user] : targets[0][user + 1]].tolist())
        ranked = sorted(
            (i for i in range(10) if i not in gone), key=lambda i: (-scores[user, i], i)
        )
        assert found[place] == pytest.approx(len(wanted & set(ranked[:k])) / len(wanted))


def test_bootstrap_interval_holds_the_mean_and_repeats() -> None:
    values = np.random.default_rng(3).random(200)
    low, high = bootstrap_interval(values, seed=1)
    assert low < values.mean() < high
    assert (low, high) == bootstrap_interval(values, seed=1)
