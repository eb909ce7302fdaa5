"""What is read from a store, and vectors kept to explain with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.data.semantics import Semantics, describe, read_semantics
from recommender.model_folder.projection import NAME, load_projection, save_projection
from recommender.objectives.eimf import EIMF
from store.errors import UserError
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


def test_projected_interests_are_found_by_their_ids(semantics: Semantics, tmp_path: Path) -> None:
    best = EIMF(semantics, 16).interest_vectors()
    save_projection(tmp_path, semantics.interest_ids, ["ink", "paper", "glue", "tape"], best)
    loaded = load_projection(tmp_path, np.array([21, 10, 99, 20]), ["tape", "ink", "pens", "desks"])
    assert loaded is not None
    assert torch.equal(loaded[0], best[3])
    assert torch.equal(loaded[1], best[0])
    assert loaded[2].isnan().all()  # an interest that came later
    assert loaded[3].isnan().all()  # and one that took over the number of another


def test_a_model_without_projection_and_a_damaged_one(tmp_path: Path) -> None:
    assert load_projection(tmp_path, np.array([1]), ["ink"]) is None
    (tmp_path / NAME).write_bytes(b"not a tensor file")
    with pytest.raises(UserError, match="cannot be read"):
        load_projection(tmp_path, np.array([1]), ["ink"])
