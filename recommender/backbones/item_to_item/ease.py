"""EASE: a linear item-to-item model in closed form (Steck, WWW'19)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from recommender.backbones.item_to_item.linear import ItemToItem, ItemToItemConfig, interactions
from recommender.data.sequences import Sequences


class EASEConfig(ItemToItemConfig):
    """Settings of :class:`EASE`; ``regularisation`` is the paper's lambda."""

    regularisation: float = Field(100.0, gt=0)


class EASE(ItemToItem):
    """``B = I - P / diag(P)`` with ``P = (X^T X + lambda I)^-1``, and a diagonal of zeros.

    X says which user took which item, each once. P is the inverse of a matrix of items × items in
    double precision, so time grows with the cube of the number of items: some 3 s for 2,400 items.
    """

    name = "ease"
    Config = EASEConfig
    config: EASEConfig
    bytes_per_weight = 4 + 3 * 8  # the weights, and three matrices in double precision

    def weights(self, sequences: Sequences) -> NDArray[np.float64]:
        """B, ``[V, V]``."""
        x = interactions(sequences)
        gram = torch.from_numpy((x.T @ x).toarray())
        gram.diagonal().add_(self.config.regularisation)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
        b = inverse.div_(-inverse.diagonal().clone())
        b.diagonal().zero_()
        weights: NDArray[np.float64] = b.numpy()
        return weights
