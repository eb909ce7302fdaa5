"""EIMF's losses against the formulas written out, and where gradients go."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.backbones.create import create
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.objectives.eimf import EIMF, EIMFConfig
from recommender.objectives.shared import contrast, cosine_gap, reduce_text, target_aware

D = 16


def batch_of(users: list[int], targets: list[int]) -> Batch:
    history = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [6, 7, 8, 9], [2, 3, 1, 0]])[: len(users)]
    return Batch(
        users=torch.tensor(users),
        history=history,
        lengths=(history > 0).sum(1),
        target=torch.tensor(targets),
    )


@pytest.fixture
def model() -> Backbone:
    return create("remi", 12, seed=3, d=D, length=4, k=3)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(((a * b).sum() / (a.norm() * b.norm())).detach())


def plain_terms(
    objective: EIMF, model: Backbone, batch: Batch, encoded: Encoded
) -> dict[str, float]:
    """A0.2 to A0.5 of the fact sheet, one row at a time."""
    c = objective.config
    readouts, behaviours, texts, items, predictions = [], [], [], [], []
    table = model.item_embeddings()
    for row in range(len(batch.users)):
        mine = [r for r in objective.sets[objective.set_of[batch.users[row]]].tolist() if r > 0]
        text = objective.item_text[batch.target[row]]
        if not mine or not text.any():
            continue
        h = objective.interest_text[torch.tensor(mine)]
        net = objective.attention
        weights = torch.softmax(net.query(h) @ net.key(h).T / math.sqrt(h.shape[1]), dim=1)
        h = h + weights @ net.value(h)
        if c.attend:
            a = torch.softmax(h @ text / math.sqrt(len(text)), dim=0)
        else:
            a = torch.full((len(h),), 1 / len(h))
        readout = a @ h
        item = table[batch.target[row]]
        interests = encoded.interests[row]
        b = torch.softmax(interests @ item / math.sqrt(D), dim=0)
        if not c.attend:
            b = torch.full((len(interests),), 1 / len(interests))
        logits = []
        for other in range(1, 13):
            t = objective.item_text[other]
            if t.any():
                logits.append(cosine(readout, t) / c.tau)
        numbers = [n for n in range(1, 13) if objective.item_text[n].any()]
        logit_of = dict(zip(numbers, logits, strict=True))
        total = math.log(sum(math.exp(x) for x in logits))
        predictions.append(total - logit_of[int(batch.target[row])])
        readouts.append(objective.project_interest(readout))
        behaviours.append(b @ interests)
        texts.append(objective.project_item(text))
        items.append(item)

    def cl(xs: list[Tensor], ys: list[Tensor]) -> float:
        losses = []
        for x, y in zip(xs, ys, strict=True):
            among = sum(math.exp(cosine(x, z) / c.tau) for z in ys)
            losses.append(-math.log(math.exp(cosine(x, y) / c.tau) / among))
        return float(np.mean(losses))

    def cos(xs: list[Tensor], ys: list[Tensor]) -> float:
        return float(np.mean([1 - cosine(x, y) for x, y in zip(xs, ys, strict=True)]))

    aligned = c.alpha * (cl(readouts, behaviours) + cl(texts, items))
    aligned += c.beta * (cos(readouts, behaviours) + cos(texts, items))
    return {"semantic": c.gamma * float(np.mean(predictions)), "align": c.gamma * aligned}


@pytest.mark.parametrize("attend", [True, False])
def test_terms_equal_the_formulas(semantics: Semantics, model: Backbone, attend: bool) -> None:
    objective = EIMF(semantics, D, EIMFConfig(attend=attend))
    batch = batch_of([0, 1, 3, 5], [4, 12, 7, 2])  # target 12 has no text, user 5 no interests
    batch = Batch(batch.users, batch.history, batch.lengths, torch.tensor([4, 3, 7, 2]))
    encoded = model(batch.history)
    terms = objective(model, batch, encoded)
    expected = plain_terms(objective, model, batch, encoded)
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert float(terms[name].detach()) == pytest.approx(value, rel=1e-4)


def test_targets_without_text_and_users_without_interests_are_left_out(
    semantics: Semantics, model: Backbone
) -> None:
    objective = EIMF(semantics, D)
    full = batch_of([0, 1, 5, 3], [4, 3, 2, 12])
    encoded = model(full.history)
    part = Batch(full.users[:2], full.history[:2], full.lengths[:2], full.target[:2])
    less = Encoded(encoded.interests[:2], encoded.history_vectors[:2])
    with torch.no_grad():
        all_rows = objective(model, full, encoded)
        usable = objective(model, part, less)
    assert usable
    for name, value in usable.items():
        assert float(all_rows[name]) == pytest.approx(float(value), rel=1e-5)
    alone = batch_of([5], [3])
    assert objective(model, alone, model(alone.history)) == {}


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ({"align": False}, {"semantic"}),
        ({"predict": False}, {"align"}),
        ({}, {"semantic", "align"}),
    ],
)
def test_ablations_switch_terms_off(
    semantics: Semantics, model: Backbone, setting: dict[str, bool], left: set[str]
) -> None:
    batch = batch_of([0, 1, 3], [4, 3, 7])
    objective = EIMF(semantics, D, EIMFConfig(**setting))
    assert set(objective(model, batch, model(batch.history))) == left


def test_the_halves_of_the_alignment_sum_to_it(semantics: Semantics, model: Backbone) -> None:
    batch, terms = batch_of([0, 1, 3], [4, 3, 7]), {}
    whole = EIMF(semantics, D, EIMFConfig())
    for name, setting in (
        ("both", {}),
        ("items", {"align_interests": False}),
        ("interests", {"align_items": False}),
    ):
        part = EIMF(semantics, D, EIMFConfig(**setting))
        part.load_state_dict(whole.state_dict())
        terms[name] = float(part(model, batch, model(batch.history))["align"].detach())
    assert terms["items"] + terms["interests"] == pytest.approx(terms["both"], rel=1e-5)
    assert min(terms.values()) > 0


def test_gradients_flow_where_they_should(semantics: Semantics, model: Backbone) -> None:
    batch = batch_of([0, 1, 3], [4, 3, 7])
    objective = EIMF(semantics, D)
    objective(model, batch, model(batch.history))["semantic"].backward()
    assert model.items.grad is None  # the semantic prediction teaches the text side only
    assert objective.attention.value.weight.grad is not None
    objective.zero_grad()
    objective(model, batch, model(batch.history))["align"].backward()
    gradient = model.items.grad
    assert gradient is not None
    assert (gradient[batch.target].abs().sum(1) > 0).all()
    assert (gradient[1:4].abs().sum(1) > 0).all()  # through the interests to the history
    assert (gradient[10:12] == 0).all()  # items nobody in the batch has
    assert all(p.grad is not None for p in objective.parameters())
    assert not objective.item_text.requires_grad


def test_constants_are_not_saved(semantics: Semantics) -> None:
    assert not [
        name for name in EIMF(semantics, D).state_dict() if "text" in name or "rows" in name
    ]


def test_reduced_text_keeps_cosines_and_zero_rows(semantics: Semantics) -> None:
    items, interests = reduce_text(semantics, 100)
    assert items.shape == (12, 8)
    assert interests.shape == (4, 8)
    assert not items[11].any()
    assert items[:11].norm(dim=1).tolist() == pytest.approx([1.0] * 11, abs=1e-5)
    centred = semantics.item_vectors[:11] - semantics.item_vectors[:11].mean(0)
    expected = F.normalize(torch.from_numpy(centred), dim=1)
    assert torch.allclose(items[:11] @ items[:11].T, expected @ expected.T, atol=1e-5)


def test_contrast_prefers_the_partner() -> None:
    a = torch.eye(4)
    assert float(contrast(a, a, 0.1)) < float(contrast(a, a.roll(1, 0), 0.1))
    assert float(cosine_gap(a, a)) == pytest.approx(0)
    assert float(cosine_gap(a, -a)) == pytest.approx(2)


def test_target_aware_ignores_masked_values() -> None:
    values, query = torch.randn(2, 3, 4), torch.randn(2, 4)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    out = target_aware(values, query, mask)
    assert torch.allclose(out[1], values[1, 0])
    assert torch.allclose(out[0], target_aware(values[:1, :2], query[:1])[0])
