"""A canary item that only a hidden interaction holds is always found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.data.leakage import check_training
from store.data.dataset import Dataset
from store.data.splits import NO_TIME, Part, Split, assign_parts
from store.errors import LeakageError
from tests.canary import CANARY, held_out, with_canary


@pytest.fixture(params=["leave-one-out", "users-811"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return with_canary(request.param)


def test_the_canary_in_training_is_found(data: Dataset) -> None:
    assert check_training(data, *data.visible()) == len(data.visible()[1])
    user = held_out(data)
    indptr, items = data.visible()
    added = np.insert(items, indptr[user + 1], CANARY)
    longer = indptr + (np.arange(len(indptr)) > user)
    with pytest.raises(LeakageError, match=f"item 'i9' of user 'u{user}'"):
        check_training(data, longer, added)


def test_a_hidden_repeat_of_a_training_item_is_found() -> None:
    names, items = ["u"], np.array([0, 1, 2, 0], dtype=np.int32)
    indptr, times = np.array([0, 4]), np.full(4, NO_TIME)
    parts, sides = assign_parts(Split("leave-one-out"), names, indptr, times)
    data = Dataset(
        names, ["a", "b", "c"], [None] * 3, [()] * 3, indptr, items, times, parts, sides,
        Split("leave-one-out"),
    )  # fmt: skip
    check_training(data, np.array([0, 2]), items[:2])
    with pytest.raises(LeakageError, match="item 'a'"):
        check_training(data, np.array([0, 3]), np.array([0, 1, 0]))
    # Mutants: the last leak named instead of the first; nothing allowed taken for no leak.
    with pytest.raises(LeakageError, match="item 'b' of user 'u'"):
        check_training(data, np.array([0, 4]), np.array([2, 1, 1, 2]))
    nothing = replace(data, parts=np.full(4, Part.TEST, dtype=np.int8))
    assert check_training(nothing, np.array([0, 0]), items[:0]) == 0
    with pytest.raises(LeakageError, match="item 'a'"):
        check_training(nothing, np.array([0, 1]), items[:1])
