"""RimiRec: predict nodes of a tree of categories, coarse or fine, and look near each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.coded.content import Content, content_vectors
from recommender.backbones.coded.tree import item_tree
from recommender.backbones.sequential.layers import Layout, PreNormBlock, start_normal
from recommender.data.sequences import Sequences
from recommender.kernels.dropout import Dropout

LEAST = -20.0
"""Logarithm of the smallest probability of a node."""


class RimiRecConfig(BackboneConfig):
    """Settings of :class:`RimiRec`.

    Attributes
    ----------
    k : int
        Nodes that are looked near, the likeliest.
    branches, leaves : int
        Branches of the tree, and leaves of each.
    content : "histories" or "items"
        What the tree is made of: who took what, or the item table as it starts (with a text start).
    layers, heads, dropout
        The encoder of the history.
    """

    d: int = Field(64, ge=2)
    k: int = Field(4, ge=1)
    branches: int = Field(16, ge=1)
    leaves: int = Field(16, ge=1)
    content: Content = "histories"
    layers: int = Field(2, ge=1)
    heads: int = Field(2, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)


class RimiRec(Backbone):
    """K interests, one for each of the K likeliest nodes of a tree over the items.

    A causal transformer reads the history. From its state comes the probability of each branch, and
    within a branch that of each leaf and of stopping there; a node is a leaf, or a branch that was
    stopped at. The interest of a node is the state plus the vector of the node, and in the last
    coordinate the logarithm of the node's probability. The vector of an item holds those of its
    branch and leaf, and a one in the last coordinate: an interest finds the items of its node,
    those of the likelier node first.

    After RimiRec (arXiv 2402.01253), of which we had the abstract: all equations are our reading.
    The authors search inside each node and give it a quota of the list. Here nearness to the node
    and its probability decide, so that a list still holds the largest inner products.
    """

    name = "rimirec"
    Config = RimiRecConfig
    trains_on = "all"
    default_readout = "soft"
    default_objectives: ClassVar[Mapping[str, Mapping[str, Any]]] = {"nodes": {}}
    config: RimiRecConfig
    leaf_of: Tensor

    def __init__(self, n_items: int, config: RimiRecConfig) -> None:
        super().__init__(n_items, config)
        d, branches, leaves = config.d, config.branches, config.leaves
        self.positions = nn.Parameter(torch.zeros(config.length, d))
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(d, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(d)
        self.branch_vectors = nn.Parameter(torch.zeros(branches, d))
        self.leaf_vectors = nn.Parameter(torch.zeros(branches, leaves, d))
        self.branch_head = nn.Linear(d, branches)
        self.within = nn.Linear(d, d)
        self.within_branch = nn.Parameter(torch.zeros(branches, d))
        self.leaf_head = nn.Linear(d, leaves + 1)
        self.leaf_bias = nn.Parameter(torch.zeros(branches, leaves + 1))
        start_normal(self)
        for part in (self.positions, self.branch_vectors, self.leaf_vectors, self.within_branch):
            nn.init.normal_(part, std=self.init_std)
        self.register_buffer("leaf_of", torch.zeros(n_items + 1, dtype=torch.long))

    def prepare(self, sequences: Sequences) -> None:
        """Make the tree; while training, item vectors hold those of their nodes."""
        content = content_vectors(self, sequences, self.config.content)
        tree = item_tree(content, self.config.branches, self.config.leaves)
        self.leaf_of[1:] = tree.to(self.leaf_of)
        self.refine(_Paths(self))

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests after the last item."""
        layout = Layout.of(history)
        states = layout.spread(self._states(vectors, layout))
        last = states[torch.arange(len(states)), layout.mask.sum(1).clamp(min=1) - 1]
        return Encoded(self._interests(last), vectors * layout.mask[:, :, None])

    def all_positions(self, history: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Interests after each item, by one pass."""
        vectors = self.lookup(history)[0] if vectors is None else vectors
        layout = Layout.of(history, grouped=self.training)
        return layout.spread(self._interests(self._states(vectors, layout)))

    def node_probabilities(self, history: Tensor) -> tuple[Tensor, Tensor]:
        """What comes after histories ``[B, L]``.

        Returns
        -------
        Tensor ``[B, branches]``, Tensor ``[B, branches, leaves + 1]``
            Logarithms: of each branch; within each branch, of its leaves and of stopping there.
        """
        layout = Layout.of(history)
        states = layout.spread(self._states(self.lookup(history)[0], layout))
        return self._decode(states[torch.arange(len(states)), layout.mask.sum(1) - 1])

    def _states(self, vectors: Tensor, layout: Layout) -> Tensor:
        """States of the items ``[N, d]``."""
        x = layout.pack(vectors) * math.sqrt(self.d) + layout.place(self.positions)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, layout)
        out: Tensor = self.norm(x)
        return out

    def _decode(self, states: Tensor) -> tuple[Tensor, Tensor]:
        branch = self.branch_head(states).log_softmax(-1)
        hidden = torch.tanh(self.within(states)[..., None, :] + self.within_branch)
        leaf = (self.leaf_head(hidden) + self.leaf_bias).log_softmax(-1)
        return branch, leaf

    def _interests(self, states: Tensor) -> Tensor:
        """Interests ``[N, K, d]`` of the K likeliest nodes after states ``[N, d]``."""
        branch, leaf = self._decode(states)
        log = (branch[..., None] + leaf).flatten(-2)
        k = min(self.k, log.shape[-1])
        best, node = log.topk(k, dim=-1)
        # Times the root of the width, as the encoder reads items, or a node would hardly matter.
        vectors = self._node_vectors()[node] * math.sqrt(self.d)
        found = states[..., None, :] + vectors
        found = torch.cat([found[..., :-1], best.clamp(min=LEAST)[..., None]], -1)
        return F.pad(found, (0, 0, 0, self.k - k)) if k < self.k else found

    def _node_vectors(self) -> Tensor:
        """Vectors of all nodes ``[branches * (leaves + 1), d]``; stopping is the branch alone."""
        inside = F.pad(self.leaf_vectors, (0, 0, 0, 1))
        return (self.branch_vectors[:, None] + inside).flatten(0, 1)


class _Paths(nn.Module):
    """Adds the vectors of its nodes to each item, and a one in the last coordinate."""

    def __init__(self, model: RimiRec) -> None:
        super().__init__()
        self._model = [model]  # in a list: its weights are the model's, not this module's

    def forward(self, table: Tensor) -> Tensor:
        """``[V + 1, d]`` to the same shape."""
        (model,) = self._model
        nodes = model.branch_vectors[:, None] + model.leaf_vectors
        path = nodes.flatten(0, 1)[model.leaf_of]
        there = torch.ones_like(table[:, :1])
        there[0] = 0.0
        return torch.cat([(table + path)[:, :-1] * there, there], 1)
