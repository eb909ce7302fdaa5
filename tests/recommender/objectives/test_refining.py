"""Additions to the item table, and the controls of interest hyperedges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.data.semantics import Semantics
from recommender.data.sequences import Sequences
from recommender.objectives.base import Material
from recommender.objectives.refining import (
    GlobalContext,
    Hypergraph,
    HypergraphConfig,
    convolution,
    incidence,
)
from store.errors import StoreError


@pytest.fixture
def sequences() -> Sequences:
    return Sequences(12, np.array([0, 3, 6]), np.array([0, 1, 2, 2, 3, 1]), np.zeros(6, np.int8))


def test_hyperedges_are_the_evidence(semantics: Semantics, sequences: Sequences) -> None:
    groups = [[0, 1, 2], [3, 4], [5, 6, 7], [2, 8, 9]]  # of the fixture
    model = create("dnn", 12, d=5)
    table = model.items.detach().double().numpy().copy()
    Hypergraph.make(Material(model, sequences, semantics), {"share": 0.25})
    wanted = table.copy()
    for item in range(12):
        means = [table[np.array(group) + 1].mean(0) for group in groups if item in group]
        if means:  # one round: half of the own vector, half of what the interests give
            given = (table[item + 1] + np.mean(means, 0)) / 2
            wanted[item + 1] = 0.75 * table[item + 1] + 0.25 * given
    assert np.allclose(model.item_embeddings().detach(), wanted, atol=1e-6)
    model.settle()
    assert np.allclose(model.items.detach(), wanted, atol=1e-6)


@pytest.mark.parametrize("members", ["shuffled", "clusters"])
def test_controls_have_the_same_sizes_and_other_members(semantics: Semantics, members: str) -> None:
    real = incidence(semantics, HypergraphConfig())
    control = incidence(semantics, HypergraphConfig(members=members, seed=3))
    assert control.sum(0).tolist() == real.sum(0).tolist()
    assert (control != real).nnz > 0
    again = incidence(semantics, HypergraphConfig(members=members, seed=3))
    assert (control != again).nnz == 0


def test_rows_of_the_convolution_sum_to_one(semantics: Semantics) -> None:
    graph = convolution(incidence(semantics, HypergraphConfig()))
    sums = np.asarray(graph.sum(1)).ravel()
    assert np.allclose(sums[:10], 1)
    assert not sums[10:].any()  # no interest names these


def test_without_two_items_there_is_no_hyperedge(semantics: Semantics) -> None:
    alone = replace(semantics, evidence_indptr=np.arange(5), evidence=np.arange(4))
    with pytest.raises(StoreError, match="name at least two items"):
        incidence(alone, HypergraphConfig())


def test_global_context_blends_and_a_share_of_nought_is_off(sequences: Sequences) -> None:
    model = create("dnn", 12, d=5)
    before = model.items.detach().clone()
    material = Material(model, sequences, None)
    assert GlobalContext.make(material, {"share": 0}) is None
    assert torch.equal(model.item_embeddings(), before)
    assert GlobalContext.make(material, {"share": 0.5}) is not None
    refined = model.item_embeddings().detach()
    assert not torch.allclose(refined[1:5], before[1:5])
    assert torch.equal(refined[5:], before[5:])  # items nobody took
