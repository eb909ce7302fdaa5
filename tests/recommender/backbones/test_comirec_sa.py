"""ComiRec-SA and REMI against the formula of the paper, item by item."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from recommender.backbones.create import create


def reference(w, items, k):
    """``A = softmax_L(W2 tanh(W1 (H + P)))``, ``U = A H``."""
    h = [w["items"][i] for i in items]
    attention = np.zeros((k, len(h)))
    for place, vector in enumerate(h):
        inner = w["inner.weight"] @ (vector + w["positions"][0, place])
        inner = np.tanh(inner + w.get("inner.bias", 0.0))
        attention[:, place] = np.exp(w["heads.weight"] @ inner + w.get("heads.bias", 0.0))
    attention /= attention.sum(1, keepdims=True)
    return attention @ np.array(h), attention


@pytest.mark.parametrize("name", ["comirec_sa", "remi"])
def test_forward_and_all_positions(name, padded, known, weights):
    model = create(name, 9, d=6, k=3, length=7).eval()
    w = weights(model)
    with torch.no_grad():
        encoded = model(padded)
        interests, attention = reference(w, known, 3)
        assert np.allclose(encoded.interests[0], interests, atol=1e-5)
        assert np.allclose(encoded.attention[0, :, :5], attention, atol=1e-5)
        everywhere = model.all_positions(padded)
        for size in range(1, 6):
            assert np.allclose(everywhere[0, size - 1], reference(w, known[:size], 3)[0], atol=1e-5)


def test_attention_is_normalised_over_the_sequence(padded):
    attention = create("comirec_sa", 9, length=7)(padded).attention
    assert torch.allclose(attention.sum(2), torch.ones(1, 4))


def test_remi_has_no_biases_and_comirec_has():
    assert create("remi", 9).inner.bias is None
    assert create("comirec_sa", 9).heads.bias is not None


def test_wide_kaiming_start():
    model = create("remi", 3000, d=64, length=20)
    assert float(model.items[1:].detach().std()) == pytest.approx(math.sqrt(2 / 64), rel=0.02)
    assert float(model.positions.detach().std()) == pytest.approx(math.sqrt(2 / (20 * 64)), rel=0.1)
