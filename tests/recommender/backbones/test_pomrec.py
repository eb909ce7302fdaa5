"""PoMRec against its steps written out."""

from __future__ import annotations

import numpy as np
import torch

from recommender.backbones.create import create


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


def test_forward(padded, known, weights):
    model = create("pomrec", 9, d=6, k=2, prompts=3, spread=1.5, hidden=5, length=7).eval()
    w = weights(model)
    h = [w["items"][item] + w["positions"][len(known) - 1 - at] for at, item in enumerate(known)]

    def layer(name: str, rows: np.ndarray) -> np.ndarray:
        inner = np.tanh(rows @ w[f"{name}.0.weight"].T + w[f"{name}.0.bias"])
        return inner @ w[f"{name}.2.weight"].T + w[f"{name}.2.bias"]

    rows = np.array([*h, *w["extraction"]])
    shares = softmax(layer("interest_attention", rows))
    interests = []
    for k in range(2):
        mean = shares[:, k] @ rows
        variance = shares[:, k] @ (rows - mean) ** 2
        interests.append(mean + 1.5 * np.sqrt(variance + 1e-6))
    rows = np.array([*h, *w["aggregation"]])
    read = softmax(layer("aggregator", rows))[:, 0] @ rows
    user = softmax(w["mix.weight"] @ read + w["mix.bias"]) @ np.array(interests)
    with torch.no_grad():
        encoded = model(padded)
    assert encoded.interests.shape == (1, 1, 6)
    assert np.allclose(encoded.interests[0, 0], user, atol=1e-5)


def test_a_history_of_one_item_has_a_finite_gradient():
    model = create("pomrec", 9, d=6, prompts=0)
    model(torch.tensor([[3, 0]])).interests.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
