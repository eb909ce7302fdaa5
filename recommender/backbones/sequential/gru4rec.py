"""GRU4Rec: a recurrent network over the history (Hidasi et al., ICLR'16)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.base import BackboneConfig
from recommender.backbones.sequential.causal import CausalBackbone
from recommender.kernels.dropout import Dropout


class GRU4RecConfig(BackboneConfig):
    """Settings of :class:`GRU4Rec`."""

    hidden: int = Field(128, ge=1)
    layers: int = Field(1, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)


class GRU4Rec(CausalBackbone):
    """A GRU whose state, projected to the item width, is the user's single vector."""

    name = "gru4rec"
    Config = GRU4RecConfig

    def __init__(self, n_items: int, config: GRU4RecConfig) -> None:
        super().__init__(n_items, config)
        between = config.dropout if config.layers > 1 else 0.0
        self.gru = nn.GRU(config.d, config.hidden, config.layers, batch_first=True, dropout=between)
        self.dropout = Dropout(config.dropout)
        self.out = nn.Linear(config.hidden, config.d)

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Projected state after each item."""
        hidden, _ = self.gru(self.dropout(vectors))
        projected: Tensor = self.out(self.dropout(hidden))
        return projected[:, :, None]
