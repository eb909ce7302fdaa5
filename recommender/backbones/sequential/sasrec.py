"""SASRec: a causal transformer over the history (Kang and McAuley, ICDM'18)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import BackboneConfig
from recommender.backbones.sequential.causal import CausalBackbone
from recommender.backbones.sequential.layers import Layout, PreNormBlock, start_normal
from recommender.kernels.dropout import Dropout


class SASRecConfig(BackboneConfig):
    """Settings of :class:`SASRec`; ``gated`` takes LiGR layers (eSASRec)."""

    layers: int = Field(2, ge=1)
    heads: int = Field(1, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    gated: bool = False


class SASRec(CausalBackbone):
    """Pre-norm blocks with a last norm; position 0 is the oldest item of the window.

    Item vectors are multiplied by sqrt(d) on the way in, as in the original.
    """

    name = "sasrec"
    Config = SASRecConfig

    def __init__(self, n_items: int, config: SASRecConfig) -> None:
        super().__init__(n_items, config)
        self.positions = nn.Parameter(torch.empty(config.length, config.d).normal_(std=0.02))
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PreNormBlock(config.d, config.heads, config.dropout, gated=config.gated)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.d)
        start_normal(self)

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Last-layer state after each item."""
        layout = Layout.of(history, grouped=self.training)
        x = layout.pack(vectors) * math.sqrt(self.d) + layout.place(self.positions)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, layout)
        return layout.spread(self.norm(x))[:, :, None]
