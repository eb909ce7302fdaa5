"""Routing, ComiRec-DR and MIND against loops over items and interests."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.multi_interest.capsules import route, squash


def squashed(s):
    square = float(s @ s)
    return square / (1 + square) * s / np.sqrt(square + 1e-9)


def routed(votes, logits, iterations, axis):
    """Plain routing of one user, over the items there are."""
    k, n, _ = votes.shape
    logits = logits[:, :n].copy()
    for _ in range(iterations):
        e = np.exp(logits)
        coupling = e / e.sum(0 if axis == "interests" else 1, keepdims=True)
        capsules = np.array([squashed(coupling[j] @ votes[j]) for j in range(k)])
        for j in range(k):
            for place in range(n):
                logits[j, place] += votes[j, place] @ capsules[j]
    return capsules, coupling


@pytest.mark.parametrize("axis", ["interests", "sequence"])
def test_comirec_dr(axis, padded, known, weights):
    model = create("comirec_dr", 9, d=6, k=3, length=7, axis=axis).eval()
    w = weights(model)
    votes = np.array(
        [
            [w["votes"][place, j] @ w["items"][item] for place, item in enumerate(known)]
            for j in range(3)
        ]
    )
    capsules, coupling = routed(votes, np.zeros((3, 5)), 3, axis)
    with torch.no_grad():
        encoded = model(padded)
    assert np.allclose(encoded.interests[0], capsules, atol=1e-5)
    assert np.allclose(encoded.attention[0, :, :5], coupling, atol=1e-5)


@pytest.mark.parametrize("axis", ["interests", "sequence"])
def test_mind(axis, padded, known, weights):
    model = create("mind", 9, d=6, k=3, length=7, axis=axis).eval()
    w = weights(model)
    one = np.array([w["items"][item] @ w["bilinear"] for item in known])
    capsules, coupling = routed(np.array([one] * 3), w["start"], 3, axis)
    with torch.no_grad():
        encoded = model(padded)
    assert np.allclose(encoded.interests[0], capsules, atol=1e-5)
    assert np.allclose(encoded.attention[0, :, :5], coupling, atol=1e-5)


@pytest.mark.parametrize("name", ["comirec_dr", "mind"])
def test_routing_over_the_sequence_does_not_depend_on_the_padding(name):
    """Serving pads a block to its longest history, evaluation to the model's length."""
    model = create(name, 9, d=6, k=3, length=7, axis="sequence").eval()
    history = torch.tensor([[4, 2, 7, 0, 0, 0, 0]])
    with torch.no_grad():
        wide, narrow = model(history).interests, model(history[:, :3]).interests
    assert torch.allclose(wide, narrow, atol=1e-6)


def test_default_axis_is_that_of_the_authors_code():
    assert create("comirec_dr", 9).config.axis == create("mind", 9).config.axis == "interests"


def test_coupling_sums_to_one_over_its_axis():
    votes, mask = torch.randn(2, 3, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    for axis, dim in (("interests", 1), ("sequence", 2)):
        _, coupling = route(votes, mask, torch.randn(2, 3, 5), 3, axis)
        assert torch.allclose(coupling.sum(dim), torch.ones_like(coupling.sum(dim)))


def test_gradient_runs_through_the_last_iteration_only():
    votes = torch.randn(1, 2, 4, 3, requires_grad=True)
    mask, start = torch.ones(1, 4, dtype=torch.bool), torch.zeros(1, 2, 4)
    capsules, coupling = route(votes, mask, start, 3, "interests")
    assert not coupling.requires_grad
    capsules.sum().backward()
    plain = squash(torch.einsum("bkl,bkld->bkd", coupling, votes.detach().requires_grad_()))
    assert torch.allclose(capsules, plain)
    assert votes.grad is not None


def test_squash_keeps_direction_and_stays_below_one():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0], [30.0, 40.0]])
    y = squash(x)
    assert torch.allclose(y[0], x[0] / 5 * 25 / 26)
    assert not y[1].any()
    assert float(y[2].norm()) < 1


def test_mind_repeats_itself_when_serving_and_not_in_training(padded):
    model = create("mind", 9, d=6, length=7)
    assert not torch.equal(model.train()(padded).interests, model(padded).interests)
    assert torch.equal(model.eval()(padded).interests, model(padded).interests)


@pytest.mark.parametrize(("size", "number"), [(1, 1), (3, 1), (4, 2), (7, 2)])
def test_mind_adaptive_number_of_interests(size, number):
    """``max(1, min(K, log2 n))``; the others repeat the first, which leaves the maximum."""
    model = create("mind", 9, d=6, k=4, length=7, adaptive=True).eval()
    history = torch.tensor([[1, 2, 3, 4, 5, 6, 7][:size] + [0] * (7 - size)])
    interests = model(history).interests[0]
    assert len(torch.unique(interests, dim=0)) == number
