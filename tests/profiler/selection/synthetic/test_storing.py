"""Synthetic users through the store and the command that lists them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from profiler.commands.reading.synthetic_users import synthetic_users
from profiler.selection.synthetic.choose import choose_synthetic_users
from profiler.selection.synthetic.result import SyntheticSettings
from profiler.selection.synthetic.storing import save_synthetic_users
from store.data.splits import NO_TIME, Split
from store.errors import StoreError
from store.store import Store, open_store
from store.tables.subjects import SubjectRow
from store.views.subjects.synthetic_users import list_synthetic_users

HISTORIES = {"ann": [0, 1, 2, 3], "bob": [0, 1, 2, 4], "cyd": [5, 6, 7], "dan": [5, 6, 8]}
HIDDEN = 9  # everybody's last item, which nobody may show


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [[*items, HIDDEN] for items in HISTORIES.values()]
    parts = [[*([0] * len(items)), 3] for items in HISTORIES.values()]
    prepared = SimpleNamespace(
        user_ids=list(HISTORIES),
        item_ids=[f"i{n}" for n in range(10)],
        titles=["Pen", "Ink", "Nib", None, *(f"Title {n}" for n in range(4, 10))],
        categories=[()] * 10,
        extra=[{}] * 10,
        indptr=np.cumsum([0, *map(len, rows)]),
        items=np.concatenate(rows).astype(np.int32),
        timestamps=np.full(sum(map(len, rows)), NO_TIME),
        parts=np.concatenate(parts).astype(np.int8),
        user_split=np.zeros(4, dtype=np.int8),
        split=Split("leave-one-out", ""),
        digest="s256:one",
    )
    with open_store(tmp_path / "s.db", create=True) as store:
        store.datasets.save(prepared, "test")
    return tmp_path / "s.db"


def build(store: Store, **settings: float) -> None:
    dataset = store.datasets.load()
    chosen = choose_synthetic_users(
        *dataset.visible(), dataset.n_items, dataset.user_ids, count=5,
        settings=SyntheticSettings(min_titles=2, **settings),  # type: ignore[arg-type]
    )  # fmt: skip
    save_synthetic_users(store, chosen, dataset.user_ids, store.runs.start("build", {}))


def test_what_was_chosen_comes_back_with_owners(path: Path) -> None:
    with open_store(path) as store:
        build(store)
        document = list_synthetic_users(store).to_json()
        subjects = store.subjects.load(kinds=("synthetic",))
    first, second = document["synthetic_users"]
    item_ix = {f"i{n}": n for n in range(10)}
    assert [m["user"] for m in first["members"]] == ["ann", "bob"]
    assert [m["user"] for m in second["members"]] == ["cyd", "dan"]
    for one in (first, second):
        for item in one["items"]:
            owners = [m["user"] for m in one["members"]]
            owned = [u for u in owners if item_ix[item["item"]] in HISTORIES[u]]
            assert item["owned_by"] == owned
        assert "i9" not in {item["item"] for item in one["items"]}
    assert first["items"][0] == {"item": "i0", "title": "Pen", "owned_by": ["ann", "bob"]}
    assert [s.state for s in subjects] == ["pending", "pending"]
    facts = document["coverage"]
    assert (facts["chosen"], facts["items_covered"], facts["users_covered"]) == (2, 9, 4)
    assert facts["gap"] == pytest.approx(0)
    assert first["details"]["items_covered"] == 5
    assert first["details"]["weight_covered"] < second["details"]["weight_covered"] <= 1.0


def test_the_same_choice_again_keeps_the_subjects(path: Path) -> None:
    with open_store(path) as store:
        build(store)
        before = [(s.subject_id, s.name) for s in store.subjects.load(kinds=("synthetic",))]
        store.subjects.set_state(before[0][0], "ok")
        build(store)
        after = store.subjects.load(kinds=("synthetic",))
    assert [(s.subject_id, s.name) for s in after] == before
    assert [s.state for s in after] == ["ok", "pending"]


def test_the_command_prints_json_tables_and_one(path: Path, capsys) -> None:
    with open_store(path) as store:
        build(store)
        name = list_synthetic_users(store).synthetic_users[0].name
    synthetic_users(path, None, json=True)
    document = json.loads(capsys.readouterr().out)
    assert [point["synthetic_users"] for point in document["curve"]] == [1, 2]
    assert [point["items"] for point in document["curve"]] == [5, 9]
    synthetic_users(path, None, json=False)
    printed = capsys.readouterr().out
    assert f"{name}\t2\t5" in printed
    assert "2 of 2 cliques cover 9 of 9 items and 4 of 4 users" in printed
    synthetic_users(path, name, json=False)
    assert "i0\tPen\tann, bob" in capsys.readouterr().out
    with pytest.raises(StoreError, match="no active synthetic user 'synthetic:zz'"):
        synthetic_users(path, "synthetic:zz", json=False)


def test_the_command_says_why_there_are_none(path: Path, capsys) -> None:
    synthetic_users(path, None, json=False)
    assert "no synthetic users" in capsys.readouterr().out
    with open_store(path) as store:
        build(store, threshold=0.95)
    synthetic_users(path, None, json=False)
    assert "no two users are at least 0.95 alike" in capsys.readouterr().out


def test_synthetic_users_from_outside_are_listed_without_coverage(path: Path, capsys) -> None:
    with open_store(path) as store:
        build(store)
        row = SubjectRow("synthetic", "synthetic:outside", None, [0, 5], members=[0, 2])
        store.subjects.choose("synthetic", [row], store.runs.start("import", {}))
        listing = list_synthetic_users(store)
    assert listing.coverage is None
    assert listing.synthetic_users[0].items[0].owned_by == ["ann"]
    synthetic_users(path, None, json=False)
    assert "came from outside" in capsys.readouterr().out
