"""Parts sum to the score for every backbone; the words named are the nearest ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.data.sequences import Sequences
from recommender.serving.attribution import _Game, nearest_interests, split_scores
from store.errors import UserError

N_ITEMS = 60


def make(name: str, seed: int = 1) -> Backbone:
    model = create(name, N_ITEMS, seed=seed, length=8)
    rng = np.random.default_rng(seed)
    items = rng.integers(0, N_ITEMS, 400).astype(np.int32)
    model.prepare(
        Sequences(N_ITEMS, np.arange(41, dtype=np.int64) * 10, items, np.zeros(400, dtype=np.int8))
    )
    return model.eval()


HISTORIES = 200
"""Five items each: 1,000 cases for every model."""


@pytest.mark.parametrize("name", BACKBONES.built_in)
def test_parts_sum_to_the_score_on_random_cases(name: str) -> None:
    model, generator = make(name), torch.Generator().manual_seed(4)
    for _ in range(HISTORIES):
        length = int(torch.randint(1, 12, (1,), generator=generator))
        history = torch.randint(1, N_ITEMS + 1, (length,), generator=generator)
        items = torch.randint(1, N_ITEMS + 1, (5,), generator=generator).tolist()
        with torch.inference_mode():
            scores = model.score(model(history[-8:][None]).interests)[0]
        for split in split_scores(model, history, items, orders=3):
            assert split.score == pytest.approx(float(scores[split.item - 1]), abs=1e-5)
            assert float(split.parts.sum()) + split.base == pytest.approx(split.score, abs=1e-5)
            assert len(split.parts) == len(split.history) == min(length, 8)
            assert split.parts.isfinite().all()


@pytest.mark.parametrize("name", [n for n in BACKBONES.built_in if n != "pop"])
def test_shapley_values_sum_to_the_score_before_rounding_is_mended(name: str) -> None:
    model, generator = make(name), torch.Generator().manual_seed(5)
    for _ in range(20):
        history = torch.randint(1, N_ITEMS + 1, (6,), generator=generator)
        split = split_scores(model, history, [7], orders=3)[0]
        with torch.inference_mode():
            raw = _Game(model, history, 3, 0).values(
                split.interest, model.item_embeddings()[7].double()
            )
        assert float(raw.sum()) == pytest.approx(split.score, abs=1e-5)


def test_attention_parts_are_attention_times_item_scores() -> None:
    model, history = make("remi"), torch.tensor([3, 9, 27])
    split = split_scores(model, history, [14])[0]
    with torch.inference_mode():
        encoded = model(history[None])
    table = model.item_embeddings().detach()
    expected = [
        float(encoded.attention[0, split.interest, place] * (table[item] @ table[14]))
        for place, item in enumerate(history.tolist())
    ]
    assert split.how == "attention"
    assert split.parts.tolist() == pytest.approx(expected, abs=1e-6)


def test_shapley_equals_the_exact_values_over_all_orders() -> None:
    """With very many orders the sampled values come to the exact ones of a 4-item history."""
    model, history, item = make("sasrec"), torch.tensor([3, 9, 27, 5]), 14
    vector = model.item_embeddings()[item].double()

    def worth(kept: tuple[int, ...]) -> float:
        if not kept:
            return 0.0
        with torch.inference_mode():
            return float(model(history[list(kept)][None]).interests[0, 0].double() @ vector)

    exact = [0.0] * 4
    for order in itertools.permutations(range(4)):
        for place, who in enumerate(order):
            before, after = sorted(order[:place]), sorted(order[: place + 1])
            exact[who] += (worth(tuple(after)) - worth(tuple(before))) / math.factorial(4)
    split = split_scores(model, history, [item], orders=3000)[0]
    assert split.how == "shapley"
    scale = max(abs(value) for value in exact)
    assert split.parts.tolist() == pytest.approx(exact, abs=0.06 * scale)


def test_a_model_that_ignores_the_history_says_so() -> None:
    split = split_scores(make("pop"), torch.tensor([1, 2]), [3])[0]
    assert split.how == "none"
    assert split.parts.tolist() == [0.0, 0.0]
    assert split.base == pytest.approx(split.score)


def test_the_same_question_gets_the_same_answer() -> None:
    model, history = make("facet"), torch.tensor([1, 2, 3, 4, 5])
    first, second = (split_scores(model, history, [7])[0] for _ in range(2))
    assert torch.equal(first.parts, second.parts)


def test_nearest_interests_by_evidence_and_by_the_learned_projection() -> None:
    model, history = make("remi"), torch.tensor([3, 9, 27])
    split = split_scores(model, history, [14])[0]
    table = model.item_embeddings().detach()
    indptr, evidence = np.array([0, 2, 4, 6]), np.array([40, 41, 13, 13, 50, 51])
    near = nearest_interests(split, table, np.array([0, 1, 2]), indptr, evidence, None, n=2)
    assert near.rows[0] == 1  # its evidence is the item itself
    assert near.space == "evidence"
    assert near.similarities == sorted(near.similarities, reverse=True)
    projected = torch.stack([split.vector, -split.vector, torch.zeros_like(split.vector)])
    learned = nearest_interests(split, table, np.array([0, 1, 2]), indptr, evidence, projected)
    assert learned.rows[0] == 0
    assert learned.space == "alignment"
    projected[2] = math.nan  # an interest that came after training
    later = nearest_interests(split, table, np.array([0, 1, 2]), indptr, evidence, projected)
    assert later.space == "evidence"


def test_what_cannot_be_explained_is_refused() -> None:
    model = make("remi")
    with pytest.raises(UserError, match="history is empty"):
        split_scores(model, torch.zeros(0, dtype=torch.long), [3])
    with pytest.raises(UserError, match="item number 0"):
        split_scores(model, torch.tensor([1]), [0])
