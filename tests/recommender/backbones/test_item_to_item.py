"""Computed item-to-item models against their definitions written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.data.sequences import Sequences
from store.errors import UserError

V = 6
LOGS = [[0, 1, 2], [1, 2, 2, 3], [0, 2], [4], [5, 4, 1], [3, 3]]


@pytest.fixture
def sequences() -> Sequences:
    items = np.array([item for log in LOGS for item in log], np.int32)
    indptr = np.cumsum([0, *map(len, LOGS)])
    return Sequences(V, indptr, items, np.zeros(len(items), np.int8))


def matrix() -> np.ndarray:
    x = np.zeros((len(LOGS), V))
    for user, log in enumerate(LOGS):
        x[user, log] = 1
    return x


def scores(model, history: list[int]) -> np.ndarray:
    padded = torch.tensor([[*(item + 1 for item in history), 0]])
    with torch.no_grad():
        return model.score(model(padded).interests)[0].double().numpy()


def test_ease_is_the_constrained_ridge_regression(sequences: Sequences) -> None:
    model = create("ease", V, regularisation=2.0)
    model.prepare(sequences)
    x = matrix()
    for target in range(V):  # each item by the others: (X'X + 2) b = X'y without the item itself
        others = [item for item in range(V) if item != target]
        a = x[:, others]
        b = np.linalg.solve(a.T @ a + 2 * np.eye(V - 1), a.T @ x[:, target])
        wanted = sum(b[others.index(item)] for item in (0, 2) if item != target)
        assert scores(model, [0, 2, 2])[target] == pytest.approx(wanted, abs=1e-5)


def test_itemknn_sums_the_cosines_of_the_nearest(sequences: Sequences) -> None:
    model = create("itemknn", V, neighbours=2, shrink=0.5)
    model.prepare(sequences)
    x, wanted = matrix(), np.zeros(V)
    for item in (1, 4):
        near = np.array(
            [
                0.0
                if j == item
                else x[:, item] @ x[:, j] / (np.sqrt(x[:, item].sum() * x[:, j].sum()) + 0.5)
                for j in range(V)
            ]
        )
        kept = sorted(range(V), key=lambda j: (-near[j], j))[:2]
        for j in kept:
            wanted[j] += near[j]
    assert np.allclose(scores(model, [1, 4]), wanted, atol=1e-6)


def test_transitions_weigh_ways_by_similarity(sequences: Sequences) -> None:
    model = create("transitions", V, starts=2, hops=3, decay=0.5, floor=0.2)
    model.prepare(sequences)
    t = np.zeros((V, V))
    for log in LOGS:
        for left, right in itertools.pairwise(log):
            t[left, right] += left != right
    t /= np.maximum(t.sum(1, keepdims=True), 1)
    x = matrix()
    norm = np.sqrt(x.sum(0))
    alike = x.T @ x / np.outer(norm, norm)
    ways = (t + 0.5 * t @ t + 0.25 * t @ t @ t) * (0.2 + alike)
    np.fill_diagonal(ways, 0)
    wanted = ways[2] + 0.5 * ways[1]  # the last item, and half of the one before it
    assert np.allclose(scores(model, [0, 1, 2]), wanted, atol=1e-6)


def test_of_more_ways_than_the_reach_the_heaviest_are_kept(sequences: Sequences) -> None:
    near, far = create("transitions", V, hops=2, reach=1), create("transitions", V, hops=2)
    near.prepare(sequences)
    far.prepare(sequences)
    assert (near.items > 0).sum() < (far.items > 0).sum()


@pytest.mark.parametrize("name", ["ease", "itemknn", "transitions"])
def test_more_items_than_memory_allows_are_refused_with_the_figure(name: str) -> None:
    with pytest.raises(UserError, match=r"GiB of memory, and memory_gib allows 0\.001, .*enough"):
        create(name, 20_000, memory_gib=0.001)


@pytest.mark.parametrize("name", ["ease", "itemknn", "transitions"])
def test_the_order_of_users_does_not_matter(name: str, sequences: Sequences) -> None:
    logs = LOGS[::-1]
    items = np.array([item for log in logs for item in log], np.int32)
    indptr = np.cumsum([0, *map(len, logs)])
    turned = Sequences(V, indptr, items, np.zeros(len(items), np.int8))
    one, two = create(name, V), create(name, V)
    one.prepare(sequences)
    two.prepare(turned)
    assert torch.allclose(one.items, two.items, atol=1e-6)
