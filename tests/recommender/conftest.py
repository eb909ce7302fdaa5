"""A small store's semantics as plain arrays, for the tests of what uses them."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.semantics import Semantics

N_ITEMS, N_USERS, WIDTH = 12, 6, 8


@pytest.fixture
def semantics() -> Semantics:
    """12 items, two exemplars (users 0-2 and 3-4) with two interests each, user 5 without any."""
    rng = np.random.default_rng(0)

    def unit(n: int) -> np.ndarray:
        rows = rng.normal(size=(n, WIDTH))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    items = unit(N_ITEMS)
    items[11] = 0  # an item without text
    evidence = [[0, 1, 2], [3, 4], [5, 6, 7], [2, 8, 9]]
    return Semantics(
        item_vectors=items,
        interest_ids=np.array([10, 11, 20, 21]),
        interest_vectors=unit(4),
        subjects=np.array([1, 1, 2, 2]),
        kinds=np.array(["exemplar"] * 4),
        indptr=np.array([0, 2, 4, 6, 8, 10, 10]),
        rows=np.array([0, 1, 0, 1, 0, 1, 2, 3, 2, 3]),
        evidence_indptr=np.array([0, 3, 5, 8, 11]),
        evidence=np.array([item for group in evidence for item in group]),
    )
