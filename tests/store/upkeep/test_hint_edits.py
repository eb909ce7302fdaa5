"""Hints changed by hand: other words, pinned, dropped; taken back, forgotten with their user."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.errors import StoreError, UserError
from store.store import Store, open_store
from store.tables.tasks.hints import Hint
from store.tables.tasks.subjects import TaskSubject
from store.upkeep.edits import edit_hint, edits, undo
from store.upkeep.forget import forget_user
from store.upkeep.hint_edits import HintEdit
from store.upkeep.verify import verify
from store.views.hints import hint_rows
from tests.hint_trials import write_trials
from tests.reading_store import fill, runner


def state(store: Store, number: int) -> tuple[str, str, bool]:
    (one,) = [one for one in store.hints.load("ranking") if one.hint_id == number]
    return one.text, one.status, one.pinned


def test_every_change_is_recorded_and_taken_back(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "s.db")) as store:
        (number,) = store.hints.add([Hint("ranking", "Old words.", "ineffective", "openai:m")])
        edit_hint(store, number, HintEdit(text="  New words. "))
        assert state(store, number) == ("New words.", "active", False)
        edit_hint(store, number, HintEdit(pinned=True, status="active"))
        last = edit_hint(store, number, HintEdit(pinned=False, status="dropped"))
        assert state(store, number) == ("New words.", "dropped", False)
        with pytest.raises(UserError, match="was changed since edit 1"):
            undo(store, 1)
        for edit in (last.edit_id, 2, 1):
            undo(store, edit)
        assert state(store, number) == ("Old words.", "ineffective", False)
        assert all(one.undone_at for one in edits(store))
        with pytest.raises(StoreError, match="no hint 99"):
            edit_hint(store, 99, HintEdit(text="x"))
        with pytest.raises(UserError, match="is so already"):
            edit_hint(store, number, HintEdit(text="Old words."))
        with pytest.raises(UserError, match="1 to 240 characters"):
            edit_hint(store, number, HintEdit(text="x" * 241))
        assert verify(store)[1] == []


def test_verify_finds_a_hint_that_something_else_changed(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "s.db")) as store:
        store.hints.add([Hint("ranking", "As it was.", "active", "openai:m")])
        with store.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER reseal_hint")
            connection.exec_driver_sql("UPDATE hints SET text = 'Another.'")
        assert "hint 1 was changed after it was written" in verify(store)[1]


def test_a_forgotten_users_hint_goes_with_the_changes_that_quote_it(tmp_path: Path) -> None:
    # The words of a hint that was changed by hand stayed in the list of changes.
    path = fill(tmp_path / "s.db")
    mine, others = "Words that came of the history of ada.", "Words that came of that of bob."
    with open_store(path) as store:
        users = store.datasets.load().user_index
        rows = store.tasks.add(
            TaskSubject("reflection", "case", f"case:{name}", user_ix=users[f"customer-{name}"])
            for name in ("ada", "bob")
        )
        numbers = store.hints.add(
            Hint("ranking", text, "active", "openai:m", task_subject_id=row)
            for text, row in zip((mine, others), rows, strict=True)
        )
        for number in numbers:
            edit_hint(store, number, HintEdit(pinned=True))
        forget_user(store, "customer-ada")
        assert [one.text for one in store.hints.load("ranking")] == [others]
        assert [one.payload.hint for one in edits(store)] == [numbers[1]]  # type: ignore[union-attr]
        assert verify(store)[1] == []
    assert mine.encode() not in path.read_bytes()


def test_the_list_tells_what_each_gained_with_the_words_it_has(tmp_path: Path, capsys) -> None:
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        number = write_trials(store, "openai:m", cases=3)
        (row,) = hint_rows(store, "ranking", ("active",))
        assert row.trials >= 1
        assert (row.gain, row.better, row.worse) == (0.5, row.trials, 0)
    run = runner(capsys)
    said = run("hints", "list", "--store", path)[1]
    assert "+0.5000" in said
    assert run("hints", "edit", number, "Other words.", "--store", path)[0] == 0
    assert "+0.5000" not in run("hints", "list", "--store", path)[1]
    assert "became 'Other words.'" in run("undo", "--store", path)[1]
    assert "'Prefer what lasts.' (active) again" in run("undo", 1, "--store", path)[1]
    assert "+0.5000" in run("hints", "list", "--store", path)[1]
