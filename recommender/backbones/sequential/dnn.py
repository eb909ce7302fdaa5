"""YouTubeDNN as in the ComiRec comparison: the mean of the history through one dense layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recommender.backbones.base import BackboneConfig
from recommender.backbones.sequential.causal import CausalBackbone


class DNN(CausalBackbone):
    """Mean pooling and a dense layer (Covington et al., RecSys'16, reduced to histories)."""

    name = "dnn"

    def __init__(self, n_items: int, config: BackboneConfig) -> None:
        super().__init__(n_items, config)
        self.dense = nn.Linear(config.d, config.d)

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """Dense layer of the running mean."""
        mask = (history > 0)[:, :, None]
        counts = torch.arange(1, history.shape[1] + 1, device=history.device)[:, None]
        mean: Tensor = self.dense((vectors * mask).cumsum(1) / counts)
        return mean[:, :, None]
