"""A canary item that only a hidden interaction holds is always found."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from store.data.dataset import Dataset
from store.data.prepare import prepare
from store.data.readers import read
from store.errors import LeakageError
from store.store import Store, open_store
from store.tables.ledger import NewResponse
from store.tables.shown import Shown, check_shown, shown_to_llm
from store.tables.subjects import SubjectRow
from tests.asking_store import make_store
from tests.canary import CANARY, held_out, with_canary
from tests.reading_store import HISTORIES, Interest, fill


@pytest.fixture(params=["leave-one-out", "users-811"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return with_canary(request.param)


def test_the_canary_in_a_prompt_is_found(data: Dataset) -> None:
    user = held_out(data)
    with pytest.raises(LeakageError, match=r"shown item 'i9' of 'exemplar:u\d+'.*test target"):
        check_shown(data, [Shown(f"exemplar:u{user}", [user], [CANARY])])


def test_the_canary_in_a_synthetic_user_is_found(data: Dataset) -> None:
    users = [u for u in range(20) if CANARY not in data.history(u, (0,))]
    with pytest.raises(LeakageError, match="synthetic:ab"):
        check_shown(data, [Shown("synthetic:ab", users, [CANARY])])


def test_what_the_split_shows_is_clean(data: Dataset) -> None:
    shown = [Shown(f"user:u{u}", [u], data.history(u).tolist()) for u in range(20)]
    assert check_shown(data, shown) == len(data.visible()[1])


def test_an_answer_not_read_yet_tells_what_the_model_was_shown(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.db", 1) as store:
        answer = NewResponse("s256:r", None, 1, None, "openai:m", "{}", shown=[CANARY])
        store.responses.add(answer)
        assert shown_to_llm(store) == [Shown("exemplar:u0", [0], [CANARY])]


def renewed(store: Store, hidden_of: str | None = None) -> None:
    """Save the data anew, with one more user, and with one user's pen bought last if named."""
    histories = HISTORIES | {"customer-new": ["pen", "tape", "oil", "note"]}
    if hidden_of:
        histories[hidden_of] = [*(one for one in histories[hidden_of] if one != "pen"), "pen"]
    rows = [(user, item, n) for user, items in histories.items() for n, item in enumerate(items)]
    log = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    store.datasets.save(prepare(read(log)), "frames")


def test_subjects_no_longer_in_use_are_looked_at_as_far_as_can_be_proven(tmp_path: Path) -> None:
    """Mutants: a synthetic user without members taken for a leak; what follows it not looked at."""
    with open_store(fill(tmp_path / "s.db")) as store:
        run = store.runs.start("build", {})
        store.subjects.choose("synthetic", [], run)
        renewed(store)
        with pytest.raises(LeakageError, match=r"item 'pen' .*of 'exemplar:customer-ada'"):
            renewed(store, "customer-ada")
        bob = store.datasets.load().user_index["customer-bob"]
        pen = store.datasets.load().item_index["pen"]
        row = SubjectRow("exemplar", "exemplar:customer-bob", bob, [pen])
        store.subjects.choose("exemplar", [row], run)
        (last,) = store.subjects.load(kinds=("exemplar",))
        assert last.name == "exemplar:customer-bob"
        pens = [Interest("Pens", "Writes.", ["pen"])]
        store.interests.save(last.subject_id, pens, source="m", response_id=None)
        with pytest.raises(LeakageError, match="of 'exemplar:customer-ada'"):
            renewed(store, "customer-ada")
        with pytest.raises(LeakageError, match="of 'exemplar:customer-bob'"):
            renewed(store, "customer-bob")


def test_a_synthetic_user_is_proven_by_its_members(tmp_path: Path) -> None:
    """Mutant: members not read, so that every synthetic user would be a leak."""
    with open_store(fill(tmp_path / "s.db")) as store:
        renewed(store)
        (shown,) = [one for one in shown_to_llm(store) if one.subject.startswith("synthetic")]
        users = store.datasets.load().user_index
        members = ["customer-ada", "customer-bob", "customer-eve"]
        assert shown.users == [users[one] for one in members]
        assert store.datasets.load().item_index["pen"] in shown.items
