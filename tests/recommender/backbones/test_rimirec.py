"""RimiRec: its tree, its nodes and its objective against steps written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recommender.backbones.coded.tree import item_tree
from recommender.backbones.create import create
from recommender.data.sequences import Batch, Sequences
from recommender.objectives.nodes import Nodes
from store.errors import UserError

SETTINGS = {"d": 6, "length": 7, "branches": 3, "leaves": 2, "k": 3, "dropout": 0.0}


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


def histories() -> Sequences:
    """Twelve users of two tastes over 30 items."""
    random = np.random.default_rng(0)
    rows = [random.permutation(15)[:10] + 15 * (user % 2) for user in range(12)]
    indptr = np.arange(0, 121, 10)
    return Sequences(30, indptr, np.concatenate(rows), np.zeros(120, dtype=np.int8))


def test_the_tree_puts_what_is_alike_into_one_branch():
    random = np.random.default_rng(1)
    centres = np.eye(8)[:6]  # three pairs: the branches; six alone: the leaves
    centres[1::2] = 0.8 * centres[::2] + 0.6 * centres[1::2]
    own = np.repeat(np.arange(6), 10)
    vectors = torch.from_numpy(centres[own] + 0.02 * random.normal(size=(60, 8)))
    leaf = item_tree(vectors, 3, 2).numpy()
    assert len(set(zip(own, leaf, strict=True))) == 6, "one leaf for each kind, and none shared"
    assert len(set(zip(own // 2, leaf // 2, strict=True))) == 3


@pytest.mark.parametrize("vectors", [torch.zeros(5, 3), torch.ones(1, 3)])
def test_items_that_are_all_alike_share_a_leaf(vectors):
    assert not item_tree(vectors, 4, 4).any()


def test_interests_are_the_likeliest_nodes_coarse_and_fine(weights):
    model = create("rimirec", 9, **SETTINGS).eval()
    w = weights(model)
    state = np.random.default_rng(0).normal(size=6)
    nodes = []
    branch = log_softmax(w["branch_head.weight"] @ state + w["branch_head.bias"])
    for b in range(3):
        hidden = np.tanh(w["within.weight"] @ state + w["within.bias"] + w["within_branch"][b])
        leaf = w["leaf_head.weight"] @ hidden + w["leaf_head.bias"] + w["leaf_bias"][b]
        for place, log in enumerate(log_softmax(leaf)):
            fine = w["leaf_vectors"][b, place] if place < 2 else 0.0
            vector = state + 6**0.5 * (w["branch_vectors"][b] + fine)
            nodes.append((branch[b] + log, vector))
    assert np.isclose(sum(np.exp(log) for log, _ in nodes), 1.0)
    best = sorted(nodes, key=lambda node: -node[0])[:3]
    with torch.no_grad():
        found = model._interests(torch.tensor(state, dtype=torch.float32)[None])[0].numpy()
    for (log, vector), row in zip(best, found, strict=True):
        assert np.allclose(row[:-1], vector[:-1], atol=1e-5)
        assert row[-1] == pytest.approx(log, abs=1e-5)


def test_an_item_holds_the_vectors_of_its_nodes_and_keeps_them_when_served():
    model = create("rimirec", 30, **SETTINGS).eval()
    plain = model.items.detach().clone()
    model.prepare(histories())
    history = torch.tensor([[3, 1, 4]])
    with torch.no_grad():
        leaf = int(model.leaf_of[3])
        path = model.branch_vectors[leaf // 2] + model.leaf_vectors[leaf // 2, leaf % 2]
        assert torch.allclose(model.table()[3, :-1], (plain[3] + path)[:-1])
        assert (model.table()[1:, -1] == 1).all()
        assert not model.table()[0].any()
        before = model.score(model(history).interests)
        model.settle()
        assert torch.equal(model.score(model(history).interests), before)
    assert "refinement" not in "".join(model.state_dict())


def test_what_comes_next_decides_between_a_leaf_and_its_branch():
    sequences = histories()
    model = create("rimirec", 30, **SETTINGS).eval()
    model.prepare(sequences)
    users, cuts = torch.arange(12), torch.full((12,), 6)
    history = torch.stack([sequences.items[10 * u : 10 * u + 6] for u in range(12)])
    batch = Batch(users, history, cuts, history[:, 0], cuts=cuts)
    with torch.no_grad():
        term = float(Nodes(sequences).forward(model, batch, None)["nodes"])
        branch, leaf = model.node_probabilities(history)
    losses = []
    for user in range(12):
        following = sequences.items[10 * user + 6 : 10 * user + 10].tolist()
        nodes = [divmod(int(model.leaf_of[item]), 2) for item in following]
        for b in range(3):
            inside = [node[1] for node in nodes if node[0] == b]
            right = inside[0] if len(set(inside)) == 1 else 2
            if inside:
                log = branch[user, b] + leaf[user, b, right]
                losses.append(-float(log) * len(inside) / len(nodes))
    assert term == pytest.approx(0.1 * sum(losses) / 12, rel=1e-5)


def test_a_batch_of_last_items_adds_nothing_and_another_model_is_refused():
    sequences = histories()
    model = create("rimirec", 30, **SETTINGS)
    history = torch.tensor([[1, 2]])
    one, last = torch.tensor([0]), torch.tensor([10])
    batch = Batch(one, history, torch.tensor([2]), history[:, 0], cuts=last)
    with torch.no_grad():
        assert float(Nodes(sequences).forward(model, batch, None)["nodes"]) == 0.0
    with pytest.raises(UserError, match=r"rimirec.*'remi'"):
        Nodes.check(create("remi", 30))
