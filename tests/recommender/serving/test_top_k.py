"""Top-k equals brute force; removed items, diversity, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.data.categories import category_codes
from recommender.serving import top_k
from store.errors import UserError


@pytest.fixture(scope="module")
def model() -> Backbone:
    model = create("remi", 200, seed=3, d=16, length=10, k=3)
    return model.eval()


@given(st.integers(0, 10_000), st.integers(1, 30), st.sampled_from([3, 7, 64]), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_top_k_equals_brute_force(seed: int, k: int, block: int, n_interests: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    interests = torch.randn(4, n_interests, 5, generator=generator)
    table = torch.randn(26, 5, generator=generator)
    removed = torch.randint(0, 26, (4, 6), generator=generator)
    got = top_k.top_k(interests, table, k, removed, block=block)
    for row in range(4):
        scores = {
            item: max(float(u @ table[item]) for u in interests[row])
            for item in range(1, 26)
            if item not in removed[row].tolist()
        }
        expected = sorted(scores, key=lambda item: -scores[item])[:k]
        found = [item for item in got.items[row].tolist() if item]
        assert found == expected
        for item, score, winner in zip(
            found, got.scores[row].tolist(), got.interests[row].tolist(), strict=False
        ):
            assert score == pytest.approx(scores[item], abs=1e-5)
            assert float(interests[row, winner] @ table[item]) == pytest.approx(score, abs=1e-5)


def test_recommends_from_a_raw_history_and_leaves_out_what_is_in_it(model: Backbone) -> None:
    history = np.arange(30)  # longer than the model reads
    ranked = top_k.recommend(model, [history, np.array([5])], 20)
    assert ranked.items.shape == (2, 20)
    assert not set((ranked.items[0] - 1).tolist()) & set(history.tolist())
    kept = top_k.recommend(model, [history], 199, filter_seen=False)
    assert set((kept.items[0] - 1).tolist()) & set(history.tolist())


def test_lists_shorter_than_k_are_padded_with_zeros() -> None:
    ranked = top_k.top_k(torch.ones(1, 1, 2), torch.ones(4, 2), 5, torch.tensor([[1, 2]]))
    assert ranked.items.tolist() == [[3, 0, 0]]


def test_a_history_alone_and_in_a_batch_give_the_same_list(model: Backbone) -> None:
    histories = [np.array([1, 2, 3]), np.arange(40, 52), np.array([7])]
    together = top_k.recommend(model, histories, 10)
    for row, history in enumerate(histories):
        assert torch.equal(top_k.recommend(model, [history], 10).items[0], together.items[row])


def plain_greedy(scores: list[float], codes: list[int], k: int, diversity: float) -> list[int]:
    spread = float(np.std(scores))
    left, chosen = list(range(len(scores))), []
    while left and len(chosen) < k:
        gain = {
            i: scores[i] / spread - diversity * sum(codes[c] == codes[i] for c in chosen)
            for i in left
        }
        best = max(left, key=gain.__getitem__)
        chosen.append(best)
        left.remove(best)
    return chosen


@given(st.integers(0, 10_000), st.floats(0, 3))
@settings(max_examples=50, deadline=None)
def test_diversify_is_the_greedy_rule(seed: int, diversity: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(1, 12, generator=generator, dtype=torch.float64)
    scores = scores.sort(descending=True).values
    codes = torch.randint(0, 4, (13,), generator=generator)
    pool = top_k.Ranked(torch.arange(1, 13)[None], scores, torch.zeros(1, 12, dtype=torch.long))
    got = top_k.diversify(pool, codes, 6, diversity)
    expected = plain_greedy(scores[0].tolist(), codes[1:].tolist(), 6, diversity)
    assert (got.items[0] - 1).tolist() == expected


def test_diversify_names_no_item_twice_where_few_are_left() -> None:
    items = torch.tensor([[3, 1, 2, 0, 0], [5, 4, 3, 2, 1]])
    scores = torch.tensor([[3.0, 2, 1, -torch.inf, -torch.inf], [5.0, 4, 3, 2, 1]])
    pool = top_k.Ranked(items, scores, torch.zeros(2, 5, dtype=torch.long))
    got = top_k.diversify(pool, torch.tensor([0, 1, 1, 1, 2, 2]), 5, 0.5)
    assert got.items[0].tolist() == [3, 1, 2, 0, 0]
    assert got.scores[0, 3:].tolist() == [-torch.inf] * 2
    assert sorted(got.items[1].tolist()) == [1, 2, 3, 4, 5]


def test_no_diversity_keeps_the_order_and_more_gives_more_categories(model: Backbone) -> None:
    codes = category_codes([("a",) if i % 5 else ("b",) for i in range(200)])
    history = [np.array([1, 2, 3])]
    plain = top_k.recommend(model, history, 10)
    same = top_k.recommend(model, history, 10, diversity=1e-9, codes=codes)
    assert torch.equal(plain.items, same.items)
    varied = top_k.recommend(model, history, 10, diversity=5.0, codes=codes)
    assert (codes[varied.items] == codes[1]).sum() > (codes[plain.items] == codes[1]).sum()


def test_what_cannot_be_served_is_refused(model: Backbone) -> None:
    with pytest.raises(UserError, match="-k 0"):
        top_k.recommend(model, [np.array([1])], 0)
    with pytest.raises(UserError, match="history 2 of 2 is empty"):
        top_k.recommend(model, [np.array([1]), np.array([], dtype=np.int64)], 3)
    with pytest.raises(UserError, match="does not know item 'zz' and 1 more"):
        top_k.history_of(["a", "zz", "yy"], {"a": 0, "b": 1})
    with pytest.raises(UserError, match="is one text"):
        top_k.history_of("abc", {"a": 0, "b": 1, "c": 2})
    for wrong in (-1.0, math.nan, math.inf):
        with pytest.raises(UserError, match=r"--diversity .*write 0"):
            top_k.recommend(model, [np.array([1])], 3, diversity=wrong, codes=torch.arange(99))


@pytest.mark.parametrize("where", ["an item", "the history"])
def test_scores_that_are_not_numbers_are_never_served(where: str) -> None:
    model = create("remi", 30, d=8, k=2, length=5).eval()
    with torch.no_grad():
        model.items[7 if where == "an item" else 2] = math.nan
    with pytest.raises(UserError, match="not numbers; train it anew"):
        top_k.recommend(model, [np.array([1])], 3)
