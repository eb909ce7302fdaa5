"""Facet, our own model: a causal transformer whose states are read by K interest heads."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import BackboneConfig, Encoded
from recommender.backbones.sequential.causal import CausalBackbone
from recommender.backbones.sequential.layers import Layout, PreNormBlock, start_normal
from recommender.kernels.dropout import Dropout
from recommender.kernels.rescaling import rescaled


class FacetConfig(BackboneConfig):
    """Settings of :class:`Facet`; ``gated`` takes LiGR layers (eSASRec).

    With a ``temperature`` scores are cosines divided by it; None takes plain inner products. On
    Office a second interest is not shown to help (``docs/recommender-tables.md``).
    """

    k: int = Field(2, ge=1)
    layers: int = Field(2, ge=1)
    heads: int = Field(1, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    gated: bool = False
    temperature: float | None = Field(0.1, gt=0)


class Facet(CausalBackbone):
    """SASRec's encoder, then one attention per interest over its states.

    Interest k at position l is ``norm(s_l + W_k sum_{j <= l} a_kj s_j)``, where ``a_k`` is a causal
    softmax of ``(Q_k s_l) · s_j / d`` (states have the length sqrt(d)): what all interests share
    (the state) plus what this one reads from the past. Train it with the ``soft`` read-out, under
    which every interest gets a gradient.
    """

    name = "facet"
    Config = FacetConfig
    default_readout = "soft"

    def __init__(self, n_items: int, config: FacetConfig) -> None:
        super().__init__(n_items, config)
        d, k = config.d, config.k
        self.positions = nn.Parameter(torch.empty(config.length, d).normal_(std=0.02))
        self.temperature = config.temperature
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(d, config.heads, config.dropout, gated=config.gated)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(d)
        self.last_norm = nn.LayerNorm(d)
        start_normal(self)
        # Wide enough that the interests differ from the first step on.
        self.queries = nn.Parameter(torch.empty(k, d, d).normal_(std=1 / math.sqrt(d)))
        self.values = nn.Parameter(torch.empty(k, d, d).normal_(std=0.5 / math.sqrt(d)))

    def _encoder(self, vectors: Tensor, layout: Layout) -> Tensor:
        """States of the items, ``[N, d]``."""
        x = layout.pack(vectors) * math.sqrt(self.d) + layout.place(self.positions)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, layout)
        out: Tensor = self.norm(x)
        return out

    def _interests(self, states: Tensor, read: Tensor) -> Tensor:
        """Interests ``[…, K, d]`` from states ``[…, d]`` and what each interest read."""
        pairs = zip(read.unbind(1), self.values.unbind(0), strict=True)
        added = torch.stack([one @ value for one, value in pairs], 1)
        out: Tensor = self.last_norm(states[:, None] + self.dropout(added))
        return self.scored(out)

    def scored(self, vectors: Tensor) -> Tensor:
        """Items and interests alike get the length ``temperature ** -0.5``."""
        if self.temperature is None:
            return vectors
        return rescaled(vectors, 1 / math.sqrt(self.temperature))

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Interests after each item."""
        layout = Layout.of(history, grouped=self.training)
        packed = self._encoder(vectors, layout)
        queries = self.queries.transpose(0, 1).flatten(1)
        asked = (packed @ queries).view(-1, self.k, self.d)
        read = layout.within(self._read, asked, packed)
        return layout.spread(self._interests(packed, read))

    def _read(self, layout: Layout, asked: Tensor, past: Tensor) -> Tensor:
        """What each interest reads from the past, ``[b, l, K, d]``."""
        rows, length, _, d = asked.shape
        # Plain products: attention that shares its keys over K queries is slow in PyTorch's own.
        scores = asked.reshape(rows, length * self.k, d) @ past.transpose(1, 2) / self.d
        later = torch.ones(length, length, dtype=torch.bool, device=asked.device).triu(1)
        scores = scores.view(rows, length, self.k, length).masked_fill(later[:, None], -math.inf)
        read = scores.softmax(-1).view(rows, length * self.k, length) @ past
        return read.view(rows, length, self.k, d)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests after the last item, with the share of each item in what they read."""
        layout = Layout.of(history)
        states = layout.spread(self._encoder(vectors, layout))
        last = states[torch.arange(states.shape[0]), layout.mask.sum(1).clamp(min=1) - 1]
        asked = torch.einsum("bd,kde->bke", last, self.queries)
        logits = asked @ states.transpose(1, 2) / self.d
        attention = logits.masked_fill(~layout.mask[:, None], -math.inf).softmax(2)
        return Encoded(self._interests(last, attention @ states), vectors, attention)
