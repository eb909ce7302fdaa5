"""ComiRec-DR: interests by dynamic routing with a transformation per position (KDD'20)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.multi_interest.capsules import Axis, route


class ComiRecDRConfig(BackboneConfig):
    """Settings of :class:`ComiRecDR`; ``axis`` is what routing is normalised over."""

    length: int = Field(20, ge=1)
    k: int = Field(4, ge=1)
    iterations: int = Field(3, ge=1)
    axis: Axis = "interests"


class ComiRecDR(Backbone):
    """Votes ``u[l, k] = W[l, k] h_l``, routing logits from zero; the authors train at lr 0.005."""

    name = "comirec_dr"
    Config = ComiRecDRConfig
    config: ComiRecDRConfig

    def __init__(self, n_items: int, config: ComiRecDRConfig) -> None:
        super().__init__(n_items, config)
        self.spread_items(math.sqrt(2 / config.d))
        shape = (config.length, config.k, config.d, config.d)
        self.votes = nn.Parameter(torch.empty(shape).normal_(std=1 / math.sqrt(config.d)))

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Capsules of the history."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        weights = self.votes[: history.shape[1]]
        votes = torch.einsum("lkij,blj->bkli", weights, vectors)
        logits = votes.new_zeros(votes.shape[:3])
        capsules, coupling = route(votes, mask, logits, self.config.iterations, self.config.axis)
        return Encoded(capsules, vectors, coupling)
