"""LightGCN for users described by their histories (He et al., SIGIR'20)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from recommender.backbones.base import BackboneConfig
from recommender.backbones.graph.propagation import Propagation, over_users
from recommender.backbones.sequential.causal import CausalBackbone
from recommender.data.sequences import Sequences


class LightGCNConfig(BackboneConfig):
    """Settings of :class:`LightGCN`; a layer is two steps of its graph, item → user → item."""

    layers: int = Field(2, ge=0)


class LightGCN(CausalBackbone):
    """Item vectors propagated over the graph of users and items; a user is the items it took.

    The original learns a vector for each training user, which a user outside of training lacks;
    here a user is the sum of the propagated vectors of their items over the root of their number,
    as one step of the same graph gives it (our reading). All positions of a history are trained on
    with a softmax in place of BPR, as every other model here, so that rows can be compared.
    """

    name = "lightgcn"
    Config = LightGCNConfig
    config: LightGCNConfig

    def prepare(self, sequences: Sequences) -> None:
        """Make the graph of the training histories."""
        self.refine(Propagation(over_users(sequences), self.config.layers))

    def states(self, history: Tensor, vectors: Tensor) -> Tensor:
        """The scaled running sum of the item vectors."""
        mask = (history > 0)[:, :, None]
        counts = torch.arange(1, history.shape[1] + 1, device=history.device)[:, None]
        return ((vectors * mask).cumsum(1) / counts.sqrt())[:, :, None]
