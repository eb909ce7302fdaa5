"""What is read of a store's interests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recommender.data.semantics import Semantics, describe, read_semantics
from store.store import open_store


def test_a_store_gives_its_interests_with_evidence_and_users(shop: Path) -> None:
    with open_store(shop) as store:
        found = read_semantics(store)
        data = store.datasets.load()
        subjects = {subject.subject_id: subject for subject in store.subjects.load()}
    assert found.n_items == data.n_items
    assert len(found.indptr) == data.n_users + 1
    assert found.users_with_interests == data.n_users
    for row, subject_id in enumerate(found.subjects.tolist()):
        items = found.evidence[found.evidence_indptr[row] : found.evidence_indptr[row + 1]]
        assert set(items.tolist()) <= set(subjects[subject_id].items)
    mine = found.rows[found.indptr[0] : found.indptr[1]]
    assert len({int(found.subjects[row]) for row in mine}) == 1  # one exemplar
    assert "exemplar subjects" in describe(found)
    assert f"{data.n_users:,} of {data.n_users:,} users" in describe(found)


def test_rows_of_users_are_padded_and_limited(semantics: Semantics) -> None:
    assert semantics.of_users().tolist() == [[0, 1]] * 3 + [[2, 3]] * 2 + [[-1, -1]]
    assert semantics.of_users(1).tolist() == [[0]] * 3 + [[2]] * 2 + [[-1]]


def test_arrays_that_do_not_fit_are_refused(semantics: Semantics) -> None:
    with pytest.raises(ValueError, match="other lengths"):
        replace(semantics, subjects=np.array([1]))
    with pytest.raises(ValueError, match="outside 0 … 3"):
        replace(semantics, rows=np.full(10, 4))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"evidence": np.full(11, 12)}, "shown by an item outside 0 … 11"),
        ({"evidence_indptr": np.array([0, 3, 5, 8, 12])}, "end at 12 of 11"),
        ({"indptr": np.array([0, 2, 1, 6, 8, 10, 10])}, "fall"),
    ],
)
def test_numbers_out_of_range_are_refused_when_arrays_are_made(
    semantics: Semantics, change: dict[str, np.ndarray], words: str
) -> None:
    # An item number out of range was read from foreign memory later on.
    with pytest.raises(ValueError, match=words):
        replace(semantics, **change)
