"""Popularity: every user gets the items that most training users took."""

from __future__ import annotations

import torch
from torch import Tensor

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.data.sequences import Sequences


class Pop(Backbone):
    """Scores an item by the log of one plus its training interactions; nothing is learned."""

    name = "pop"
    trains_on = "none"
    reads_history = False

    def __init__(self, n_items: int, config: BackboneConfig) -> None:
        super().__init__(n_items, config.model_copy(update={"d": 1}))
        self.items.requires_grad_(False)
        self.items.zero_()

    def prepare(self, sequences: Sequences) -> None:
        """Count the training interactions."""
        counts = torch.from_numpy(sequences.training_counts())
        with torch.no_grad():
            self.items[1:].copy_(counts.to(self.items).log1p()[:, None])

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """The same single interest for everyone."""
        return Encoded(torch.ones(history.shape[0], 1, 1, device=history.device), vectors)
