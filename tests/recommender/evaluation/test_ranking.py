"""Full ranking against brute force, protocols, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.data.sequences import Sequences
from recommender.evaluation import ranking
from store.data.dataset import Dataset
from store.data.splits import NO_TIME, Split, assign_parts
from store.errors import UserError


def dataset(split: str, histories: list[list[int]], n_items: int, detail: str = "") -> Dataset:
    indptr = np.concatenate([[0], np.cumsum([len(h) for h in histories])]).astype(np.int64)
    items = np.array([item for h in histories for item in h], dtype=np.int32)
    names = [f"u{u:04}" for u in range(len(histories))]
    times = np.full(len(items), NO_TIME)
    parts, sides = assign_parts(Split(split, detail), names, indptr, times)
    return Dataset(
        user_ids=names,
        item_ids=[f"i{i}" for i in range(n_items)],
        titles=[None] * n_items,
        categories=[()] * n_items,
        indptr=indptr,
        items=items,
        timestamps=times,
        parts=parts,
        user_split=sides,
        split=Split(split, detail),
    )


def random_dataset(split: str, seed: int = 0, users: int = 60, n_items: int = 40) -> Dataset:
    rng = np.random.default_rng(seed)
    return dataset(
        split,
        [rng.integers(0, n_items, rng.integers(3, 15)).tolist() for _ in range(users)],
        n_items,
    )


def random_scorer(n_items: int, seed: int = 1) -> ranking.Scorer:
    table = torch.randn(n_items + 1, n_items, generator=torch.Generator().manual_seed(seed))
    return lambda history: table[history].sum(1)


@pytest.mark.parametrize(
    ("split", "stay"),
    [("users-811", True), ("file", True), ("leave-one-out", False), ("time", False)],
)
def test_each_protocol_keeps_or_removes_what_the_user_has(split: str, stay: bool) -> None:
    """One user has seen the most popular item; under some protocols it stays a candidate."""
    data = dataset("leave-one-out", [[0, 1, 2, 3]] * 4, 5)
    held = np.tile(np.array([0, 1, 2, 3], dtype=np.int8), 4)
    data = replace(data, split=Split(split, ""), parts=held)
    found = ranking.evaluate_scores(
        ranking.popularity(data), data, length=4, ks=[1], names=["recall"]
    )
    assert found.protocol["seen_items"] == ("kept" if stay else "removed")
    assert (0 in (found.ranked[:, 0] - 1).tolist()) == stay


@pytest.mark.parametrize("split", ["leave-one-out", "users-811"])
def test_equals_brute_force(split: str) -> None:
    data = random_dataset(split)
    score = random_scorer(data.n_items)
    result = ranking.evaluate_scores(score, data, length=5, ks=[3, 10])
    keep = split == "users-811"
    expected: dict[int, float] = {}
    for user in range(data.n_users):
        known = data.history(user, (0, 1, 2)) if not keep else data.history(user, (0, 1))
        targets = set(data.history(user, (3,)).tolist()) - (set() if keep else set(known.tolist()))
        if not targets:
            continue
        history = torch.zeros(1, 5, dtype=torch.long)
        history[0, : len(known[-5:])] = torch.from_numpy(known[-5:].astype(np.int64)) + 1
        scores = score(history)[0].numpy()
        order = [i for i in np.argsort(-scores) if keep or i not in known]
        expected[user] = len(targets & set(order[:3])) / len(targets)
    assert result.users.tolist() == sorted(expected)
    assert result.values["recall@3"].tolist() == pytest.approx(
        [expected[u] for u in sorted(expected)]
    )
    assert result.protocol["seen_items"] == ("kept" if keep else "removed")


def test_blocks_do_not_change_the_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_dataset("leave-one-out")
    score = random_scorer(data.n_items)
    whole = ranking.evaluate_scores(score, data, length=5)
    monkeypatch.setattr(ranking, "BLOCK_FLOATS", 7 * data.n_items)
    assert torch.equal(whole.ranked, ranking.evaluate_scores(score, data, length=5).ranked)


def test_removed_items_are_never_listed_and_short_lists_are_padded() -> None:
    data = dataset("leave-one-out", [[0, 1, 2, 3], [4, 3, 2, 1]], 5)
    result = ranking.evaluate_scores(random_scorer(5), data, length=5, ks=[5])
    assert [sorted(row) for row in result.ranked.tolist()] == [[0, 0, 0, 4, 5], [0, 0, 0, 1, 2]]


def test_a_target_the_user_already_has_is_dropped_and_counted() -> None:
    data = dataset("leave-one-out", [[0, 1, 2, 0], [0, 1, 2, 3]], 5)
    result = ranking.evaluate_scores(random_scorer(5), data, length=5, ks=[5])
    assert result.users.tolist() == [1]
    assert result.protocol["targets_dropped_as_seen"] == 1
    kept = ranking.evaluate_scores(random_scorer(5), data, length=5, ks=[5], keep_seen=True)
    assert kept.users.tolist() == [0, 1]


def test_popularity_breaks_ties_by_id_and_not_by_a_number_that_targets_decide() -> None:
    data = replace(dataset("leave-one-out", [[0, 1, 2, 3]] * 3, 4), item_ids=["d", "a", "x", "y"])
    scores = ranking.popularity(data)(torch.zeros(1, 4, dtype=torch.long))[0]
    assert scores.argsort(descending=True).tolist() == [1, 0, 2, 3]


def test_popularity_counts_training_interactions_only() -> None:
    data = dataset("leave-one-out", [[1, 1, 0, 2], [1, 0, 2, 2], [1, 1, 0, 0]], 3)
    scores = ranking.popularity(data)(torch.zeros(2, 4, dtype=torch.long))
    assert scores.shape == (2, 3)
    assert scores[0].argsort(descending=True).tolist() == [1, 0, 2]


def test_split_none_is_refused_with_the_reason() -> None:
    data = random_dataset("none")
    with pytest.raises(UserError, match="saw every interaction"):
        ranking.evaluate_scores(random_scorer(40), data, length=5)


def test_an_empty_part_is_refused() -> None:
    data = dataset("leave-one-out", [[0, 1], [1, 2]], 3)
    with pytest.raises(UserError, match="no user has test targets"):
        ranking.evaluate_scores(random_scorer(3), data, length=5)


def test_scores_that_are_not_numbers_are_refused() -> None:
    data = random_dataset("leave-one-out")
    with pytest.raises(UserError, match="not numbers"):
        ranking.evaluate_scores(
            lambda history: torch.full((len(history), 40), float("nan")), data, length=5
        )


def test_margins_are_those_of_the_mean() -> None:
    data = random_dataset("leave-one-out")
    result = ranking.evaluate_scores(random_scorer(40), data, length=5, ks=[10])
    values = result.values["recall@10"].numpy()
    assert result.margins["recall@10"] == pytest.approx(
        1.96 * values.std(ddof=1) / len(values) ** 0.5
    )
    assert result.to_json()["metrics"]["recall@10"]["mean"] == pytest.approx(values.mean())


def test_the_prepared_targets_are_those_of_the_split() -> None:
    data = random_dataset("users-811")
    cases = Sequences.from_dataset(data).eval_histories("test", 5)
    indptr, items = ranking.targets_of(cases, data.n_items, keep_seen=True)
    for row, user in enumerate(cases.users.tolist()):
        got = set((items[indptr[row] : indptr[row + 1]] - 1).tolist())
        assert got == set(data.history(user, (3,)).tolist())
