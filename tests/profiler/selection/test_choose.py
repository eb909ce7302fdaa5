"""Who is asked about after the data grew: nobody loses what was paid for, imported or edited."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import profiler
from profiler.config import BuildConfig
from profiler.llm.registry import open_chat
from profiler.selection.choose import as_shown
from store.store import Store, open_store
from store.tables.subjects import SubjectRow
from store.upkeep.edits import rename
from store.upkeep.verify import verify
from tests.asking_store import KEY, MODEL, fast
from tests.llm_server import Call, LlmServer, Step

CONFIG = BuildConfig(split="none", exemplars=2, synthetic_users=2, assign=False)


def frames(more: tuple[tuple[str, str], ...] = ()) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two groups of like users; ``more`` are purchases (user, item) that came later."""
    tastes = {"tea": ("u0", "u1", "u2"), "ski": ("u3", "u4", "u5")}
    bought = [
        (user, f"{taste}{n}")
        for taste, users in tastes.items()
        for place, user in enumerate(users)
        for n in range(8)
        if n != place
    ]
    rows = [(user, item, time) for time, (user, item) in enumerate([*bought, *more])]
    items = sorted({item for _, item in [*bought, *more]})
    return (
        pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row"),
        pl.DataFrame({"item_id": items, "title": [f"{one[:3]} thing {one[3:]}" for one in items]}),
    )


def rows(store: Store) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT interest_id, subject_id, label, source FROM interests ORDER BY 1"
        ).all()
    return [tuple(one) for one in found]


def all_of_it(call: Call) -> Step:
    """A good answer about any items: the ids stand in brackets at the ends of lines."""
    ids = [int(n) for n in re.findall(r"^\[(\d+)\] ", call.text, re.MULTILINE)]
    interests = [{"label": "All of it", "description": "Likes these.", "evidence": ids}]
    return Step(text=json.dumps({"interests": interests}))


@pytest.fixture
def paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose subjects a model was paid for."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    path = tmp_path / "s.db"
    with LlmServer(all_of_it) as server:
        port = open_chat(MODEL, base_url=server.base_url)
        built = profiler.build(frames(), path, config=CONFIG, llm=port, asking=fast())
    assert built.asking is not None
    assert (built.asking.quarantined, built.asking.pending) == (0, 0)
    return path


def test_a_member_that_buys_more_takes_no_paid_interest_away(paid: Path) -> None:
    with open_store(paid) as store:
        assert {one.name[:9] for one in store.subjects.load()} == {"exemplar:", "synthetic"}
        rename(store, rows(store)[-1][0], "By hand")
        before = rows(store)
    grown = frames((("u0", "tea9"), ("u0", "tea0"), ("u3", "ski9")))
    built = profiler.build(grown, paid, config=CONFIG)  # without a model
    assert built.changed
    assert built.chosen is not None
    assert (built.chosen.anew, built.chosen.synthetic_users) == (True, 2)
    with open_store(paid) as store:
        assert set(before) <= set(rows(store)), "a new exemplar may have joined them"
        assert {one.state for one in store.subjects.load()} == {"ok"}
        assert verify(store)[1] == []
        tea = store.datasets.load().item_ids.index("tea0")
        with store.read() as connection:
            owners = connection.exec_driver_sql(
                "SELECT max(owners) FROM subject_items WHERE item_ix = ?", (tea,)
            ).scalar()
        assert owners == 3, "u0 has it now, too"


def test_what_the_extractor_said_follows_the_members(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    profiler.build(frames(), path, config=CONFIG)
    profiler.build(frames((("u0", "tea9"),)), path, config=CONFIG)
    with open_store(path) as store:
        new = store.datasets.load().item_ids.index("tea9")
        cliques = store.subjects.load(kinds=("synthetic",))
        assert [new in one.items for one in cliques].count(True) == 1
        assert {one.state for one in store.subjects.load()} == {"ok"}


def test_only_what_is_visible_now_is_shown_again(paid: Path) -> None:
    with open_store(paid) as store:
        dataset = store.datasets.load()
        clique = store.subjects.load(kinds=("synthetic",))[0]
        members = [dataset.user_ids.index(user) for user in ("u0", "u1", "u2")]
        if dataset.item_ids[clique.items[0]].startswith("ski"):
            members = [dataset.user_ids.index(user) for user in ("u3", "u4", "u5")]
        row = SubjectRow("synthetic", clique.name, None, [99], [1], members)
        (kept,) = as_shown(store, dataset, [row])
        assert list(kept.items) == list(clique.items)
        gone = clique.items[0]
        with store.write() as connection:
            connection.exec_driver_sql(
                "UPDATE interactions SET part = 3 WHERE item_ix = ?", (gone,)
            )
        (kept,) = as_shown(store, store.datasets.load(), [row])
        assert list(kept.items) == list(clique.items[1:])
