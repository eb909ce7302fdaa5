"""The nodes of RimiRec's tree that come next, coarse where the future is broad (our reading)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.backbones.coded.rimirec import RimiRec
from recommender.base.config_checks import checked
from recommender.data.sequences import Batch, Sequences
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from store.errors import UserError


class NodesConfig(ObjectiveConfig):
    """Settings.

    Attributes
    ----------
    weight : float
    ahead : int
        How many of the next training items decide what is right.
    """

    weight: float = Field(0.1, ge=0)
    ahead: int = Field(10, ge=1)


class Nodes(Objective):
    """Cross-entropy of the branches and leaves of the next items.

    A branch is as likely as its share of the next items. Within a branch a leaf is right where all
    next items of the branch lie in it; where they lie in several, stopping at the branch is.

    Parameters
    ----------
    sequences : Sequences
        Training histories, which hold what comes next.
    config : NodesConfig
    """

    name = "nodes"
    Config = NodesConfig

    def __init__(self, sequences: Sequences, config: NodesConfig | None = None) -> None:
        super().__init__()
        self.config = config or NodesConfig()
        self._sequences = sequences

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the training histories."""
        return cls(material.sequences, checked(NodesConfig, settings, cls.name))

    @classmethod
    def check(cls, model: Backbone) -> None:
        """Refuse a model without a tree."""
        if not isinstance(model, RimiRec):
            raise UserError(f"nodes needs the backbone rimirec; {model.name!r} has no tree")

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``nodes``."""
        if batch.cuts is None or not isinstance(model, RimiRec):
            return {}
        ids = self._sequences.following(batch.users, batch.cuts, self.config.ahead)
        share, right = _targets(model, ids)
        branch, leaf = model.node_probabilities(batch.history)
        loss = -(share * (branch + (right * leaf).sum(2))).sum() / (share.sum().clamp(min=1))
        return {"nodes": self.config.weight * loss}


def _targets(model: RimiRec, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of the branches ``[B, branches]``, and what is right within each, one-hot."""
    branches, leaves = model.config.branches, model.config.leaves
    there = (ids > 0).float()
    counts = torch.zeros(len(ids), branches * leaves, device=ids.device)
    counts = counts.scatter_add(1, model.leaf_of[ids], there).view(-1, branches, leaves)
    share = counts.sum(2) / there.sum(1, keepdim=True).clamp(min=1)
    several = (counts > 0).sum(2) > 1
    right = torch.where(several, leaves, counts.argmax(2))
    return share, F.one_hot(right, leaves + 1).float()
