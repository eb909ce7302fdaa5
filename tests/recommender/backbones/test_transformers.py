"""SASRec, BERT4Rec and facet against transformers written with loops over positions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.sequential.layers import Layout


def norm(w, name, x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]


def dense(w, name, x):
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)


def attend(w, name, x, heads, causal):
    """Self-attention of one sequence, position by position and head by head."""
    d = x.shape[1]
    q, k, v = np.split(dense(w, f"{name}.qkv", x), 3, axis=1)
    out = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * d // heads, (head + 1) * d // heads)
        for place in range(len(x)):
            end = place + 1 if causal else len(x)
            logits = k[:end, part] @ q[place, part] / math.sqrt(d // heads)
            share = np.exp(logits - logits.max())
            out[place, part] = share / share.sum() @ v[:end, part]
    return dense(w, f"{name}.out", out)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def pre_norm_block(w, name, x, heads, gated):
    a = attend(w, f"{name}.attention", norm(w, f"{name}.norm_attention", x), heads, True)
    x = x + (sigmoid(dense(w, f"{name}.gates.0", x)) * a if gated else a)
    y = norm(w, f"{name}.norm_forward", x)
    inner = dense(w, f"{name}.forward_layer.inner", y)
    if gated:
        gate = dense(w, f"{name}.forward_layer.gate", y)
        f = dense(w, f"{name}.forward_layer.outer", inner * gate * sigmoid(gate))
        return x + sigmoid(dense(w, f"{name}.gates.1", x)) * f
    return x + dense(w, f"{name}.forward_layer.outer", np.maximum(inner, 0))


def gelu(x):
    return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def encoder(w, items, heads, gated, layers=2):
    x = np.array([w["items"][i] for i in items])
    x = x * math.sqrt(x.shape[1]) + w["positions"][: len(items)]
    for layer in range(layers):
        x = pre_norm_block(w, f"blocks.{layer}", x, heads, gated)
    return norm(w, "norm", x)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("heads", [1, 2])
def test_sasrec(gated, heads, padded, known, weights):
    model = create("sasrec", 9, d=6, heads=heads, gated=gated, length=7).eval()
    w = weights(model)
    expected = encoder(w, known, heads, gated)
    with torch.no_grad():
        assert np.allclose(model(padded).interests[0, 0], expected[-1], atol=1e-5)
        assert np.allclose(model.all_positions(padded)[0, :5, 0], expected, atol=1e-5)


def test_bert4rec(padded, known, weights):
    model = create("bert4rec", 9, d=6, heads=2, length=7).eval()
    w = weights(model)
    items = [*known, model.mask_id]
    x = np.array([w["items"][i] for i in items]) + w["positions"][: len(items)]
    x = norm(w, "norm", x)
    for name in ("blocks.0", "blocks.1"):
        x = norm(w, f"{name}.norm_attention", x + attend(w, f"{name}.attention", x, 2, False))
        inner = gelu(dense(w, f"{name}.forward_layer.inner", x))
        x = norm(w, f"{name}.norm_forward", x + dense(w, f"{name}.forward_layer.outer", inner))
    expected = norm(w, "head.2", gelu(dense(w, "head.0", x)))
    with torch.no_grad():
        assert np.allclose(model(padded).interests[0, 0], expected[-1], atol=1e-5)


@pytest.mark.parametrize("temperature", [None, 0.2])
@pytest.mark.parametrize("gated", [False, True])
def test_facet(gated, temperature, padded, known, weights):
    model = create("facet", 9, d=6, k=3, gated=gated, length=7, temperature=temperature).eval()
    w = weights(model)
    s = encoder(w, known, 1, gated)
    expected = np.zeros((3, 6))
    shares = np.zeros((3, 5))
    for k in range(3):
        logits = s @ (s[-1] @ w["queries"][k]) / 6
        shares[k] = np.exp(logits) / np.exp(logits).sum()
        expected[k] = norm(w, "last_norm", s[-1] + shares[k] @ s @ w["values"][k])
    items = np.array(w["items"][1:])
    if temperature is not None:
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        items /= np.linalg.norm(items, axis=1, keepdims=True) * temperature
        expected, items = expected * temperature**-0.5, items * temperature**0.5
    with torch.no_grad():
        encoded = model(padded)
        scores = model.score(encoded.interests)
    assert np.allclose(scores[0], (expected @ items.T).max(0), atol=1e-4)
    assert np.allclose(encoded.interests[0], expected, atol=1e-5)
    assert np.allclose(encoded.attention[0, :, :5], shares, atol=1e-5)


@pytest.mark.parametrize("name", ["sasrec", "bert4rec", "facet"])
def test_groups_of_like_length_change_nothing(name: str) -> None:
    """Training attends within groups of like length, serving does not; both agree."""
    torch.manual_seed(0)
    model = create(name, 30, d=8, length=40, dropout=0.0)
    lengths = torch.tensor([1, 40, 6, 7, 12, 13, 24, 25, 3, 40, 2])
    history = torch.randint(1, 31, (len(lengths), 40))
    history[torch.arange(40) >= lengths[:, None]] = 0
    weights = torch.randn(len(lengths), 40, model.k, 8) * (history > 0)[:, :, None, None]
    found = []
    for training in (True, False):
        mode = model.train(training)
        mode.zero_grad()
        states = mode.all_positions(history)
        (states * weights).sum().backward()
        keep = states[history > 0].detach()
        found.append(
            (keep, {n: p.grad.clone() for n, p in mode.named_parameters() if p.grad is not None})
        )
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert found[0][1].keys() == found[1][1].keys()
    for parameter, gradient in found[0][1].items():
        assert torch.allclose(gradient, found[1][1][parameter], atol=1e-4), parameter


@pytest.mark.parametrize("grouped", [False, True])
def test_packing_and_spreading_are_inverse(grouped: bool) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        rows, width = int(rng.integers(1, 9)), int(rng.integers(1, 60))
        lengths = torch.from_numpy(rng.integers(1, width + 1, rows))
        history = torch.randint(1, 9, (rows, width)) * (torch.arange(width) < lengths[:, None])
        layout = Layout.of(history, grouped=grouped)
        assert torch.equal(layout.spread(layout.pack(history)), history)
        packed = layout.pack(history)
        total = layout.within(lambda part, padded: padded.cumsum(1), packed)
        assert torch.equal(layout.spread(total), history.cumsum(1) * (history > 0))
