"""DNN and GRU4Rec against their recurrences written out."""

from __future__ import annotations

import numpy as np
import torch

from recommender.backbones.create import create


def test_dnn(padded, known, weights):
    model = create("dnn", 9, d=6, length=7).eval()
    w = weights(model)
    mean = np.mean([w["items"][item] for item in known], axis=0)
    with torch.no_grad():
        found = model(padded).interests[0, 0]
    assert np.allclose(found, w["dense.weight"] @ mean + w["dense.bias"], atol=1e-5)


def test_gru4rec(padded, known, weights):
    model = create("gru4rec", 9, d=6, hidden=5, length=7).eval()
    w = weights(model)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    state = np.zeros(5)
    for item in known:
        r_in, z_in, n_in = np.split(
            w["gru.weight_ih_l0"] @ w["items"][item] + w["gru.bias_ih_l0"], 3
        )
        r_out, z_out, n_out = np.split(w["gru.weight_hh_l0"] @ state + w["gru.bias_hh_l0"], 3)
        update = sigmoid(z_in + z_out)
        new = np.tanh(n_in + sigmoid(r_in + r_out) * n_out)
        state = (1 - update) * new + update * state
    with torch.no_grad():
        found = model(padded).interests[0, 0]
    assert np.allclose(found, w["out.weight"] @ state + w["out.bias"], atol=1e-5)
