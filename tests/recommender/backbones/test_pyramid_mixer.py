"""Pyramid Mixer against its steps written out."""

from __future__ import annotations

import math

import numpy as np
import torch

from recommender.backbones.create import create


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def norm(w, name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]


def test_forward(padded, known, weights):
    model = create("pyramid_mixer", 9, d=6, levels=2, length=7).eval()
    assert model.window == 8
    w = weights(model)

    def dense(name: str, x: np.ndarray) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def two(name: str, x: np.ndarray) -> np.ndarray:
        return dense(f"{name}.2", gelu(dense(f"{name}.0", x)))

    n = len(known)
    x, there = np.zeros((8, 6)), np.zeros((8, 1))
    for at, item in enumerate(known):
        x[8 - n + at] = w["items"][item] + w["positions"][8 - n + at]
        there[8 - n + at] = 1
    levels = []
    for level in range(2):
        name = f"mixers.{level}"
        x = norm(w, f"{name}.norm_places", x + two(f"{name}.across_places", (x * there).T).T)
        x = norm(w, f"{name}.norm_features", x + two(f"{name}.across_features", x)) * there
        levels.append(x.sum(0) / there.sum())
        if level == 0:
            there = there.reshape(4, 2).max(1, keepdims=True)
            x = dense("merges.0", x.reshape(4, 12)) * there
    with torch.no_grad():
        user = model(padded).interests[0, 0]
    assert np.allclose(user, dense("out", np.concatenate(levels)), atol=1e-5)
