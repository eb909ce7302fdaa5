"""GaCLLM's alignment of descriptions with LightGCN's layers (2402.08859), for any backbone.

The vectors of items are passed along the graph of training users and items as LightGCN does, and
the vector of a user or an item after l steps is drawn to the description that was written after l
steps of the same graph. Only the update of the texts is published: that the alignment is InfoNCE in
the batch with one projection a layer, and that a user begins as the mean of their items, is our
reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field
from scipy import sparse
from torch import Tensor, nn

from recommender.backbones.base import Backbone, Encoded
from recommender.backbones.graph.propagation import Step
from recommender.backbones.item_to_item.linear import interactions
from recommender.base.config_checks import checked
from recommender.data.layers import LayerTexts
from recommender.data.sequences import Batch, Sequences
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from recommender.objectives.shared import contrast, reduce_vectors


class LayersConfig(ObjectiveConfig):
    """Settings of :class:`Layers`.

    Attributes
    ----------
    gamma : float
        Weight.
    tau : float
        Temperature of the contrast.
    layers : int or None
        Use so many; None is all that the store has.
    own : bool
        Also draw item vectors to the items' own texts, which are layer 0 and need no description.
    text_width : int
        Dimensions the text vectors are reduced to.
    """

    gamma: float = Field(0.1, ge=0)
    tau: float = Field(0.1, gt=0)
    layers: int | None = Field(None, ge=0)
    own: bool = True
    text_width: int = Field(100, ge=1)


class Layers(Objective):
    """Descriptions of a layer aligned with vectors after as many steps of the graph.

    Parameters
    ----------
    texts : LayerTexts
    sequences : Sequences
        The training histories, which are the graph.
    d : int
        Width of item vectors.
    config : LayersConfig
    """

    name = "layers"
    Config = LayersConfig
    reads = "layers"

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self | None:
        """Of the store's descriptions and the training histories; None at weight 0."""
        config = checked(LayersConfig, settings, cls.name)
        if config.gamma == 0:
            return None
        return cls(material.descriptions, material.sequences, material.model.d, config)

    def __init__(
        self,
        texts: LayerTexts,
        sequences: Sequences,
        d: int,
        config: LayersConfig | None = None,
    ) -> None:
        super().__init__()
        self.config = config or LayersConfig()
        most = len(texts.users)
        self.depth = most if self.config.layers is None else min(self.config.layers, most)
        reduced = reduce_vectors(
            texts.items[0],
            [*texts.items[: self.depth + 1], *texts.users[: self.depth]],
            self.config.text_width,
        )
        padding = torch.zeros(1, reduced[0].shape[1])
        names = [f"item_{layer}" for layer in range(self.depth + 1)]
        for name, vectors in zip(names, reduced, strict=False):
            self.register_buffer(name, torch.cat([padding, vectors]), persistent=False)
        for layer, vectors in enumerate(reduced[self.depth + 1 :], start=1):
            self.register_buffer(f"user_{layer}", vectors, persistent=False)
        self.to_users, self.to_items, self.mean = _steps(sequences)
        width = reduced[0].shape[1]
        self.of_items = nn.ModuleList(nn.Linear(width, d) for _ in range(self.depth + 1))
        self.of_users = nn.ModuleList(nn.Linear(width, d) for _ in range(self.depth))

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``layers``: the mean over layers and sides of the contrast in the batch."""
        items, users = self._propagated(model.item_embeddings()[1 : model.n_items + 1])
        target, people = torch.unique(batch.target), torch.unique(batch.users)
        pairs = []
        for layer, vectors in enumerate(items):
            if layer or self.config.own:
                said = self.get_buffer(f"item_{layer}")[target]
                pairs.append((self.of_items[layer], said, vectors[target - 1]))
        for layer, vectors in enumerate(users, start=1):
            said = self.get_buffer(f"user_{layer}")[people]
            pairs.append((self.of_users[layer - 1], said, vectors[people]))
        losses = []
        for project, said, vectors in pairs:
            has = said.abs().sum(1) > 0
            if int(has.sum()) >= 2:  # else there is nothing to contrast with
                losses.append(contrast(project(said[has]), vectors[has], self.config.tau))
        if not losses:
            return {}
        return {"layers": self.config.gamma * torch.stack(losses).mean()}

    def _propagated(self, table: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Vectors of items at layers 0 … L and of users at layers 1 … L."""
        items, people = [table], [self.mean(table)]
        for _ in range(self.depth):
            item, user = items[-1], people[-1]
            items.append(self.to_items(user))
            people.append(self.to_users(item))
        return items, people[1:]


def _steps(sequences: Sequences) -> tuple[Step, Step, Step]:
    """``D_u^-1/2 R D_i^-1/2``, its transpose, and the mean over a user's items ``D_u^-1 R``."""
    taken = interactions(sequences)
    of_users = np.maximum(np.diff(taken.indptr), 1)
    of_items = np.maximum(np.asarray(taken.sum(0)).ravel(), 1)
    scaled = sparse.diags_array(1 / np.sqrt(of_users)) @ taken
    scaled = (scaled @ sparse.diags_array(1 / np.sqrt(of_items))).tocsr()
    mean = (sparse.diags_array(1 / of_users) @ taken).tocsr()
    return Step(scaled), Step(scaled.T.tocsr()), Step(mean)
