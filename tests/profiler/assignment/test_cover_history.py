"""Catalogue assignment: against naive greedy, its invariances, and its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.assignment.cover_history import (
    CatalogueAssignment,
    assign_catalogue,
    blended_directions,
)

PLAIN: dict[str, Any] = {"blend": 0.0, "recency": 1.0}


def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    return indptr, np.array([item for row in rows for item in row], dtype=np.int64)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def world(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[list[int]], list[list[int]]]:
    """40 items, 9 interests with evidence, 25 histories."""
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(40, 6)))
    evidence = [rng.choice(40, int(rng.integers(1, 5)), replace=False).tolist() for _ in range(9)]
    words = unit(rng.normal(size=(9, 6)))
    sizes = rng.integers(0, 15, 25)
    return vectors, words, evidence, [rng.choice(40, n, replace=False).tolist() for n in sizes]


def of_user(result: CatalogueAssignment, user: int) -> list[tuple[int, float, list[int]]]:
    return [
        (
            int(result.interest_rows[a]),
            float(result.scores[a]),
            result.items[result.item_indptr[a] : result.item_indptr[a + 1]].tolist(),
        )
        for a in range(result.indptr[user], result.indptr[user + 1])
    ]


def naive(
    history: list[int], similarity: np.ndarray, threshold: float, per_item: int, most: int
) -> list[int]:
    """Greedy facility location as on paper."""
    shown = np.where(similarity[history] >= threshold, similarity[history], 0.0)
    for row in shown:
        row[np.argsort(-row, kind="stable")[per_item:]] = 0.0
    best, chosen = np.zeros(len(history)), []
    while len(chosen) < most:
        gains = np.maximum(shown - best[:, None], 0).sum(axis=0)
        if not len(history) or gains.max() <= 1e-9:
            break
        chosen.append(int(gains.argmax()))
        best = np.maximum(best, shown[:, chosen[-1]])
    return chosen


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    blend=st.sampled_from([0.0, 0.3, 1.0]),
    threshold=st.sampled_from([0.05, 0.3, 0.8]),
    per_item=st.integers(1, 10),
    most=st.integers(1, 6),
)
def test_equals_naive_greedy(
    seed: int, blend: float, threshold: float, per_item: int, most: int
) -> None:
    vectors, words, evidence, histories = world(seed)
    result = assign_catalogue(
        *csr(histories), vectors, words, csr(evidence), blend=blend, recency=1.0,
        threshold=threshold, per_item=per_item, max_interests=most,
    )  # fmt: skip
    directions = blended_directions(vectors, words, csr(evidence), blend)
    similarity = np.round((vectors @ directions.T).astype(float), 5)
    for user, history in enumerate(histories):
        got = of_user(result, user)
        assert [row for row, _, _ in got] == naive(history, similarity, threshold, per_item, most)
        shown = set()
        for row, score, items in got:
            assert items == [item for item in history if item in items]
            assert score == pytest.approx(
                similarity[items, row].sum() / len(history), abs=2e-5
            )  # rounded to five places
            shown |= set(items)
        assert result.covered[user] == pytest.approx(len(shown) / max(len(history), 1))


def test_evidence_pulls_an_interest_towards_its_items() -> None:
    vectors = unit(np.eye(3))
    words = unit(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]))
    result = assign_catalogue(*csr([[0, 1]]), vectors, words, csr([[0], [1]]), **PLAIN)
    assert of_user(result, 0) == [(0, 0.5, [0]), (1, 0.5, [1])]
    by_words = assign_catalogue(
        *csr([[0, 1]]), vectors, words, csr([[0], [1]]), blend=1.0, recency=1.0
    )
    assert of_user(by_words, 0) == []


def test_a_copy_of_an_interest_is_left_out() -> None:
    vectors = unit(np.eye(3))
    words = unit(np.ones((3, 3)))
    result = assign_catalogue(*csr([[0, 1]]), vectors, words, csr([[0], [0], [1]]), **PLAIN)
    assert [row for row, _, _ in of_user(result, 0)] == [0, 2]


def test_recent_items_count_more() -> None:
    vectors, words, evidence = unit(np.eye(2)), unit(np.eye(2)), csr([[0], [1]])
    result = assign_catalogue(*csr([[1, 0], [0, 1]]), vectors, words, evidence, recency=0.5)
    assert of_user(result, 0) == [(0, pytest.approx(2 / 3), [0]), (1, pytest.approx(1 / 3), [1])]
    assert [row for row, _, _ in of_user(result, 1)] == [1, 0]


def test_an_item_met_twice_counts_once_where_it_was_met_last() -> None:
    vectors, words, evidence = unit(np.eye(2)), unit(np.eye(2)), csr([[0], [1]])
    twice = assign_catalogue(*csr([[0, 0, 1, 0]]), vectors, words, evidence, recency=0.5)
    once = assign_catalogue(*csr([[1, 0]]), vectors, words, evidence, recency=0.5)
    assert of_user(twice, 0) == of_user(once, 0)


def test_an_item_without_text_shows_the_interests_it_is_evidence_of() -> None:
    vectors = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.float32)
    words = unit(np.eye(2))
    result = assign_catalogue(*csr([[0]]), vectors, words, csr([[1], [0, 2]]), **PLAIN)
    assert of_user(result, 0) == [(1, 1.0, [0])]


def test_an_interest_whose_evidence_has_no_text_is_known_by_its_words() -> None:
    vectors = np.array([[0, 0], [1, 0]], dtype=np.float32)
    directions = blended_directions(vectors, unit(np.eye(2)), csr([[0], [1]]), 0.0)
    assert np.allclose(directions, [[1, 0], [1, 0]])


def test_users_do_not_depend_on_each_other_or_on_their_order() -> None:
    vectors, words, evidence, histories = world(4)
    everyone = assign_catalogue(*csr(histories), vectors, words, csr(evidence))
    order = np.random.default_rng(1).permutation(len(histories))
    moved = assign_catalogue(*csr([histories[u] for u in order]), vectors, words, csr(evidence))
    for place, user in enumerate(order):
        assert of_user(moved, place) == of_user(everyone, user)
    alone = assign_catalogue(*csr([histories[7]]), vectors, words, csr(evidence))
    assert of_user(alone, 0) == of_user(everyone, 7)


def test_the_order_of_interests_only_renames_them() -> None:
    vectors, words, evidence, histories = world(5)
    first = assign_catalogue(*csr(histories), vectors, words, csr(evidence))
    order = np.random.default_rng(2).permutation(9)
    second = assign_catalogue(
        *csr(histories), vectors, words[order], csr([evidence[r] for r in order])
    )
    assert order[second.interest_rows].tolist() == first.interest_rows.tolist()


def test_min_gain_ends_the_list_early() -> None:
    vectors, words, evidence, histories = world(6)
    long = assign_catalogue(*csr(histories), vectors, words, csr(evidence))
    short = assign_catalogue(*csr(histories), vectors, words, csr(evidence), min_gain=0.1)
    assert 0 < len(short.interest_rows) < len(long.interest_rows)
    for user in range(len(histories)):
        assert of_user(short, user) == of_user(long, user)[: len(of_user(short, user))]


@pytest.mark.parametrize("histories", [[], [[]], [[], [1], []]])
def test_users_without_interests_get_none(histories: list[list[int]]) -> None:
    vectors = unit(np.eye(2))
    result = assign_catalogue(
        *csr(histories), vectors, np.zeros((0, 0), np.float32), ([0], np.zeros(0, np.int64))
    )
    assert result.indptr.tolist() == [0] * (len(histories) + 1)
    assert result.item_indptr.tolist() == [0]
    assert result.covered.tolist() == [0.0] * len(histories)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_vectors": np.array([[1, 0], [np.nan, 0]], np.float32)}, r"an item.*row 1"),
        ({"interest_vectors": np.array([[np.inf, 0]], np.float32)}, r"an interest.*row 0"),
        ({"interest_vectors": np.ones((1, 3), np.float32)}, "one encoder"),
        ({"items": [0, 2]}, "histories"),
        ({"evidence": ([0, 1], [5])}, "evidence"),
        ({"evidence": ([0, 1, 1], [0])}, "one row for each interest"),
        ({"indptr": [0, 1]}, "indptr"),
        ({"blend": 1.5}, "blend"),
        ({"threshold": 0.0}, "threshold"),
        ({"max_interests": 0}, "max_interests"),
        ({"recency": 0.0}, "recency"),
        ({"min_gain": 1.0}, "min_gain"),
    ],
)
def test_wrong_input_is_named(change: dict[str, Any], message: str) -> None:
    vectors = unit(np.eye(2))
    given: dict[str, Any] = {
        "indptr": [0, 2],
        "items": [0, 1],
        "item_vectors": vectors,
        "interest_vectors": vectors[:1],
        "evidence": ([0, 1], [0]),
    }
    with pytest.raises(ValueError, match=message):
        assign_catalogue(**{**given, **change})
