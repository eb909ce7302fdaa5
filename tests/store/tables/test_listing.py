"""The kept order of the catalogue is the order that counting everything gives, after any change."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from store.errors import UserError
from store.store import Store, open_store
from store.tables.listing import is_kept
from store.upkeep.duplicates import merge_duplicates
from store.upkeep.edits import edits, merge, pin, rename, undo
from store.upkeep.forget import forget_user
from store.views.interests.catalogue import list_interests
from tests.reading_store import PAPER, PENS, REFILLS, SHREDDING, Interest, fill


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(fill(tmp_path / "s.db"))


def kept(store: Store) -> bool:
    with store.read() as connection:
        return is_kept(connection)


def assert_same(store: Store) -> None:
    """A page from the kept order is the beginning of the whole list, which counts everything."""
    everything = list_interests(store)
    for limit in (1, 3, 1_000):
        assert list_interests(store, limit=limit) == everything[:limit]


def test_a_build_keeps_the_order_and_a_page_of_it_is_the_same(store: Store) -> None:
    assert not kept(store)
    assert_same(store)
    merge_duplicates(store)
    assert kept(store)
    assert_same(store)


def test_a_page_counts_nothing_while_the_order_is_kept(store: Store) -> None:
    merge_duplicates(store)
    with store.write() as connection:  # a wrong number that only the kept order can give
        connection.exec_driver_sql("UPDATE listing SET users = users + 100")
    users = [entry.users for entry in list_interests(store, limit=2)]
    assert users == [entry.users + 100 for entry in list_interests(store)[:2]]


def interests_of(store: Store) -> list[int]:
    with store.read() as connection:
        return list(connection.exec_driver_sql("SELECT interest_id FROM interests").scalars())


def change(store: Store, draw: random.Random) -> None:
    """One change by hand, or one subject asked anew."""
    kind, ids = draw.choice(["merge", "pin", "rename", "undo", "save"]), interests_of(store)
    if kind == "merge":
        merge(store, draw.choice(ids), draw.choice(ids))
    elif kind == "pin":
        pin(store, draw.choice(ids))
    elif kind == "rename":
        rename(store, draw.choice(ids), f"Label {draw.randrange(100)}")
    elif kind == "undo":
        open_ones = [edit.edit_id for edit in edits(store) if not edit.undone_at]
        undo(store, draw.choice(open_ones or [1]))
    else:
        subject = draw.choice(store.subjects.load(kinds=("exemplar",)))
        shown = [store.datasets.load().item_ids[item] for item in subject.items]
        new = [Interest(f"New {draw.randrange(9)}", "", [draw.choice(shown)]) for _ in range(2)]
        store.interests.save(subject.subject_id, new, source="t", response_id=None)


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_carried_over_every_change(store: Store, seed: int) -> None:
    merge_duplicates(store)
    draw, done = random.Random(seed), 0
    for _ in range(40):
        try:
            change(store, draw)
            done += 1
        except UserError:
            continue
        assert kept(store)
        assert_same(store)
    assert done > 10


def test_what_is_not_carried_over_takes_the_mark_away(store: Store) -> None:
    merge_duplicates(store)
    dataset = store.datasets.load()
    user = dataset.user_index["customer-eve"]
    ids = interests_of(store)[:1]
    store.interests.save_assignments(
        [user], np.array([0, 1]), np.array(ids), np.array([0.5]), np.array([0, 0]),
        np.array([], dtype=np.int64), np.array([]),
    )  # fmt: skip
    assert not kept(store)
    assert_same(store)
    merge_duplicates(store)
    assert kept(store)
    assert_same(store)
    forget_user(store, "customer-bob")
    assert_same(store)


def test_subjects_no_longer_in_use_leave_the_order(store: Store) -> None:
    merge_duplicates(store)
    store.subjects.choose("synthetic", [], store.runs.start("build", {}))
    assert not kept(store)
    merge_duplicates(store)
    assert {entry.label for entry in list_interests(store, limit=9)} == {
        one.label for one in (PENS, PAPER, SHREDDING)
    }
    assert REFILLS.label not in {entry.label for entry in list_interests(store)}
    assert_same(store)
