"""The store's own promises: transactions, migrations, refusals, repositories."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from store.data.splits import NO_TIME, Split
from store.db.migrations import available, statements
from store.digests import text_digest
from store.errors import LeakageError, StoreError
from store.store import open_store
from store.tables.subjects import SubjectRow


@dataclass
class SmallShop:
    """What ``store.prepare`` hands over, made by hand so that each number is known."""

    user_ids: list[str] = field(default_factory=lambda: ["a", "b"])
    item_ids: list[str] = field(default_factory=lambda: ["pen", "ink", "cup"])
    titles: list[str | None] = field(default_factory=lambda: ["Gel pen", "Ink", None])
    categories: list[tuple[str, ...]] = field(default_factory=lambda: [("Office",), (), ()])
    extra: list[dict[str, Any]] = field(default_factory=lambda: [{"brand": "B"}, {}, {}])
    indptr: Any = field(default_factory=lambda: np.array([0, 3, 4]))
    items: Any = field(default_factory=lambda: np.array([0, 1, 2, 1], dtype=np.int32))
    timestamps: Any = field(default_factory=lambda: np.array([5, 6, NO_TIME, 9]))
    parts: Any = field(default_factory=lambda: np.array([0, 0, 3, 0], dtype=np.int8))
    user_split: Any = field(default_factory=lambda: np.zeros(2, dtype=np.int8))
    split: Split = field(default_factory=lambda: Split("leave-one-out", ""))
    digest: str = "s256:one"


@dataclass
class Interest:
    label: str
    description: str
    evidence: list[str]


@pytest.fixture
def store(tmp_path: Path):
    with open_store(tmp_path / "s.db", create=True) as opened:
        opened.datasets.save(SmallShop(), "test")
        yield opened


def exemplar(store, items=(0, 1)):
    run = store.runs.start("build", {"seed": 1})
    row = SubjectRow("exemplar", "exemplar:a", 0, items, members=[0, 1], similarities=[1.0, 0.5])
    store.subjects.choose("exemplar", [row], run)
    return store.subjects.load()[0]


def test_missing_store_is_an_error_that_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match="profiler build"):
        open_store(tmp_path / "none.db")


def test_foreign_files_are_left_alone(tmp_path):
    notes = tmp_path / "notes.db"
    with sqlite3.connect(notes) as connection:
        connection.execute("CREATE TABLE notes (x)")
    with pytest.raises(StoreError, match="not a store"):
        open_store(notes)
    (tmp_path / "words.db").write_text("not a database at all, but long enough to be read" * 40)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "words.db")
    with pytest.raises(StoreError, match="folder"):
        open_store(tmp_path, create=True)


def test_a_later_schema_is_refused(tmp_path):
    path = tmp_path / "s.db"
    open_store(path, create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(StoreError, match="9999"):
        open_store(path)


def test_pragmas_hold_on_every_connection(store):
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_migration_statements_keep_triggers_whole():
    script = available()[0][1]
    found = statements(script)
    assert sum("CREATE TRIGGER" in statement for statement in found) == 3
    with pytest.raises(ValueError, match="unfinished"):
        statements("CREATE TABLE x (y")


def test_write_rolls_back_whole_and_nested_writes_join(store):
    def fail_after_two_writes():
        with store.write():
            store.set_meta(first=1)
            with store.write() as connection:
                connection.execute(text("DELETE FROM interactions"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_after_two_writes()
    assert store.meta("first") is None
    assert len(store.datasets.load().items) == 4


def test_writers_of_several_threads_queue(store):
    def add(number):
        for _ in range(20):
            with store.write():
                store.set_meta(total=store.meta("total", 0) + number)

    threads = [threading.Thread(target=add, args=(1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.meta("total") == 80


def test_dataset_round_trip(store):
    dataset = store.datasets.load()
    assert dataset.user_ids == ["a", "b"]
    assert dataset.titles == ["Gel pen", "Ink", None]
    assert dataset.categories[0] == ("Office",)
    assert dataset.items.tolist() == [0, 1, 2, 1]
    assert dataset.timestamps[2] == NO_TIME
    assert dataset.history(0).tolist() == [0, 1]
    indptr, items = dataset.visible()
    assert indptr.tolist() == [0, 2, 3]
    assert items.tolist() == [0, 1, 1]
    assert dataset.texts() == ["Gel pen (Office)", "Ink", ""]
    assert dataset.texts("title") == ["Gel pen", "Ink", ""]


def test_saving_the_same_data_again_changes_nothing(store):
    assert store.datasets.save(SmallShop(), "test") is False


def test_new_data_keeps_old_numbers_and_appends(store):
    grown = SmallShop(
        user_ids=["0new", "a", "b"],
        item_ids=["ink", "cup", "lamp", "pen"],
        titles=["Ink", None, "Lamp", "Gel pen"],
        categories=[()] * 4,
        extra=[{}] * 4,
        indptr=np.array([0, 1, 4, 5]),
        items=np.array([2, 3, 0, 1, 0], dtype=np.int32),
        timestamps=np.full(5, NO_TIME),
        parts=np.array([0, 0, 0, 3, 0], dtype=np.int8),
        user_split=np.zeros(3, dtype=np.int8),
        digest="s256:two",
    )
    assert store.datasets.save(grown, "test") is True
    dataset = store.datasets.load()
    assert dataset.item_ids == ["pen", "ink", "cup", "lamp"]
    assert dataset.user_ids == ["a", "b", "0new"]
    assert dataset.history(0).tolist() == [0, 1]
    assert dataset.history(2).tolist() == [3]


def test_a_split_that_hides_evidence_is_refused_and_changes_nothing(store):
    subject = exemplar(store)
    store.interests.save(
        subject.subject_id, [Interest("Inks", "", ["ink"])], source="offline", response_id=None
    )
    hidden = SmallShop(parts=np.array([0, 3, 0, 0], dtype=np.int8), digest="s256:three")
    with pytest.raises(LeakageError, match="ink"):
        store.datasets.save(hidden, "test")
    assert store.datasets.load().history(0).tolist() == [0, 1]


def test_vectors_are_kept_by_content(store):
    matrix = np.eye(3, dtype=np.float32)
    digests = [text_digest(t) for t in ("x", "y", "z")]
    assert store.vectors.missing("m", digests) == digests
    store.vectors.put("m", digests, matrix)
    assert store.vectors.missing("m", digests) == []
    assert store.vectors.missing("other", digests) == digests
    np.testing.assert_array_equal(store.vectors.matrix("m", ["y", "", "x"])[0], matrix[1])
    assert not store.vectors.matrix("m", ["y", "", "x"])[1].any()
    with pytest.raises(StoreError, match="absent text"):
        store.vectors.matrix("m", ["absent text"])
    with pytest.raises(ValueError, match="finite"):
        store.vectors.put("m", ["s256:n"], np.full((1, 3), np.nan, dtype=np.float32))


def test_choosing_again_keeps_interests_of_unchanged_subjects(store):
    subject = exemplar(store)
    store.interests.save(
        subject.subject_id, [Interest("Inks", "d", ["ink"])], source="offline", response_id=None
    )
    assert exemplar(store).state == "ok"
    changed = exemplar(store, items=(1,))
    assert (changed.state, changed.subject_id) == ("pending", subject.subject_id)
    store.subjects.choose("exemplar", [], store.runs.start("build", {}))
    assert store.subjects.load() == []
    assert len(store.subjects.load(active=False)) == 1


def test_interests_catalogue_and_users(store):
    subject = exemplar(store)
    found = [Interest("Inks", "All inks", ["ink"]), Interest("Desk", "", ["pen", "ink"])]
    store.interests.save(subject.subject_id, found, source="offline", response_id=None)
    catalogue = store.interests.catalogue()
    assert catalogue.labels == ["Inks", "Desk"]
    assert catalogue.texts == ["Inks. All inks", "Desk"]
    assert catalogue.indptr.tolist() == [0, 1, 3]
    assert catalogue.items.tolist() == [1, 0, 1]
    indptr, rows = store.interests.of_users("exemplar")
    assert indptr.tolist() == [0, 2, 4]
    assert rows.tolist() == [0, 1, 0, 1]


def test_foreign_evidence_is_never_stored(store):
    subject = exemplar(store)
    with pytest.raises(StoreError, match="cup"):
        store.interests.save(
            subject.subject_id, [Interest("Cups", "", ["cup"])], source="x", response_id=None
        )
    assert len(store.interests.catalogue().ids) == 0
    assert store.subjects.load()[0].state == "pending"


def test_catalogue_assignments_are_replaced_per_user(store):
    subject = exemplar(store)
    found = [Interest("Inks", "", ["ink"]), Interest("Desk", "", ["pen"])]
    store.interests.save(subject.subject_id, found, source="offline", response_id=None)
    ids = store.interests.catalogue().ids

    def assign(users, chosen):
        store.interests.save_assignments(
            users,
            np.array([0, len(chosen)]),
            ids[chosen],
            np.linspace(1, 0.5, len(chosen)),
            np.arange(len(chosen) + 1),
            np.zeros(len(chosen), dtype=np.int64),
            np.full(len(chosen), 0.9),
        )

    assign([1], [1, 0])
    assign([0], [0])
    indptr, rows = store.interests.of_users("catalogue")
    assert indptr.tolist() == [0, 1, 3]
    assert rows.tolist() == [0, 1, 0]
    assign([1], [0])
    assert store.interests.of_users("catalogue")[1].tolist() == [0, 0]


def clique(store):
    row = SubjectRow("synthetic", "synthetic:1", None, [0, 1], [1, 2], members=[0, 1])
    store.subjects.choose("synthetic", [row], store.runs.start("build", {}))
    return store.subjects.load(kinds=("synthetic",))[0]


def dropped_clique(store):
    """A synthetic user with an interest, left out by a later choice."""
    subject = clique(store)
    store.interests.save(
        subject.subject_id, [Interest("Pens", "", ["pen"])], source="m", response_id=None
    )
    store.subjects.choose("synthetic", [], store.runs.start("build", {}))


def test_a_synthetic_user_no_longer_in_use_does_not_keep_data_from_growing(store):
    dropped_clique(store)
    grown = SmallShop(
        indptr=np.array([0, 3, 5]),
        items=np.array([0, 1, 2, 1, 2], dtype=np.int32),
        timestamps=np.full(5, NO_TIME),
        parts=np.array([0, 0, 3, 0, 0], dtype=np.int8),
        digest="s256:two",
    )
    assert store.datasets.save(grown, "test") is True
    assert clique(store).state == "ok"
    assert store.interests.catalogue().labels == ["Pens"]


def test_a_synthetic_user_does_not_come_back_with_what_is_hidden_by_now(store):
    dropped_clique(store)
    hidden = SmallShop(parts=np.array([3, 0, 0, 0], dtype=np.int8), digest="s256:three")
    assert store.datasets.save(hidden, "test") is True
    with pytest.raises(LeakageError, match=r"'pen' is evidence .* 'synthetic:1'"):
        clique(store)
    assert store.subjects.load() == []
    assert store.interests.catalogue().labels == []
