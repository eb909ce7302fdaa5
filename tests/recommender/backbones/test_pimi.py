"""PIMI against its steps written out."""

from __future__ import annotations

import numpy as np
import torch

from recommender.backbones.create import create


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def attend(w, block: int, query: np.ndarray, keys: list[np.ndarray], heads: int) -> np.ndarray:
    def dense(name: str, x: np.ndarray) -> np.ndarray:
        return w[f"rounds.{block}.{name}.weight"] @ x + w[f"rounds.{block}.{name}.bias"]

    width = len(query) // heads
    q, out = dense("query", query), []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        scores = [q[part] @ dense("key", key)[part] / np.sqrt(width) for key in keys]
        shares = softmax(np.array(scores))
        out.append(sum(s * dense("value", key)[part] for s, key in zip(shares, keys, strict=True)))
    return dense("out", np.concatenate(out))


def test_forward(padded, known, weights):
    model = create("pimi", 9, d=6, k=2, span=3, blocks=2, heads=2, length=7).eval()
    w = weights(model)
    n = len(known)
    e = [w["items"][item] for item in known]
    x = [v + w["positions"][at] for at, v in enumerate(e)]
    h = []
    for i in range(n):
        gaps = [min(abs(i - j), 3) for j in range(n)]
        shares = softmax(np.array([w["gap_score"] @ w["gaps"][gap] for gap in gaps]))
        h.append(x[i] + sum(s * w["gaps"][gap] for s, gap in zip(shares, gaps, strict=True)))
    centre = np.mean(h, 0)
    for block in range(2):
        before = [np.zeros(6), *h[:-1]]
        h = [
            np.maximum(attend(w, block, h[i], [before[i], h[i], centre, x[i]], 2), 0)
            for i in range(n)
        ]
        centre = np.maximum(attend(w, block, centre, [centre, *h], 2), 0)
    logits = np.array(
        [
            w["head.weight"] @ np.tanh(w["inner.weight"] @ v + w["inner.bias"]) + w["head.bias"]
            for v in h
        ]
    )
    with torch.no_grad():
        encoded = model(padded)
    for k in range(2):
        shares = softmax(logits[:, k])
        assert np.allclose(encoded.attention[0, k, :n], shares, atol=1e-5)
        assert np.allclose(encoded.interests[0, k], shares @ np.array(e), atol=1e-5)
