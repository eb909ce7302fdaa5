"""List quality and interest diagnostics on cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.data.sequences import Sequences
from recommender.evaluation.diagnostics import interest_diagnostics, list_quality
from store.data.dataset import Dataset
from store.data.splits import Split


def dataset(categories: list[tuple[str, ...]], items: list[int]) -> Dataset:
    n = len(categories)
    return Dataset(
        user_ids=["u"],
        item_ids=[f"i{i}" for i in range(n)],
        titles=[None] * n,
        categories=categories,
        indptr=np.array([0, len(items)]),
        items=np.array(items, dtype=np.int32),
        timestamps=np.zeros(len(items), dtype=np.int64),
        parts=np.zeros(len(items), dtype=np.int8),
        user_split=np.zeros(1, dtype=np.int8),
        split=Split("leave-one-out"),
    )


def test_list_quality_by_hand() -> None:
    data = dataset([("a",), ("a",), ("b",), ()], [0, 0, 1])
    vectors = torch.tensor([[1.0, 0], [1.0, 0], [0, 1.0], [0, 0]])
    ranked = torch.tensor([[1, 2, 3], [4, 1, 0]])
    quality = list_quality(ranked, data, vectors, 3)
    assert quality["coverage@3"] == 1.0
    assert quality["category_diversity@3"] == pytest.approx(2 / 3)  # the second list has no pair
    assert quality["ild@3"] == pytest.approx(2 / 3)
    shares = [3 / 7, 2 / 7, 1 / 7, 1 / 7]
    expected = -np.mean([math.log2(shares[i]) for i in (0, 1, 2, 3, 0)])
    assert quality["novelty@3"] == pytest.approx(expected)
    assert list_quality(ranked, data, None, 1)["coverage@1"] == 0.5


def test_what_is_unknown_is_left_out() -> None:
    quality = list_quality(torch.tensor([[1, 2]]), dataset([(), ()], [0, 1]), None, 2)
    assert set(quality) == {"coverage@2", "novelty@2"}


class TwoInterests(Backbone):
    """Interest 0 points at items 1 and 2, interest 1 at items 3 and 4, for every history."""

    name = "two"

    def __init__(self) -> None:
        super().__init__(4, BackboneConfig(d=2, length=5))
        with torch.no_grad():
            self.items.copy_(torch.tensor([[0, 0], [2.0, 0], [1.0, 0], [0, 2.0], [0, 1.0]]))

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        return Encoded(torch.eye(2).expand(len(history), 2, 2), vectors)


def test_interest_diagnostics_by_hand() -> None:
    items = np.array([3, 3, 0, 3, 3, 2], dtype=np.int32)
    parts = np.array([0, 0, 3, 0, 0, 3], dtype=np.int8)
    cases = Sequences(4, np.array([0, 3, 6]), items, parts).eval_histories("test", 5)
    targets = (cases.targets_indptr, cases.targets + 1)
    found = interest_diagnostics(TwoInterests().eval(), cases, targets, keep_seen=True, k=1)
    assert found["interests"] == 2
    assert found["cosine"] == pytest.approx(0.0, abs=1e-6)
    assert found["effective_rank"] == pytest.approx(2.0, abs=1e-4)
    assert found["usage"] == [0.5, 0.5]
    assert found["usage_entropy"] == pytest.approx(1.0)
    assert found["dead"] == 0
    # Items 1 and 3 tie: at k = 1 all interests find one of the two targets, and so does each one.
    assert found["marginal_recall"] == [0.0, 0.0]
    wide = interest_diagnostics(TwoInterests().eval(), cases, targets, keep_seen=True, k=2)
    assert wide["marginal_recall"] == [0.5, 0.5]
