"""LDMI's assignment, adaptation and coupling against plain loops; what must not leak."""

from __future__ import annotations

import math

import pytest
import torch

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.data.groups import Groups
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.objectives.ldmi import LDMI, LDMIConfig, adapt, couple, sinkhorn

D = 16


@pytest.fixture
def model() -> Backbone:
    return create("remi", 12, seed=3, d=D, length=4, k=3)


@pytest.fixture
def batch() -> Batch:
    history = torch.tensor([[1, 2, 5, 0], [4, 5, 0, 0], [6, 7, 8, 9], [2, 3, 1, 0]])
    return Batch(
        torch.tensor([0, 1, 3, 5]), history, (history > 0).sum(1), torch.tensor([4, 3, 7, 2])
    )


@torch.no_grad()
def test_terms_equal_plain_loops(semantics: Semantics, model: Backbone, batch: Batch) -> None:
    objective = LDMI(semantics, D, LDMIConfig(dropout=0.0))
    encoded = model(batch.history)
    terms = objective(model, batch, encoded)
    groups = [{1, 2, 3}, {4, 5}, {6, 7, 8}, {3, 9, 10}]
    table, c = model.item_embeddings(), objective.config
    losses, pulls = [], []
    for row, mine in enumerate([[0, 1], [0, 1], [2, 3]]):  # user 5 has none
        target = int(batch.target[row])
        interests = encoded.interests[row]
        sums, mass = torch.zeros_like(interests), torch.zeros(3)
        for group in mine:
            items = sorted(groups[group] - {target})
            h = table[torch.tensor(items)].mean(0)
            cosines = torch.tensor([float(h @ v / h.norm() / v.norm()) for v in interests])
            share = torch.softmax(cosines / c.tau, dim=0)
            sums, mass = sums + share[:, None] * h, mass + share
            for place, item in enumerate(batch.history[row].tolist()):
                if item in groups[group]:
                    column = encoded.attention[row, :, place]
                    pulls.append(-float((share * (column / column.sum()).log()).sum()))
        moved = interests + c.gamma * sums / mass.clamp(min=1)[:, None]
        best = moved[int((moved @ table[target]).argmax())]
        logits = best @ table[1:].T
        losses.append(float(logits.logsumexp(0) - logits[target - 1]))
    assert float(terms["individual"]) == pytest.approx(c.weight * sum(losses) / 3, rel=1e-4)
    assert float(terms["couple"]) == pytest.approx(c.couple * sum(pulls) / len(pulls), rel=1e-4)


def test_clusters_never_hold_the_target(
    semantics: Semantics, model: Backbone, batch: Batch
) -> None:
    objective = LDMI(semantics, D)
    rows = torch.tensor([[0, 1]])
    clusters, mask = objective._clusters(
        model, rows, rows >= 0, torch.tensor([4])
    )  # interest 1 names items 4 and 5
    assert torch.allclose(clusters[0, 1], model.items[5], atol=1e-6)
    assert torch.allclose(clusters[0, 0], model.items[1:4].mean(0), atol=1e-6)
    assert mask.all()


def test_hidden_clusters_leave_no_term(semantics: Semantics, model: Backbone, batch: Batch) -> None:
    torch.manual_seed(0)
    objective = LDMI(semantics, D, LDMIConfig(dropout=0.999))
    assert objective(model, batch, model(batch.history)) == {}


@pytest.mark.parametrize("how", ["softmax", "sinkhorn", "straight-through"])
def test_assignments_are_shares(semantics: Semantics, how: str) -> None:
    objective = LDMI(semantics, D, LDMIConfig(assignment=how))
    torch.manual_seed(1)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    shares = objective.assign(torch.randn(2, 4, D), torch.randn(2, 3, D), mask)
    assert torch.allclose(shares.sum(2), mask.float(), atol=1e-5)
    assert (shares >= -1e-6).all()
    if how == "straight-through":
        assert ((shares < 1e-5) | (shares > 1 - 1e-5)).all()


def test_sinkhorn_spreads_clusters_over_interests() -> None:
    logits = torch.tensor([[[5.0, 0.0], [5.0, 0.0], [5.0, 0.1], [5.0, 0.1]]])
    plan = sinkhorn(logits, torch.ones(1, 4, dtype=torch.bool), rounds=200)
    assert plan.sum(1)[0].tolist() == pytest.approx([2.0, 2.0], abs=1e-3)
    assert logits.softmax(2).sum(1)[0, 0] > 3.9


def test_sinkhorn_takes_no_notice_of_padding() -> None:
    torch.manual_seed(2)
    logits = torch.randn(1, 20, 4) * 3
    mask = (torch.arange(20) < 5)[None]
    padded = sinkhorn(logits, mask)
    assert torch.allclose(padded[:, :5], sinkhorn(logits[:, :5], mask[:, :5]), atol=1e-6)
    assert padded[:, 5:].abs().sum() == 0


def test_straight_through_has_the_gradient_of_softmax(semantics: Semantics) -> None:
    objective = LDMI(semantics, D, LDMIConfig(assignment="straight-through"))
    clusters = torch.randn(1, 2, D, requires_grad=True)
    shares = objective.assign(clusters, torch.randn(1, 3, D), torch.ones(1, 2, dtype=torch.bool))
    (shares[0, 0, 0] + shares[0, 1, 1]).backward()
    assert clusters.grad is not None
    assert clusters.grad.abs().sum() > 0


def test_an_interest_with_next_to_no_cluster_has_a_small_gradient() -> None:
    shares = torch.tensor([[[1.0, 0.0], [1.0, 1e-12]]], requires_grad=True)
    clusters = torch.randn(1, 2, 3)
    adapt(torch.zeros(1, 2, 3), clusters, shares, gamma=1.0).sum().backward()
    assert shares.grad is not None
    assert shares.grad.abs().max() <= clusters.sum(2).abs().max() + 1e-6


def test_adapt_moves_an_interest_to_the_mean_of_its_clusters() -> None:
    interests, clusters = torch.zeros(1, 2, 3), torch.tensor([[[3.0, 0, 0], [0, 6.0, 0]]])
    moved = adapt(interests, clusters, torch.tensor([[[1.0, 0], [1.0, 0]]]), gamma=1.0)
    assert moved[0, 0].tolist() == pytest.approx([1.5, 3.0, 0.0])
    assert moved[0, 1].tolist() == [0.0, 0.0, 0.0]


def test_coupling_is_least_when_attention_follows_the_shares() -> None:
    shares = torch.tensor([[[0.9, 0.1]]])
    belongs = torch.ones(1, 1, 2, dtype=torch.bool)
    like = torch.tensor([[[0.45, 0.45], [0.05, 0.05]]])
    unlike = like.flip(1)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert float(couple(like, shares, belongs)) == pytest.approx(entropy, abs=1e-5)
    assert float(couple(unlike, shares, belongs)) > entropy
    assert float(couple(like, shares, ~belongs)) == 0


def test_groups_answer_membership(semantics: Semantics) -> None:
    groups = Groups(semantics)
    rows, numbers = torch.tensor([0, 0, 3, -1, 1]), torch.tensor([1, 4, 3, 1, 0])
    assert groups.contains(rows, numbers).tolist() == [True, False, True, False, False]
    assert groups.sizes.tolist() == [3, 2, 3, 3]
    table = torch.randn(13, D)
    assert torch.allclose(groups.means(table)[1], table[4:6].mean(0))
