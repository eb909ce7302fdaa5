"""Models in which position l sees items 0 … l, so that one pass gives every position."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from recommender.backbones.base import Backbone, Encoded

__all__ = ["CausalBackbone"]


class CausalBackbone(Backbone):
    """A model that reads all positions in one pass and serves the last one."""

    trains_on = "all"

    @abstractmethod
    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Interests after each item, ``[B, L, K, d]``."""

    def all_positions(self, history: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Interests after each item, ``[B, L, K, d]``; rows at padding are void."""
        return self.states(history, self.lookup(history)[0] if vectors is None else vectors)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests after the last item."""
        last = (history > 0).sum(1).clamp(min=1) - 1
        rows = torch.arange(history.shape[0], device=history.device)
        return Encoded(self.states(history, vectors)[rows, last], vectors)
