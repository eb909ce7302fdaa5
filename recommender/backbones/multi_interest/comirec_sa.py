"""ComiRec-SA: K attention heads over the history, each the weighted mean of its items (KDD'20)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.sequential.layers import Layout


class ComiRecSAConfig(BackboneConfig):
    """Settings of :class:`ComiRecSA`; ``bias`` puts biases into both dense layers."""

    length: int = Field(20, ge=1)
    k: int = Field(4, ge=1)
    bias: bool = True


class ComiRecSA(Backbone):
    """``A = softmax_L(W2 tanh(W1 (H + P)))`` and ``U = A H``; values carry no position.

    All weights start Kaiming-normal, the item table and the positions too (the public PyTorch
    code): the wide start of the table matters.
    """

    name = "comirec_sa"
    Config = ComiRecSAConfig

    def __init__(self, n_items: int, config: ComiRecSAConfig) -> None:
        super().__init__(n_items, config)
        self.init_std = math.sqrt(2 / config.d)
        self.positions = nn.Parameter(torch.empty(1, config.length, config.d))
        self.inner = nn.Linear(config.d, 4 * config.d, bias=config.bias)
        self.heads = nn.Linear(4 * config.d, config.k, bias=config.bias)
        for weight in (self.items, self.positions, self.inner.weight, self.heads.weight):
            nn.init.kaiming_normal_(weight)
        with torch.no_grad():
            self.items[0] = 0.0

    def _logits(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Attention logits ``[B, K, L]``, minus infinity at padding."""
        layout = Layout.of(history)
        placed = layout.pack(vectors) + layout.place(self.positions[0])
        logits = self.heads(torch.tanh(self.inner(placed)))
        return layout.spread(logits, empty=-math.inf).transpose(1, 2)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Weighted means of the history."""
        vectors = vectors * (history > 0)[:, :, None]
        attention = self._logits(history, vectors).softmax(2)
        return Encoded(attention @ vectors, vectors, attention)

    def all_positions(self, history: Tensor, vectors: Tensor | None = None) -> Tensor:
        """The same head over every prefix: an item's logit does not depend on the others."""
        vectors = self.lookup(history)[0] if vectors is None else vectors
        vectors = vectors * (history > 0)[:, :, None]
        length = history.shape[1]
        later = torch.ones(length, length, dtype=torch.bool, device=history.device).triu(1)
        logits = self._logits(history, vectors)[:, :, None].masked_fill(later, -math.inf)
        return (logits.softmax(3) @ vectors[:, None]).transpose(1, 2)
