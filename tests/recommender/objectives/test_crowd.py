"""The crowd loss: who is drawn, what counts as negative, and what it does to item vectors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.objectives.crowd import Crowd, CrowdConfig
from store.errors import StoreError

GROUPS = [{1, 2, 3}, {4, 5}, {6, 7, 8}, {3, 9, 10}]
SUBJECT = [{1, 2, 3, 4, 5}, {6, 7, 8, 3, 9, 10}]


@pytest.fixture
def model() -> Backbone:
    return create("sasrec", 12, seed=3, d=16, length=4)


@pytest.fixture
def batch() -> Batch:
    history = torch.tensor([[1, 2, 0, 0]])
    return Batch(torch.tensor([0]), history, torch.tensor([2]), torch.tensor([3]))


def test_pairs_are_two_items_of_one_interest(semantics: Semantics) -> None:
    torch.manual_seed(0)
    anchors, partners, group = Crowd(semantics, CrowdConfig(pairs=4000)).draw()
    for a, b, g in zip(anchors.tolist(), partners.tolist(), group.tolist(), strict=True):
        assert a != b
        assert {a, b} <= GROUPS[g]
    drawn = {(a, b) for a, b in zip(anchors.tolist(), partners.tolist(), strict=True)}
    assert drawn == {(a, b) for g in GROUPS for a in g for b in g if a != b}
    share = torch.bincount(group, minlength=4) / 4000
    assert share.tolist() == pytest.approx([3 / 11, 2 / 11, 3 / 11, 3 / 11], abs=0.03)


def test_interests_can_be_drawn_equally_often(semantics: Semantics) -> None:
    torch.manual_seed(0)
    anchors, partners, group = Crowd(semantics, CrowdConfig(pairs=4000, draw="interests")).draw()
    for a, b, g in zip(anchors.tolist(), partners.tolist(), group.tolist(), strict=True):
        assert a != b
        assert {a, b} <= GROUPS[g]
    share = torch.bincount(group, minlength=4) / 4000
    assert share.tolist() == pytest.approx([0.25] * 4, abs=0.03)
    inside = torch.bincount(anchors[group == 0], minlength=4)[1:] / int((group == 0).sum())
    assert inside.tolist() == pytest.approx([1 / 3] * 3, abs=0.05)


@pytest.mark.parametrize("negatives", ["all", "groups"])
def test_a_prototype_is_the_mean_direction_of_the_others(
    semantics: Semantics, model: Backbone, batch: Batch, negatives: str
) -> None:
    crowd = Crowd(semantics, CrowdConfig(pairs=30, partner="prototype", negatives=negatives))
    torch.manual_seed(5)
    crowd(model, batch, model(batch.history))["crowd"].backward()
    assert model.items.grad is not None
    assert torch.isfinite(model.items.grad).all()
    torch.manual_seed(5)
    anchors, _, group = crowd.draw()
    table = F.normalize(model.item_embeddings(), dim=1)
    found = crowd._prototypes(table, table[anchors], group)
    for row, (a, g) in enumerate(zip(anchors.tolist(), group.tolist(), strict=True)):
        others = torch.stack([table[item] for item in sorted(GROUPS[g] - {a})]).mean(0)
        assert torch.allclose(found[row], others / others.norm(), atol=1e-5)


def test_all_negatives_equal_the_formula(
    semantics: Semantics, model: Backbone, batch: Batch
) -> None:
    crowd = Crowd(semantics, CrowdConfig(pairs=8))
    encoded = model(batch.history)
    torch.manual_seed(5)
    value = float(crowd(model, batch, encoded)["crowd"].detach())
    torch.manual_seed(5)
    anchors, partners, _ = crowd.draw()
    unit = F.normalize(model.item_embeddings()[1:], dim=1).detach().numpy()
    losses = []
    for a, b in zip(anchors.tolist(), partners.tolist(), strict=True):
        exps = {j: math.exp(float(unit[a - 1] @ unit[j - 1]) / 0.1) for j in range(1, 13) if j != a}
        losses.append(-math.log(exps[b] / sum(exps.values())))
    assert value == pytest.approx(0.1 * float(np.mean(losses)), rel=1e-4)


def test_negatives_are_of_the_same_subject_and_never_named_together(
    semantics: Semantics, model: Backbone, batch: Batch
) -> None:
    crowd = Crowd(semantics, CrowdConfig(pairs=300, negatives="groups", hard=8, uniform=8))
    torch.manual_seed(0)
    anchors, _, group = crowd.draw()
    negatives, allowed = crowd._negatives(anchors, group)
    for row, (a, g) in enumerate(zip(anchors.tolist(), group.tolist(), strict=True)):
        assert set(negatives[row, :8].tolist()) <= SUBJECT[g // 2]
        for n, ok in zip(negatives[row].tolist(), allowed[row].tolist(), strict=True):
            assert ok == (not any(a in other and n in other for other in GROUPS))
    assert allowed[:, :8].any()
    assert math.isfinite(float(crowd(model, batch, model(batch.history))["crowd"].detach()))


@pytest.mark.parametrize("partner", ["item", "prototype"])
@pytest.mark.parametrize("negatives", ["all", "groups"])
def test_training_on_it_separates_the_groups(
    semantics: Semantics, model: Backbone, batch: Batch, negatives: str, partner: str
) -> None:
    config = CrowdConfig(pairs=64, negatives=negatives, weight=1.0, partner=partner)
    crowd = Crowd(semantics, config)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    torch.manual_seed(0)
    for _ in range(60):
        optimiser.zero_grad()
        crowd(model, batch, model(batch.history))["crowd"].backward()
        optimiser.step()
    unit = F.normalize(model.item_embeddings().detach(), dim=1)
    inside = float(unit[4] @ unit[5])
    across = float((unit[1:4] @ unit[4:6].T).mean())
    assert inside > across + 0.5


def test_only_the_chosen_subjects_teach(semantics: Semantics) -> None:
    kinds = np.array(["exemplar", "exemplar", "synthetic", "synthetic"])
    crowd = Crowd(replace(semantics, kinds=kinds), CrowdConfig(subjects="synthetic", pairs=500))
    assert set(crowd.draw()[2].tolist()) == {2, 3}


def test_a_store_without_pairs_is_refused(semantics: Semantics) -> None:
    with pytest.raises(StoreError, match="synthetic subjects"):
        Crowd(semantics, CrowdConfig(subjects="synthetic"))
