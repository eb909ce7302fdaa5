"""SINE against its steps written out."""

from __future__ import annotations

import numpy as np
import torch

from recommender.backbones.create import create


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def pooled(w, name, x):
    logits = np.array(
        [w[f"{name}.outer.weight"][0] @ np.tanh(w[f"{name}.inner.weight"] @ v) for v in x]
    )
    return softmax(logits) @ np.array(x)


def test_forward(padded, known, weights):
    model = create("sine", 9, d=6, pool=8, concepts=3, length=7).eval()
    w = weights(model)
    h = [w["items"][item] for item in known]
    placed = [v + w["positions"][place] for place, v in enumerate(h)]
    score = w["concept_pool"] @ pooled(w, "activate", placed)
    chosen = np.argsort(-score)[:3]
    concepts = [w["concept_pool"][c] / (1 + np.exp(-score[c])) for c in chosen]
    intent = [
        softmax(np.array([v @ c / np.linalg.norm(v) / np.linalg.norm(c) / 0.07 for c in concepts]))
        for v in h
    ]
    logits = [
        (w["heads.weight"] @ np.tanh(w["inner.weight"] @ v)) * p
        for v, p in zip(placed, intent, strict=True)
    ]
    phi = np.array([softmax(np.array(logits)[:, k]) @ np.array(h) for k in range(3)])
    sequence = [
        sum(p * c for p, c in zip(share, concepts, strict=True)) + v
        for share, v in zip(intent, h, strict=True)
    ]
    query = w["mix.weight"] @ np.concatenate([phi.mean(0), pooled(w, "predict", sequence)])
    user = softmax(phi @ query) @ phi
    with torch.no_grad():
        encoded = model(padded)
    assert np.allclose(encoded.interests[0, 0], user, atol=1e-5)
    assert encoded.interests.shape[1] == model.k == 1
    assert torch.allclose(encoded.attention.sum(2), torch.ones(1, 1))
