"""A canary item that only a hidden interaction holds is always found."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.data.dataset import Dataset
from store.errors import LeakageError
from store.tables.ledger import NewResponse
from store.tables.shown import Shown, check_shown, shown_to_llm
from tests.asking_store import make_store
from tests.canary import CANARY, held_out, with_canary


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
