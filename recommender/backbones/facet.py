"""Facet, our own model: a causal transformer whose states are read by K interest heads."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import BackboneConfig, Encoded
from recommender.backbones.causal import CausalBackbone
from recommender.backbones.layers import PreNormBlock, start_normal


class FacetConfig(BackboneConfig):
    """Settings of :class:`Facet`; ``gated`` takes LiGR layers (eSASRec)."""

    k: int = Field(4, ge=1)
    layers: int = Field(2, ge=1)
    heads: int = Field(1, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    gated: bool = False


class Facet(CausalBackbone):
    """SASRec's encoder, then one attention per interest over its states.

    Interest k at position l is ``norm(s_l + W_k sum_{j <= l} a_kj s_j)``, where ``a_k`` is a causal
    softmax of ``(Q_k s_l) · s_j / sqrt(d)``: what all interests share (the state) plus what this
    one reads from the past. Train it with the ``soft`` read-out, under which every interest gets a
    gradient.
    """

    name = "facet"
    Config = FacetConfig

    def __init__(self, n_items: int, config: FacetConfig) -> None:
        super().__init__(n_items, config)
        d, k = config.d, config.k
        self.positions = nn.Parameter(torch.empty(config.length, d).normal_(std=0.02))
        self.dropout = nn.Dropout(config.dropout)
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

    def _read(self, history: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Interests ``[B, L, K, d]`` and attention ``[B, K, L, L]``."""
        length = history.shape[1]
        x = self.dropout(vectors * math.sqrt(self.d) + self.positions[:length])
        for block in self.blocks:
            x = block(x)
        states = self.norm(x)
        asked = torch.einsum("bld,kde->bkle", states, self.queries)
        logits = asked @ states[:, None].transpose(2, 3) / self.d
        later = torch.ones(length, length, dtype=torch.bool, device=history.device).triu(1)
        attention = logits.masked_fill(later, -math.inf).softmax(3)
        read = torch.einsum("bklm,bmd,kde->blke", attention, states, self.values)
        interests: Tensor = self.last_norm(states[:, :, None] + self.dropout(read))
        return interests, attention

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Interests after each item."""
        return self._read(history, vectors)[0]

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests after the last item, with the share of each item in what they read."""
        interests, attention = self._read(history, vectors)
        last = (history > 0).sum(1).clamp(min=1) - 1
        rows = torch.arange(len(history), device=history.device)
        return Encoded(interests[rows, last], vectors, attention[rows, :, last])
