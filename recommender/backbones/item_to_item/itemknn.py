"""Item-based nearest neighbours by the cosine of the users that items share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recommender.backbones.item_to_item.linear import (
    ItemToItem,
    ItemToItemConfig,
    cosines,
    interactions,
    largest,
)
from recommender.data.sequences import Sequences


class ItemKNNConfig(ItemToItemConfig):
    """Settings of :class:`ItemKNN`.

    Each item keeps its ``neighbours`` nearest; ``shrink`` is added to the denominator.
    """

    neighbours: int = Field(100, ge=1)
    shrink: float = Field(10.0, ge=0)


class ItemKNN(ItemToItem):
    """``W[l, j]``: shared users over the root of both items' users (Sarwar et al., WWW'01)."""

    name = "itemknn"
    Config = ItemKNNConfig
    config: ItemKNNConfig

    def weights(self, sequences: Sequences) -> NDArray[np.float64]:
        """The kept cosines, ``[V, V]``."""
        near = cosines(interactions(sequences), self.config.shrink)
        weights: NDArray[np.float64] = largest(near, self.config.neighbours).toarray()
        return weights
