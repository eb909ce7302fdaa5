"""Functions over users give the same, bit for bit, whether one process or workers do the pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from profiler.assignment import cover_history
from profiler.selection.affinity import cells, geometry, neighbours
from profiler.selection.affinity.messages import Candidates
from profiler.vectors import histories
from store.engines.engine import engine_set

USERS, ITEMS, DIM = 700, 90, 24


class Workers:
    """Does every piece twice, as a worker that was killed and begun again; sends copies."""

    name, elsewhere, pieces = "workers", True, 0

    def each(self, work: Any, shared: Any, pieces: Any) -> Iterator[Any]:
        for piece in pieces:
            type(self).pieces += 1
            work(shared, piece)
            yield work(shared, piece)


@pytest.fixture
def crowd() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(3)
    vectors = histories.unit_rows(rng.normal(size=(ITEMS, DIM)).astype(np.float32))
    vectors[5] = 0
    lengths = rng.integers(0, 9, USERS)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return vectors, indptr, rng.integers(0, ITEMS, indptr[-1])


def both(do: Any) -> tuple[Any, Any, int]:
    here = do()
    before = Workers.pieces
    with engine_set(Workers()):
        there = do()
    return here, there, Workers.pieces - before


def test_vectors_of_histories(crowd, monkeypatch):
    monkeypatch.setattr(histories, "_PIECE", 100)
    here, there, pieces = both(lambda: histories.history_vectors(*crowd, center=True))
    assert pieces == 7
    np.testing.assert_array_equal(here, there)


def test_nearest_exemplars(crowd, monkeypatch):
    vectors = histories.history_vectors(*crowd, center=True)
    monkeypatch.setattr(geometry, "rows_of_block", lambda columns: 16)
    here, there, pieces = both(lambda: geometry.nearest(vectors, vectors[:9]))
    assert pieces == 6
    np.testing.assert_array_equal(here, there)


def test_neighbours_by_cells(crowd, monkeypatch):
    pytest.importorskip("faiss")
    vectors = histories.history_vectors(*crowd, center=True)
    monkeypatch.setattr(cells, "_PIECE", 60)
    monkeypatch.setattr(neighbours, "EXACT_ROWS", 100)
    for allowed in (None, np.arange(0, USERS, 2)):
        some = Candidates.of(USERS, allowed)
        here, there, pieces = both(lambda some=some: neighbours.neighbours(vectors, some, 12))
        assert pieces > 3
        for name in ("columns", "similarities", "rows", "candidates", "own"):
            np.testing.assert_array_equal(getattr(here, name), getattr(there, name))


def test_interests_that_cover_histories(crowd, monkeypatch):
    vectors, indptr, items = crowd
    monkeypatch.setattr(cover_history, "_PIECE", 90)
    monkeypatch.setattr(cover_history, "_BLOCK_CELLS", 400)
    interests = vectors[10:30] + 0.1 * vectors[30:50]
    evidence = (np.arange(21), np.arange(10, 30))
    here, there, pieces = both(
        lambda: cover_history.assign_catalogue(
            indptr, items, vectors, histories.unit_rows(interests), evidence
        )
    )
    assert pieces > 10
    assert len(here.items)
    for name in ("indptr", "interest_rows", "scores", "item_indptr", "items", "similarities"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
