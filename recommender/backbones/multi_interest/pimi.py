"""PIMI: gaps and a small graph over the history steer the attention of interests (IJCAI'21)."""

from __future__ import annotations

import math
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.kernels.dropout import Dropout


class PIMIConfig(BackboneConfig):
    """Settings of :class:`PIMI`.

    Attributes
    ----------
    k : int
        Interests.
    span : int
        Largest gap that is told apart (64 for Books in the authors' code).
    blocks, heads : int
        Rounds over the graph, and heads of each attention in it.
    dropout : float
        Of the attention in the graph.
    """

    length: int = Field(20, ge=1)
    k: int = Field(4, ge=1)
    span: int = Field(64, ge=1)
    blocks: int = Field(3, ge=0)
    heads: int = Field(4, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)


class GraphAttention(nn.Module):
    """Multi-head attention of one query over a few given keys, without residual or norm."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"width {d} is not divisible by {heads} heads")
        self.heads = heads
        self.query, self.key = nn.Linear(d, d), nn.Linear(d, d)
        self.value, self.out = nn.Linear(d, d), nn.Linear(d, d)
        self.dropout = Dropout(dropout)

    def forward(self, query: Tensor, keys: list[Tensor]) -> Tensor:
        """``[…, d]`` and keys of the same shape each, to the same shape.

        Projecting each kind of key once and scoring elementwise avoids a copy of the keys for every
        node of the graph.
        """
        q = self._split(self.query(query))
        scores = torch.stack([(q * self._split(self.key(key))).sum(-1) for key in keys], -1)
        shares = self.dropout((scores / math.sqrt(q.shape[-1])).softmax(-1))
        values = [self._split(self.value(key)) for key in keys]
        mixed = sum(
            (shares[..., place, None] * value for place, value in enumerate(values)),
            start=torch.zeros_like(q),
        )
        out: Tensor = self.out(mixed.flatten(-2))
        return out

    def over(self, query: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """One query for each row, ``[B, d]``, over the keys ``[B, M, d]`` that the mask keeps."""
        q, k = self._split(self.query(query)), self._split(self.key(keys))
        scores = torch.einsum("bhe,bmhe->bhm", q, k) / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(~mask[:, None], -math.inf)
        shares = self.dropout(scores.softmax(-1))
        mixed = torch.einsum("bhm,bmhe->bhe", shares, self._split(self.value(keys)))
        out: Tensor = self.out(mixed.flatten(1))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1)


class PIMI(Backbone):
    """Interests are attention-weighted sums of the raw item vectors, as in ComiRec-SA.

    Attention sees ``x_i = e_i + P_i``, plus ``r_i``, the mean of gap vectors under a softmax of one
    score for each gap, after rounds over a graph in which each item reads the one before it,
    itself, the centre of the history and its own input, and the centre reads all items. The authors
    take gaps in days; a served history has no days, so positions stand for them (our reading), and
    they let the centre read padding, which is left out here.
    """

    name = "pimi"
    Config = PIMIConfig
    config: PIMIConfig

    def __init__(self, n_items: int, config: PIMIConfig) -> None:
        super().__init__(n_items, config)
        d = config.d
        self.spread_items(math.sqrt(2 / d))
        self.positions = nn.Parameter(torch.empty(config.length, d).normal_(std=0.02))
        self.gaps = nn.Parameter(torch.empty(config.span + 1, d).normal_(std=0.02))
        self.gap_score = nn.Parameter(torch.empty(d).normal_(std=0.02))
        self.rounds = nn.ModuleList(
            GraphAttention(d, config.heads, config.dropout) for _ in range(config.blocks)
        )
        self.inner = nn.Linear(d, 4 * d)
        self.head = nn.Linear(4 * d, config.k)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests of the history."""
        mask = history > 0
        present = mask[:, :, None].to(vectors.dtype)
        vectors = vectors * present
        x = self._placed(history, vectors) * present
        hidden = self._graph((x + self._of_gaps(mask)) * present, x, present)
        logits = self.head(torch.tanh(self.inner(hidden))).masked_fill(~mask[:, :, None], -math.inf)
        attention = logits.softmax(1).transpose(1, 2)
        return Encoded(attention @ vectors, vectors, attention)

    def _placed(self, history: Tensor, vectors: Tensor) -> Tensor:
        """What attention sees of each item before the gaps, ``[B, L, d]``."""
        return vectors + self.positions[: history.shape[1]]

    def _of_gaps(self, mask: Tensor) -> Tensor:
        """The mean gap vector of each place, ``[B, L, d]``.

        A gap's score is one number, so a row's shares over the gaps that occur are those of a
        softmax over at most 2 L - 1 places, and the mean is a product with the table of gaps.
        """
        length = mask.shape[1]
        place = torch.arange(length, device=mask.device)
        gap = (place[:, None] - place).abs().clamp(max=self.config.span)
        scores = (self.gaps @ self.gap_score)[gap].expand(len(mask), -1, -1)
        shares = scores.masked_fill(~mask[:, None], -math.inf).softmax(2)
        table = F.embedding(gap, self.gaps)
        return torch.einsum("bij,ijd->bid", shares, table)

    def _graph(self, hidden: Tensor, x: Tensor, present: Tensor) -> Tensor:
        """Rounds over the graph, ``[B, L, d]``."""
        centre = hidden.sum(1) / present.sum(1).clamp(min=1)
        for block in self.rounds:
            attention = cast(GraphAttention, block)
            before = F.pad(hidden, (0, 0, 1, 0))[:, :-1]
            middle = centre[:, None].expand_as(hidden)
            hidden = torch.relu(attention(hidden, [before, hidden, middle, x])) * present
            keys = torch.cat([centre[:, None], hidden], 1)
            there = F.pad(present[:, :, 0] > 0, (1, 0), value=True)
            centre = torch.relu(attention.over(centre, keys, there))
        return hidden
