"""An import can be taken back: everything that it replaced is as it was, by ids, words and members.

Once a file made for other users replaced the exemplars of a store, and nothing brought them back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli
from profiler.exchange.interests import import_interests
from profiler.exchange.save_interests import cover_again
from store.errors import StoreError, UserError
from store.store import Store, open_store
from store.upkeep.edits import edits, merge, rename, undo
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.reading_store import fill

TABLES = ("subjects", "subject_items", "memberships", "interests", "evidence", "assignments")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = fill(tmp_path / "s.db")
    with open_store(made) as store:
        cover_again(store)
    return made


@pytest.fixture
def store(path: Path) -> Any:
    with open_store(path) as opened:
        yield opened


def content(store: Store) -> dict[str, list[Any]]:
    """Every row that an import may touch, apart from the copies kept aside."""
    with store.read() as connection:
        found = {
            table: sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table}")), key=str)
            for table in TABLES
        }
        edits = connection.exec_driver_sql("SELECT payload FROM edits WHERE kind <> 'import'").all()
    return found | {"edits": [tuple(one) for one in edits]}


def put(tmp_path: Path, store: Store, users: list[str], label: str = "Other words") -> Path:
    dataset = store.datasets.load()
    rows = []
    for user in users:
        items = dataset.history(dataset.user_index[user])
        evidence = [dataset.item_ids[int(items[0])]]
        rows.append({"user_id": user, "interests": [{"label": label, "evidence": evidence}]})
    file = tmp_path / "other.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return file


def encode(store: Store, *_: object) -> None:
    """Give every interest without a vector one, then users those that cover their history."""
    encoder = store.vectors.encoder()
    digests = store.vectors.missing(encoder, store.interests.catalogue().text_digests)
    store.vectors.put(encoder, digests, np.eye(3, dtype=np.float32)[[0] * len(digests)])
    cover_again(store)


def people(store: Store) -> tuple[list[str], list[str]]:
    """Users who are exemplars, and some who are not."""
    own = [one.name.partition(":")[2] for one in store.subjects.load(kinds=("exemplar",))]
    ids = store.datasets.load().user_ids
    return own, [user for user in ids if user not in own]


@pytest.mark.parametrize("whom", ["the same", "others", "both"])
def test_what_was_replaced_comes_back(store: Store, tmp_path: Path, whom: str) -> None:
    own, others = people(store)
    users = {"the same": own[:1], "others": others[:1], "both": [own[0], others[0]]}[whom]
    first = store.interests.of_subject(store.subjects.load(kinds=("exemplar",))[0].subject_id)
    before = content(store)
    found = import_interests(store, put(tmp_path, store, users), name="other", min_share=0)
    encode(store)
    assert found.edit is not None
    assert content(store) != before
    assert verify(store)[1] == []
    undo(store, found.edit)
    cover_again(store)
    assert content(store) == before
    assert verify(store)[1] == []
    again = store.interests.of_subject(store.subjects.load(kinds=("exemplar",))[0].subject_id)
    assert again == first


def test_changes_by_hand_of_what_was_replaced_hold_again(store: Store, tmp_path: Path) -> None:
    ids = store.interests.catalogue().ids.tolist()
    merge(store, ids[1], ids[0])
    cover_again(store)
    before = content(store)
    own, _ = people(store)
    found = import_interests(store, put(tmp_path, store, own), name="other")
    encode(store)
    undo(store, found.edit or 0)
    cover_again(store)
    assert content(store) == before
    undo(store, 1)


def test_single_users_and_a_second_import_of_the_same_file(store: Store, tmp_path: Path) -> None:
    _, others = people(store)
    file = put(tmp_path, store, others[:2])
    before = content(store)
    first = import_interests(store, file, name="other", kind="user")
    second = import_interests(store, file, name="other", kind="user")
    assert (first.changed, second.changed, second.edit) == (2, 0, None)
    assert [one.kind for one in edits(store)] == ["import"]
    undo(store, first.edit or 0)
    cover_again(store)
    assert content(store) == before


def test_what_came_later_is_taken_back_first(store: Store, tmp_path: Path) -> None:
    own, others = people(store)
    first = import_interests(store, put(tmp_path, store, own), name="a", min_share=0)
    second = import_interests(store, put(tmp_path, store, others[:1], "B"), name="b", min_share=0)
    assert first.edit
    assert second.edit
    with pytest.raises(UserError, match=f"take it back first: profiler undo {second.edit}"):
        undo(store, first.edit)
    number = store.interests.catalogue().ids.tolist()[-1]
    change = rename(store, number, "Mine")
    with pytest.raises(UserError, match=f"profiler undo {change.edit_id}"):
        undo(store, second.edit)
    undo(store, change.edit_id)
    undo(store, second.edit)
    undo(store, first.edit)
    with pytest.raises(UserError, match="was taken back already"):
        undo(store, first.edit)


def test_an_answer_since_the_import_is_not_lost(store: Store, tmp_path: Path) -> None:
    own, _ = people(store)
    found = import_interests(store, put(tmp_path, store, own), name="a", min_share=0)
    subject = store.subjects.load(kinds=("exemplar",))[0].subject_id
    kept = store.interests.of_subject(subject)
    store.interests.save(subject, kept, source="openai:m", response_id=None)
    with pytest.raises(StoreError, match="was asked about since this import"):
        undo(store, found.edit or 0)
    assert store.interests.of_subject(subject)[0].source == "openai:m"


def test_a_forgotten_user_does_not_come_back(store: Store, tmp_path: Path) -> None:
    own, others = people(store)
    found = import_interests(store, put(tmp_path, store, others[:1]), name="a", min_share=0)
    forget_user(store, own[0])
    undo(store, found.edit or 0)
    cover_again(store)
    assert verify(store)[1] == []
    assert own[0] not in store.datasets.load().user_ids
    with store.read() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM subjects").scalars().all()
    assert not [name for name in rows if own[0] in name]


def test_the_commands(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("profiler.exchange.save_interests.encoder_of", lambda *_: None)
    monkeypatch.setattr("profiler.exchange.save_interests.encode_imported", encode)
    with open_store(path) as store:
        own, others = people(store)
        file = put(tmp_path, store, others[:1])
        before = content(store)
    run = ["--store", str(path)]

    def profiler(*args: str) -> str:
        assert cli.run(cli.profiler_app, "profiler", [*args, *run]) == 0
        return str(capsys.readouterr().out)

    found = json.loads(profiler("import-interests", str(file), "--min-share", "0", "--json"))
    assert found["edit"] == 1
    assert "interests were imported (import:other)" in profiler("undo")
    assert own[0] not in profiler("exemplars")
    assert "what it had replaced is back" in profiler("undo", "1")
    with open_store(path) as store:
        assert content(store) == before
