"""BERT4Rec: a bidirectional transformer trained to fill in hidden items (Sun et al., CIKM'19)."""

from __future__ import annotations

import dataclasses

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.sequential.layers import Layout, PostNormBlock, start_normal
from recommender.data.sequences import Batch
from recommender.kernels.dropout import Dropout


class BERT4RecConfig(BackboneConfig):
    """Settings of :class:`BERT4Rec`; ``mask`` is the share of items hidden in training."""

    layers: int = Field(2, ge=1)
    heads: int = Field(2, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    mask: float = Field(0.2, gt=0, le=1)


class BERT4Rec(Backbone):
    """Items are hidden at random in training; serving appends one hidden item and reads there.

    The last item of a training window is always hidden: the task that serving asks for is then in
    every sample (our choice; the paper mixes in some samples that hide only the last).
    """

    name = "bert4rec"
    Config = BERT4RecConfig
    trains_on = "all"
    extra_rows = 1

    def __init__(self, n_items: int, config: BERT4RecConfig) -> None:
        super().__init__(n_items, config)
        self.mask_share = config.mask
        self.mask_id = n_items + 1
        self.positions = nn.Parameter(torch.empty(config.length + 1, config.d).normal_(std=0.02))
        self.norm = nn.LayerNorm(config.d)
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            PostNormBlock(config.d, config.heads, config.dropout) for _ in range(config.layers)
        )
        self.head = nn.Sequential(nn.Linear(config.d, config.d), nn.GELU(), nn.LayerNorm(config.d))
        start_normal(self)

    def corrupt(self, batch: Batch) -> Batch:
        """History and target as one window, with hidden items to be predicted in place."""
        rows = torch.arange(len(batch.history), device=batch.history.device)
        window = nn.functional.pad(batch.history, (0, 1))
        window[rows, batch.lengths] = batch.target
        hidden = torch.rand(window.shape, device=window.device) < self.mask_share
        hidden &= window > 0
        hidden[rows, batch.lengths] = True
        return dataclasses.replace(
            batch,
            history=window.masked_fill(hidden, self.mask_id),
            lengths=batch.lengths + 1,
            targets=window * hidden,
        )

    def all_positions(self, history: Tensor, vectors: Tensor | None = None) -> Tensor:
        """State at each position ``[B, L, 1, d]``, which sees the whole window but no padding."""
        vectors = self.lookup(history)[0] if vectors is None else vectors
        layout = Layout.of(history, grouped=self.training)
        x = self.dropout(self.norm(layout.pack(vectors) + layout.place(self.positions)))
        for block in self.blocks:
            x = block(x, layout)
        return layout.spread(self.head(x))[:, :, None]

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """State at a hidden item put after the last one."""
        rows = torch.arange(history.shape[0], device=history.device)
        lengths = (history > 0).sum(1)
        window = nn.functional.pad(history, (0, 1))
        window[rows, lengths] = self.mask_id
        states = self.all_positions(window)
        return Encoded(states[rows, lengths], vectors)
