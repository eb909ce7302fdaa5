"""Additions that refine the item table while a model trains: global context, interest hyperedges.

They add no term to the loss. What they make of the table is put into it when training ends, so that
a served model needs neither graph nor interests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field
from scipy import sparse
from torch import Tensor, nn

from recommender.backbones.base import Backbone, Encoded
from recommender.backbones.graph.propagation import Propagation, co_occurrence
from recommender.base.config_checks import checked
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from store.errors import StoreError


class Refining(Objective):
    """An objective without terms: its work is done on the item table."""

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """No terms."""
        return {}


class Blend(nn.Module):
    """``(1 - share) E + share G`` of a table E and what a propagation makes of it."""

    def __init__(self, propagation: Propagation, share: float) -> None:
        super().__init__()
        self.propagation, self.share = propagation, share

    def forward(self, table: Tensor) -> Tensor:
        """``[V + 1, d]`` and special rows after it, to the same shape."""
        return torch.lerp(table, self.propagation(table), self.share)


class GlobalContextConfig(ObjectiveConfig):
    """Settings of :class:`GlobalContext`.

    Attributes
    ----------
    share : float
        Share of the context in an item's vector.
    window, kept, hops : int
        As in the backbone gimirec.
    """

    share: float = Field(0.5, ge=0, le=1)
    window: int = Field(3, ge=1)
    kept: int = Field(50, ge=1)
    hops: int = Field(2, ge=1)


class GlobalContext(Refining):
    """GIMIRec's context of an item, from all training histories, for any backbone."""

    name = "global_context"
    Config = GlobalContextConfig

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self | None:
        """Of the training histories; None at share 0."""
        config = checked(GlobalContextConfig, settings, cls.name)
        if config.share == 0:
            return None
        graph = co_occurrence(material.sequences, config.window, config.kept)
        material.model.refine(Blend(Propagation(graph, config.hops), config.share))
        return cls()


class HypergraphConfig(ObjectiveConfig):
    """Settings of :class:`Hypergraph`.

    Attributes
    ----------
    share : float
        Share of what the hyperedges give in an item's vector.
    rounds : int
        Rounds of the convolution.
    members
        ``evidence``: the items that show an interest. Controls of the same sizes: ``shuffled``,
        the same with items exchanged at random; ``clusters``, the items nearest in text to a random
        one.
    seed : int
        Decides what the controls draw.
    """

    share: float = Field(0.5, ge=0, le=1)
    rounds: int = Field(1, ge=1)
    members: Literal["evidence", "shuffled", "clusters"] = "evidence"
    seed: int = Field(0, ge=0)


class Hypergraph(Refining):
    """``Dv^-1 H De^-1 H^T E``: items refined by the interests that name them."""

    name = "hypergraph"
    Config = HypergraphConfig
    reads = "interests"

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self | None:
        """Of the store's interests; None at share 0.

        Raises
        ------
        StoreError
            Where no interest names two items.
        """
        config = checked(HypergraphConfig, settings, cls.name)
        if config.share == 0:
            return None
        graph = convolution(incidence(material.interests, config))
        material.model.refine(Blend(Propagation(graph, config.rounds), config.share))
        return cls()


def incidence(semantics: Semantics, config: HypergraphConfig) -> sparse.csr_matrix:
    """H, items × hyperedges of two items or more, ``[V, n]``.

    Raises
    ------
    StoreError
        Where no interest names two items.
    """
    counts = np.diff(semantics.evidence_indptr)
    edge, item = np.repeat(np.arange(len(counts)), counts), semantics.evidence
    rng = np.random.default_rng(config.seed)
    if config.members == "shuffled":
        item = rng.permutation(semantics.n_items)[item]
    elif config.members == "clusters":
        edge, item = _clusters(semantics, counts, rng)
    shape = (semantics.n_items, len(counts))
    h = sparse.csr_matrix((np.ones(len(item)), (item, edge)), shape=shape)
    h.sum_duplicates()
    h.data[:] = 1.0
    large = np.asarray(h.sum(0)).ravel() >= 2
    if not large.any():
        raise StoreError(
            "hyperedges need interests that name at least two items each, and the store has none; "
            "run profiler build"
        )
    return h[:, large].tocsr()


def _clusters(
    semantics: Semantics, counts: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Hyperedges of the same sizes: the items nearest in text to a random one."""
    known = np.flatnonzero(np.abs(semantics.item_vectors).sum(1) > 0)
    vectors = semantics.item_vectors[known]
    centres = rng.integers(len(known), size=len(counts))
    nearest = np.argsort(-(vectors[centres] @ vectors.T), axis=1, kind="stable")
    sizes = np.minimum(counts, len(known))
    edge = np.repeat(np.arange(len(counts)), sizes)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return edge, known[nearest[edge, place]]


def convolution(h: sparse.csr_matrix) -> sparse.csr_matrix:
    """``Dv^-1 H De^-1 H^T``: rows of items in some hyperedge sum to 1, the others to 0."""
    of_edges, of_items = np.asarray(h.sum(0)).ravel(), np.asarray(h.sum(1)).ravel()
    spread = sparse.diags_array(1 / np.maximum(of_items, 1)) @ h
    return (spread @ sparse.diags_array(1 / np.maximum(of_edges, 1)) @ h.T).tocsr()
