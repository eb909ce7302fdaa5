"""SINE: a few concepts of a large pool, aggregated to one vector (Tan et al., WSDM'21)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded


class SINEConfig(BackboneConfig):
    """Settings of :class:`SINE`: ``concepts`` are activated out of a ``pool``."""

    length: int = Field(20, ge=1)
    pool: int = Field(50, ge=1)
    concepts: int = Field(4, ge=1)
    temperature: float = Field(0.07, gt=0)


class AttentivePooling(nn.Module):
    """``sum_l softmax_l(w tanh(W x_l)) x_l`` over unmasked positions."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.inner = nn.Linear(d, d, bias=False)
        self.outer = nn.Linear(d, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``[B, L, d]`` to ``[B, d]``."""
        logits = self.outer(torch.tanh(self.inner(x)))[:, :, 0]
        weights = logits.masked_fill(~mask, -math.inf).softmax(1)
        return torch.einsum("bl,bld->bd", weights, x)


class SINE(Backbone):
    """One vector per user, mixed from the user's concepts; K = 1 for scoring."""

    name = "sine"
    Config = SINEConfig
    config: SINEConfig

    def __init__(self, n_items: int, config: SINEConfig) -> None:
        super().__init__(n_items, config)
        if config.concepts > config.pool:
            raise ValueError(f"{config.concepts} concepts out of a pool of {config.pool}")
        d = config.d
        self.spread_items(math.sqrt(2 / d))
        self.positions = nn.Parameter(torch.empty(config.length, d).normal_(std=0.02))
        self.concept_pool = nn.Parameter(torch.empty(config.pool, d).normal_(std=self.init_std))
        self.activate = AttentivePooling(d)
        self.predict = AttentivePooling(d)
        self.inner = nn.Linear(d, d, bias=False)
        self.heads = nn.Linear(d, config.concepts, bias=False)
        self.mix = nn.Linear(2 * d, d, bias=False)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Activate concepts, attend to the history by each, and mix by the predicted intention."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        placed = vectors + self.positions[: history.shape[1]]
        score = self.activate(placed, mask) @ self.concept_pool.T
        top, chosen = score.topk(self.config.concepts, dim=1)
        concepts = self.concept_pool[chosen] * torch.sigmoid(top)[:, :, None]
        cosine = F.normalize(vectors, dim=2) @ F.normalize(concepts, dim=2).transpose(1, 2)
        intent = (cosine / self.config.temperature).softmax(2)
        logits = self.heads(torch.tanh(self.inner(placed))) * intent
        attention = logits.masked_fill(~mask[:, :, None], -math.inf).softmax(1).transpose(1, 2)
        by_concept = attention @ vectors
        intention = self.predict(intent @ concepts + vectors, mask)
        query = self.mix(torch.cat([by_concept.mean(1), intention], dim=1))
        share = torch.einsum("bkd,bd->bk", by_concept, query).softmax(1)[:, None]
        return Encoded(share @ by_concept, vectors, share @ attention)
