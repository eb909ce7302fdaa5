"""Near-duplicates under one label: stars, deterministic, what people decided is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.store import open_store
from store.upkeep.duplicates import _leaders, merge_duplicates
from store.upkeep.edits import merge, pin, rename, undo
from store.upkeep.verify import verify
from tests.reading_store import PENS, REFILLS, fill, rows_of, unit


@pytest.fixture
def store(tmp_path):
    with open_store(fill(tmp_path / "s.db")) as opened:
        yield opened


def canonical(store):
    ids = {row["interest_id"]: row["label"] for row in rows_of(store, "interests")}
    rows = rows_of(store, "interests")
    return {r["label"]: ids[r["canonical_id"]] for r in rows if r["canonical_id"]}


def ids(store):
    return {row["label"]: row["interest_id"] for row in rows_of(store, "interests")}


def test_near_duplicates_stand_under_the_one_that_reaches_more(store):
    assert merge_duplicates(store) == 1
    # Pens: three members and one assignment; refills: three members.
    assert canonical(store) == {REFILLS.label: PENS.label}
    assert merge_duplicates(store) == 1
    assert verify(store)[1] == []


def test_a_threshold_of_one_keeps_them_apart(store):
    assert merge_duplicates(store, 0.9999) == 0
    assert canonical(store) == {}
    assert merge_duplicates(store, 0.9) == 1


def test_a_pinned_interest_leads_and_is_never_merged(store):
    pin(store, ids(store)[REFILLS.label])
    assert merge_duplicates(store) == 1
    assert canonical(store) == {PENS.label: REFILLS.label}
    pin(store, ids(store)[PENS.label])
    assert merge_duplicates(store) == 0


def test_a_merge_by_hand_is_kept_and_forgotten_once_undone(store):
    edit = merge(store, ids(store)[PENS.label], ids(store)["Recycled paper"])
    merge_duplicates(store)
    # The target of a merge by hand stands for itself; pens stay where they were put.
    assert canonical(store)[PENS.label] == "Recycled paper"
    undo(store, edit.edit_id)
    merge_duplicates(store)
    assert canonical(store) == {REFILLS.label: PENS.label}


def test_followers_that_a_merge_by_hand_took_along_stay_with_it(store):
    """A later build grouped them anew, although somebody had put them there."""
    merge_duplicates(store)
    assert canonical(store) == {REFILLS.label: PENS.label}
    edit = merge(store, ids(store)[PENS.label], ids(store)["Recycled paper"])
    assert merge_duplicates(store, 0.9999) == 2
    together = {PENS.label: "Recycled paper", REFILLS.label: "Recycled paper"}
    assert canonical(store) == together
    undo(store, edit.edit_id)
    merge_duplicates(store)
    assert canonical(store) == {REFILLS.label: PENS.label}


def test_without_vectors_only_equal_texts_are_merged(store):
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM vectors")
    assert merge_duplicates(store) == 0
    rename(store, ids(store)[REFILLS.label], PENS.label)
    with store.write() as connection:  # the descriptions differ still
        connection.exec_driver_sql(
            "UPDATE interests SET description = (SELECT description FROM interests LIMIT 1), "
            "text_digest = (SELECT text_digest FROM interests LIMIT 1) WHERE label = ?",
            (PENS.label,),
        )
    assert merge_duplicates(store) == 1


def by_brute_force(matrix, fixed, threshold):
    stands_for, leaders = [], []
    for row, vector in enumerate(matrix):
        near = [(float(matrix[lead] @ vector), -lead) for lead in leaders]
        best = max(near, default=(-2.0, 0))
        if best[0] >= threshold and not fixed[row]:
            stands_for.append(-best[1])
        else:
            stands_for.append(row)
            leaders.append(row)
    return stands_for


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.floats(0.2, 0.99), st.integers(1, 9))
def test_leaders_are_those_of_brute_force_whatever_the_block(seed, n, threshold, block):
    rng = np.random.default_rng(seed)
    matrix = np.stack([unit(v) for v in rng.normal(size=(n, 3))]).astype(np.float64)
    fixed = rng.random(n) < 0.1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.upkeep.duplicates._BLOCK", block)
        found = _leaders(matrix, fixed, threshold).tolist()
    assert found == by_brute_force(matrix, fixed, threshold)
    assert all(found[lead] == lead for lead in found), "a chain"
