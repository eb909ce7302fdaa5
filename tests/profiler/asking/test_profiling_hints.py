"""Hints for profiling: asked on exemplars that were paid for, measured by what members have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.asking.runner import run_asking
from profiler.hinting.profiling import HINTS, gains_of, recall_of, try_profiling_hints
from profiler.llm.budget import Caps
from prompts import load_template
from store.errors import BudgetReachedError, UserError
from store.store import Store, open_store
from store.tables.tasks.hints import Trial
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.hints import hint_rows
from tests.asking_store import chat, fast, scalar
from tests.docs_preparations import shop_interests, shown_titles
from tests.llm_server import Call, LlmServer, Step
from tests.recommender.conftest import build_shop


class Vectors:
    """An encoder whose vectors are drawn by the text: enough to rank by."""

    name = "test"

    def encode(self, texts: list[str], report: Any = None) -> Any:
        rows = [np.random.default_rng(len(text)).normal(size=32) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def answer(call: Call) -> Step:
    return Step(text=json.dumps(shop_interests(shown_titles(call.text))))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(build_shop(tmp_path, "leave-one-out")) as opened:
        yield opened


def paid_for(store: Store, server: LlmServer) -> int:
    subjects = store.subjects.load(kinds=("exemplar",))
    template = load_template("exemplar_interests")
    run_asking(
        store, subjects, chat(server.base_url), template=template, options=fast(ask_anew=True)
    )
    return server.record.total


def attempt(store: Store, server: LlmServer, **more: Any) -> Any:
    options = fast(**{name: more.pop(name) for name in ("caps",) if name in more})
    return try_profiling_hints(store, chat(server.base_url), Vectors(), options=options, **more)  # type: ignore[arg-type]


def test_each_exemplar_is_asked_with_each_hint_and_keeps_its_interests(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")
        connection.exec_driver_sql("DELETE FROM interests")
    with LlmServer(answer) as server:
        paid = paid_for(store, server)
        before = scalar(store, "SELECT group_concat(label) FROM interests")
        told = attempt(store, server, dry_run=True)
        assert (server.record.total, store.hints.load("profiling")) == (paid, [])
        with pytest.raises(BudgetReachedError):
            attempt(store, server, caps=Caps(calls=paid + 3))
        assert server.record.total == paid + 3
        found = attempt(store, server)
        # The answers without a hint are those that were paid for.
        assert server.record.total - paid == told.forecast.calls.low == found.exemplars * len(HINTS)
        assert f"Advice: {HINTS[0]}" in "".join(call.text for call in server.record.calls)
        assert scalar(store, "SELECT group_concat(label) FROM interests") == before
        assert len(found.gains) == len(HINTS)
        assert len(store.hints.trials("profiling")) == found.exemplars * (1 + len(HINTS))
        rows = hint_rows(store, "profiling", ("active",))
        assert {one.trials for one in rows} == {found.exemplars}
        attempt(store, server)
        assert server.record.total - paid == found.exemplars * len(HINTS)  # nothing twice
        assert verify(store)[1] == []
        user = next(one.name for one in store.subjects.load(kinds=("exemplar",)))
        forget_user(store, user.removeprefix("exemplar:"))
        assert not [one for one in store.tasks.load("profiling") if one.name.startswith(f"{user} ")]
        assert verify(store)[1] == []


def test_the_measure_counts_members_items_that_the_exemplar_lacks() -> None:
    items = np.eye(60, dtype=np.float32)
    interests = items[[3, 4]]
    assert recall_of(interests, items, [0], [frozenset({3}), frozenset({4, 59})]) == 0.75
    assert recall_of(interests, items, [3], [frozenset({4})]) == 1.0


def test_gains_are_paired_by_exemplar() -> None:
    def trial(subject: str, hint: int | None, score: float) -> Trial:
        return Trial(hint, 1, "openai:m", "", None, score, "t", 1, subject)

    trials = [trial("a", None, 0.2), trial("b", None, 0.6), trial("a", 1, 0.3), trial("b", 1, 0.7)]
    gains, without = gains_of([*trials, trial("c", 1, 0.9)])
    assert without == pytest.approx(0.4)
    assert gains[1] == (pytest.approx(0.1), pytest.approx(0.0, abs=1e-9))


def test_without_members_nothing_can_be_measured(tmp_path: Path) -> None:
    path = build_shop(tmp_path, "leave-one-out", words=False)
    refused = pytest.raises(UserError, match="no exemplars with members")
    with open_store(path) as empty, LlmServer(answer) as server, refused:
        attempt(empty, server)
