"""LightGCN, GIMIRec and MHIM against their graphs and steps written out."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.graph.propagation import Propagation, co_occurrence, over_users
from recommender.data.sequences import Sequences

V = 6
LOGS = [[0, 1, 2], [1, 2, 2, 3], [0, 2], [4], [3, 1, 0, 4]]


@pytest.fixture
def sequences() -> Sequences:
    items = np.array([item for log in LOGS for item in log], np.int32)
    indptr = np.cumsum([0, *map(len, LOGS)])
    return Sequences(V, indptr, items, np.zeros(len(items), np.int8))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def contexts(window: int) -> np.ndarray:
    """Users that took both items within a window, scaled by the roots of both sums."""
    c = np.zeros((V, V))
    for log in LOGS:
        pairs = {
            tuple(sorted((log[i], log[j])))
            for i in range(len(log))
            for j in range(i + 1, min(len(log), i + window + 1))
            if log[i] != log[j]
        }
        for a, b in pairs:
            c[a, b] += 1
            c[b, a] += 1
    sums = np.where(c.sum(1) > 0, c.sum(1), 1)
    return c / np.sqrt(np.outer(sums, sums))


def propagated(table: np.ndarray, graph: np.ndarray, layers: int) -> np.ndarray:
    total = hop = table
    for _ in range(layers):
        hop = graph @ hop
        total = total + hop
    mean = total / (layers + 1)
    lonely = ~graph.any(1)
    mean[lonely] = table[lonely]
    return mean


def test_graph_of_users_is_lightgcns(sequences: Sequences) -> None:
    x = np.zeros((len(LOGS), V))
    for user, log in enumerate(LOGS):
        x[user, log] = 1
    scaled = x / np.sqrt(np.maximum(x.sum(1, keepdims=True), 1) * np.maximum(x.sum(0), 1))
    assert np.allclose(over_users(sequences).toarray(), scaled.T @ scaled)


@pytest.mark.parametrize("window", [1, 2, 9])
def test_co_occurrence_counts_a_user_once_and_stays_inside_a_history(
    sequences: Sequences, window: int
) -> None:
    assert np.allclose(co_occurrence(sequences, window, 99).toarray(), contexts(window))


def test_gradient_of_the_propagation_is_exact(sequences: Sequences) -> None:
    layer = Propagation(over_users(sequences), 2)
    table = torch.randn(V + 2, 3, requires_grad=True)  # padding, and a special row at the end
    weight = torch.randn(V + 2, 3)
    (layer(table) * weight).sum().backward()
    dense = torch.from_numpy(over_users(sequences).toarray()).float()
    other = table.detach().clone().requires_grad_(True)
    own = other[1 : V + 1]
    mean = (own + dense @ own + dense @ dense @ own) / 3
    mean = torch.where((dense == 0).all(1, keepdim=True), own, mean)
    whole = torch.cat([other[:1], mean, other[V + 1 :]])
    assert torch.allclose(layer(table), whole, atol=1e-6)
    (whole * weight).sum().backward()
    assert torch.allclose(table.grad, other.grad, atol=1e-6)


def test_lightgcn_scores_with_propagated_vectors_and_settles(sequences: Sequences) -> None:
    model = create("lightgcn", V, d=4, layers=2).eval()
    table = model.items.detach().double().numpy()
    model.prepare(sequences)
    refined = propagated(table[1:], over_users(sequences).toarray(), 2)
    user = refined[[0, 3, 0]].sum(0) / np.sqrt(3)
    history = torch.tensor([[1, 4, 1, 0]])
    with torch.no_grad():
        scores = model.score(model(history).interests)
    assert np.allclose(scores, refined @ user, atol=1e-6)
    model.settle()
    assert model.refinement is None
    with torch.no_grad():
        assert torch.allclose(model.score(model(history).interests), scores, atol=1e-6)


def test_gimirec_is_its_steps(sequences: Sequences, weights) -> None:
    model = create("gimirec", V, d=6, k=2, span=3, window=2, hops=1, length=5).eval()
    w = weights(model)
    model.prepare(sequences)
    known = [2, 0, 3]
    context = propagated(w["items"][1:], contexts(2), 1)
    e = [w["items"][item + 1] for item in known]
    h = []
    for i, v in enumerate(e):
        gaps = [min(abs(i - j), 3) for j in range(3)]
        shares = softmax(np.array([w["gap_score"] @ w["gaps"][gap] for gap in gaps]))
        mean_gap = sum(s * w["gaps"][gap] for s, gap in zip(shares, gaps, strict=True))
        h.append(v + context[known[i]] + w["positions"][i] + mean_gap)
    hidden = [np.tanh(w["inner.weight"] @ v + w["inner.bias"]) for v in h]
    logits = np.array([w["head.weight"] @ v + w["head.bias"] for v in hidden])
    wanted = [softmax(logits[:, k]) @ np.array(e) for k in range(2)]
    history = torch.tensor([[3, 1, 4, 0]])
    with torch.no_grad():
        assert np.allclose(model(history).interests[0], wanted, atol=1e-5)
        with model.refined_once():
            assert np.allclose(model(history).interests[0], wanted, atol=1e-5)
        model.settle()
        assert np.allclose(model(history).interests[0], wanted, atol=1e-5)
    loaded = create("gimirec", V, d=6, k=2, span=3, window=2, hops=1, length=5).eval()
    loaded.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert np.allclose(loaded(history).interests[0], wanted, atol=1e-5)


def test_mhim_is_a_mean_after_one_attention(weights) -> None:
    model = create("mhim", V, d=4, heads=2).eval()
    w = weights(model)
    known = [2, 0, 3]
    c = np.array([w["items"][item + 1] for item in known])
    q, k, v = np.split(c @ w["qkv.weight"].T + w["qkv.bias"], 3, axis=1)
    read = np.zeros((3, 4))
    for head in range(2):
        part = slice(2 * head, 2 * head + 2)
        for i in range(3):
            read[i, part] = softmax(k[:, part] @ q[i, part] / np.sqrt(2)) @ v[:, part]
    read = read @ w["out.weight"].T + w["out.bias"]
    wanted = np.vstack([c, read.mean(0)]).mean(0)
    with torch.no_grad():
        assert np.allclose(model(torch.tensor([[3, 1, 4, 0]])).interests[0, 0], wanted, atol=1e-5)


def test_a_model_with_a_graph_can_be_copied(sequences: Sequences) -> None:
    """As the running mean of the weights does."""
    model = create("lightgcn", V, d=4)
    model.prepare(sequences)
    other = copy.deepcopy(model)
    assert torch.equal(other.item_embeddings(), model.item_embeddings())
