"""Changes by hand: recorded, reversible, and never losing a vector or the full text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from store.digests import text_digest
from store.errors import StoreError, UserError
from store.store import open_store
from store.upkeep.edits import edits, merge, pin, rename, undo
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.interests.explanation import explain_item
from store.views.interests.search import search
from tests.reading_store import PAPER, PENS, REFILLS, SHREDDING, fill, rows_of


@pytest.fixture
def store(tmp_path):
    with open_store(fill(tmp_path / "s.db")) as opened:
        yield opened


def ids(store):
    return [row["interest_id"] for row in rows_of(store, "interests")]


def test_every_edit_is_recorded_and_undone_in_reverse_order(store):
    before = rows_of(store, "interests")
    pens, paper, _shredding, refills = ids(store)
    made = [
        merge(store, refills, pens),
        rename(store, pens, "Pens"),
        merge(store, pens, paper),
        pin(store, pens),
        rename(store, pens, "Pens again"),
    ]
    state = {row["interest_id"]: row for row in rows_of(store, "interests")}
    assert state[pens]["canonical_id"] is None
    assert state[pens]["pinned"] == 1
    assert state[refills]["canonical_id"] == paper, "followers go along"
    assert verify(store)[1] == []
    assert [json.loads(e["payload"]) for e in rows_of(store, "edits")] == [
        e.payload.to_json() for e in made
    ]
    for edit in reversed(made):
        assert undo(store, edit.edit_id).undone_at
        assert verify(store)[1] == []
    assert rows_of(store, "interests") == before
    assert len(edits(store)) == 5
    assert all(e.undone_at for e in edits(store))


def test_what_was_changed_since_is_not_undone(store):
    pens, paper, *_ = ids(store)
    first = merge(store, pens, paper)
    rename(store, pens, "Pens")
    second = pin(store, pens)
    before = rows_of(store, "interests")
    with pytest.raises(UserError, match="changed since edit"):
        undo(store, first.edit_id)
    undo(store, second.edit_id)
    with pytest.raises(UserError, match="taken back already"):
        undo(store, second.edit_id)
    assert before != rows_of(store, "interests")
    undo(store, first.edit_id)


def test_a_renamed_interest_keeps_its_vector_until_it_is_encoded(store):
    pens = ids(store)[0]
    number, matrix = store.vectors.interests()
    first = rename(store, pens, "Writing")
    rename(store, pens, "Fine writing")
    assert np.array_equal(store.vectors.interests()[1], matrix)
    assert search(store, "fine writing")[0].interest_id == pens
    assert not [h for h in search(store, PENS.label) if h.label == PENS.label]
    explained = explain_item(store, "customer-ada", "pen")
    assert explained.interests[0].label == "Fine writing"
    assert explained.interests[0].similarity > 0.99
    new = np.array([[0.0, 0.0, 1.0]], dtype=np.float32)
    store.vectors.put("m", [text_digest(f"Fine writing. {PENS.description}")], new)
    assert np.array_equal(store.vectors.interests()[1][number.tolist().index(pens)], new[0])
    with pytest.raises(UserError, match="changed since"):
        undo(store, first.edit_id)


@pytest.mark.parametrize("label", ["", "   ", "x" * 201, "a\nb", "a\x1b[31m", "a\u202eb"])
def test_labels_that_cannot_be_shown_are_refused(store, label):
    before = rows_of(store, "interests")
    with pytest.raises(UserError, match="label"):
        rename(store, ids(store)[0], label)
    assert rows_of(store, "interests") == before


def test_what_makes_no_sense_is_refused(store):
    pens, paper, _, refills = ids(store)
    merge(store, refills, pens)
    pin(store, paper)
    for call, words in (
        (lambda: merge(store, pens, pens), "under itself"),
        (lambda: merge(store, pens, refills), "stands under interest"),
        (lambda: merge(store, paper, pens), "is pinned"),
        (lambda: pin(store, paper), "pinned already"),
        (lambda: rename(store, pens, PENS.label), "already"),
    ):
        with pytest.raises(UserError, match=words):
            call()
    for unknown in (0, -1, 99, 2**63, 2**80):
        for call in (
            lambda n=unknown: merge(store, n, pens),
            lambda n=unknown: merge(store, pens, n),
            lambda n=unknown: rename(store, n, "x"),
            lambda n=unknown: pin(store, n),
            lambda n=unknown: undo(store, n),
        ):
            with pytest.raises(StoreError, match=r"no (interest|edit)"):
                call()


def test_an_undone_merge_gives_back_only_what_is_still_there(store):
    pens, paper, shredding, refills = ids(store)
    merge(store, refills, pens)
    edit = merge(store, pens, paper)
    pin(store, refills)  # refills stand for themselves now
    undo(store, edit.edit_id)
    rows = {row["interest_id"]: row["canonical_id"] for row in rows_of(store, "interests")}
    assert rows == {pens: None, paper: None, shredding: None, refills: None}
    assert {PAPER.label, SHREDDING.label, REFILLS.label} <= {
        row["label"] for row in rows_of(store, "interests")
    }


def test_who_made_a_change_and_who_took_it_back(store):
    """Fault: only disputes said by whom they were made."""
    pens, paper, *_ = ids(store)
    made = [
        merge(store, pens, paper, by="Ann"),
        rename(store, paper, "Papers", by=" Bob "),
        pin(store, paper),
    ]
    assert [one.made_by for one in made] == ["Ann", "Bob", None]
    assert undo(store, made[0].edit_id, by="Cleo").undone_by == "Cleo"
    known = {one.edit_id: (one.made_by, one.undone_by) for one in edits(store)}
    assert known[made[0].edit_id] == ("Ann", "Cleo")
    for name in ("x" * 501, "two\nlines"):
        with pytest.raises(UserError, match="`by` is a name of at most 500 characters"):
            pin(store, pens, by=name)
    assert len(edits(store)) == 3


def test_a_forgotten_users_name_leaves_the_changes_they_made(store):
    """Fault: the id of a forgotten user stayed as the author of a change."""
    user, *_, other = store.datasets.load().user_ids
    by_them = [pin(store, one, by=user) for one in ids(store)]
    undo(store, by_them[-1].edit_id, by=other)
    forget_user(store, user)
    left = edits(store)
    assert left, "changes of other users' interests stay"
    assert {one.made_by for one in left} == {None}
    forget_user(store, other)
    assert {one.undone_by for one in edits(store)} <= {None}
