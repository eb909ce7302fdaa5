"""Histories as vectors, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from profiler.vectors.histories import history_texts, history_vectors, unit_rows


@pytest.fixture
def catalogue() -> np.ndarray:
    vectors = unit_rows(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    vectors[3] = 0  # an item without text
    return vectors


INDPTR = np.array([0, 3, 3, 4, 6])
ITEMS = np.array([0, 3, 2, 3, 5, 5], dtype=np.int32)


@pytest.mark.parametrize("center", [False, True])
def test_mean_of_items_with_text(catalogue: np.ndarray, center: bool) -> None:
    found = history_vectors(catalogue, INDPTR, ITEMS, center=center)
    mean = catalogue[[0, 1, 2, 4, 5]].mean(axis=0) if center else 0
    for user in range(4):
        own = [i for i in ITEMS[INDPTR[user] : INDPTR[user + 1]] if i != 3]
        expected = sum((catalogue[i] - mean for i in own), np.zeros(4))
        expected = expected / np.linalg.norm(expected) if own else expected
        np.testing.assert_allclose(found[user], expected, atol=1e-6)


def test_unknown_method_and_missing_texts_are_refused(catalogue: np.ndarray) -> None:
    with pytest.raises(ValueError, match="median"):
        history_vectors(catalogue, INDPTR, ITEMS, "median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="texts"):
        history_vectors(catalogue, INDPTR, ITEMS, "text")


def test_history_texts_skip_items_without_text() -> None:
    texts = ["a", "b", "c", " ", "e", "f"]
    assert history_texts(texts, INDPTR, ITEMS) == ["a, c", "", "", "f, f"]


def test_a_catalogue_without_text_gives_zero_rows() -> None:
    found = history_vectors(np.zeros((6, 4), np.float32), INDPTR, ITEMS, center=True)
    assert not found.any()


def test_equal_texts_are_not_centred_away():
    # One titled item, or fifty of one title, left no vector: "no user has an item with text".
    item = unit_rows(np.random.default_rng(0).normal(size=(1, 384)).astype(np.float32))
    for vectors in (item, np.repeat(item, 50, axis=0), np.vstack([item, np.zeros_like(item)])):
        found = history_vectors(vectors, np.array([0, 1]), np.array([0]), center=True)
        assert np.linalg.norm(found[0]) == pytest.approx(1, abs=1e-5)


def test_histories_of_the_whole_catalogue_are_equal_in_any_order() -> None:
    # 40 users with the same seven of seven items became eight different ones: noise, normalised.
    random = np.random.default_rng(0)
    items = unit_rows(random.normal(size=(7, 384)).astype(np.float32))
    orders = np.concatenate([random.permutation(7) for _ in range(40)])
    found = history_vectors(items, np.arange(41) * 7, orders, center=True)
    assert np.abs(found - found[0]).max() < 1e-6
