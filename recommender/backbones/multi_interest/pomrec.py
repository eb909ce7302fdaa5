"""PoMRec: prompts for extraction and aggregation, interests with mean and spread (TPAMI 2025)."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded

EPSILON = 1e-6


class PoMRecConfig(BackboneConfig):
    """Settings of :class:`PoMRec`.

    Attributes
    ----------
    k : int
        Interests that are mixed to the user's one vector.
    prompts : int
        Learned rows beside the history, for extraction and for aggregation each.
    spread : float
        The paper's lambda: weight of the standard deviation in an interest.
    hidden : int
        Width of both attention layers.
    """

    length: int = Field(20, ge=1)
    k: int = Field(3, ge=1)
    prompts: int = Field(4, ge=0)
    spread: float = Field(1.0, ge=0)
    hidden: int = Field(8, ge=1)


class PoMRec(Backbone):
    """One vector per user, mixed from K interests by weights that are predicted, not chosen.

    ``x_i`` is the item vector plus that of its distance from the end. Interest k is the mean of the
    history and its prompts under attention k, plus ``spread`` times their standard deviation under
    the same attention; a second attention, over the history and prompts of its own, gives the
    weights of the interests. The authors' code fills prompts up to five rows with ones, which are
    left out here; a square root of the variance needs a small constant, or the gradient at a
    history of one item is none.
    """

    name = "pomrec"
    Config = PoMRecConfig
    config: PoMRecConfig

    def __init__(self, n_items: int, config: PoMRecConfig) -> None:
        super().__init__(n_items, config)
        d = config.d
        self.k = 1
        self.positions = nn.Parameter(torch.empty(config.length, d).normal_(std=0.02))
        self.extraction = nn.Parameter(torch.empty(config.prompts, d).normal_(std=0.02))
        self.aggregation = nn.Parameter(torch.empty(config.prompts, d).normal_(std=0.02))
        self.interest_attention = nn.Sequential(
            nn.Linear(d, config.hidden), nn.Tanh(), nn.Linear(config.hidden, config.k)
        )
        self.aggregator = nn.Sequential(
            nn.Linear(d, config.hidden), nn.Tanh(), nn.Linear(config.hidden, 1)
        )
        self.mix = nn.Linear(d, config.k)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Mix the interests of a history."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        back = mask.sum(1, keepdim=True) - 1 - torch.arange(history.shape[1], device=mask.device)
        placed = vectors + self.positions[back.clamp(min=0)] * mask[:, :, None]
        rows, attention = self._attended(placed, self.extraction, mask, self.interest_attention)
        mean = attention @ rows
        square = attention @ rows.square()
        deviation = (square - mean.square()).clamp(min=0).add(EPSILON).sqrt()
        interests = mean + self.config.spread * deviation
        read, weights = self._attended(placed, self.aggregation, mask, self.aggregator)
        share = self.mix(weights @ read)[:, 0].softmax(1)[:, None]
        return Encoded(share @ interests, vectors)

    def _attended(
        self, placed: Tensor, prompts: Tensor, mask: Tensor, layer: nn.Module
    ) -> tuple[Tensor, Tensor]:
        """Rows of history and prompts ``[B, L + P, d]``, and attention ``[B, K, L + P]``."""
        size = len(placed)
        rows = torch.cat([placed, prompts.expand(size, -1, -1)], 1)
        there = torch.cat([mask, mask.new_ones(size, len(prompts))], 1)
        logits = layer(rows).masked_fill(~there[:, :, None], -math.inf)
        return rows, logits.softmax(1).transpose(1, 2)
