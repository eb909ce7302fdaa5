"""MIND: interests by routing with one shared bilinear map (Li et al., CIKM'19)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.multi_interest.capsules import Axis, route


class MINDConfig(BackboneConfig):
    """Settings of :class:`MIND`.

    ``adaptive`` gives a user ``max(1, min(K, log2 n))`` interests for n items, as in the paper;
    ``relu`` adds the dense layer on capsules that the ComiRec code uses for Books.
    """

    length: int = Field(20, ge=1)
    k: int = Field(4, ge=1)
    iterations: int = Field(3, ge=1)
    axis: Axis = "interests"
    adaptive: bool = False
    relu: bool = False


class MIND(Backbone):
    """Votes ``S h_l`` are the same for all interests, so routing starts from random logits.

    Training draws them anew in every pass, as the public codes do; out of training they are drawn
    once with the model and kept with it, so that serving repeats itself (our choice).
    """

    name = "mind"
    Config = MINDConfig
    config: MINDConfig
    start: Tensor

    def __init__(self, n_items: int, config: MINDConfig) -> None:
        super().__init__(n_items, config)
        self.spread_items(math.sqrt(2 / config.d))
        self.bilinear = nn.Parameter(
            torch.empty(config.d, config.d).normal_(std=1 / math.sqrt(config.d))
        )
        self.register_buffer("start", torch.randn(config.k, config.length))
        self.dense = nn.Linear(config.d, config.d) if config.relu else None

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Capsules of the history."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        votes = (vectors @ self.bilinear)[:, None].expand(-1, self.k, -1, -1)
        logits = self.start[:, : history.shape[1]].expand(history.shape[0], -1, -1)
        if self.training:
            logits = torch.randn_like(logits)
        capsules, coupling = route(votes, mask, logits, self.config.iterations, self.config.axis)
        if self.dense is not None:
            capsules = torch.relu(self.dense(capsules))
        if self.config.adaptive:
            capsules, coupling = self._fewer(mask, capsules, coupling)
        return Encoded(capsules, vectors, coupling)

    def _fewer(self, mask: Tensor, capsules: Tensor, coupling: Tensor) -> tuple[Tensor, Tensor]:
        """Replace interests beyond the user's number by the first, which leaves the maximum."""
        number = mask.sum(1).clamp(min=1).float().log2().floor().clamp(1, self.k)
        kept = (torch.arange(self.k, device=mask.device) < number[:, None])[:, :, None]
        return (
            torch.where(kept, capsules, capsules[:, :1]),
            torch.where(kept, coupling, coupling[:, :1]),
        )
