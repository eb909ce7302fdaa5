"""A heuristic without training: a few hops from the last items on the graph of item transitions.

Our reading of arXiv 2605.07125, of which we had the outline only, without its text similarity: a
candidate's weight is that of the hops that lead to it, times how alike it is to where they began,
by the users that both items share.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from torch import Tensor

from recommender.backbones.item_to_item.linear import (
    ItemToItem,
    ItemToItemConfig,
    cosines,
    interactions,
    largest,
)
from recommender.data.sequences import Sequences


class TransitionsConfig(ItemToItemConfig):
    """Settings of :class:`Transitions`.

    Attributes
    ----------
    starts : int
        How many of the last items are started from; each counts half of the one after it.
    hops : int
        Longest way, 1 … 3.
    decay : float
        Weight of a hop over that of the one before.
    reach : int
        Ways kept from an item after each hop, the heaviest.
    floor : float
        Added to the similarity, so that an item no user shares can still be reached.
    """

    starts: int = Field(2, ge=1)
    hops: int = Field(3, ge=1, le=3)
    decay: float = Field(0.3, gt=0, le=1)
    reach: int = Field(200, ge=1)
    floor: float = Field(0.1, ge=0)


class Transitions(ItemToItem):
    """``W = (sum_h decay^(h - 1) T^h) * (floor + cosine)``, with T's rows of sum 1."""

    name = "transitions"
    Config = TransitionsConfig
    config: TransitionsConfig

    def shares(self, history: Tensor) -> Tensor:
        """1 at the last item, a half at the one before it, and so on; 0 before the starts."""
        length = (history > 0).sum(1, keepdim=True)
        back = length - 1 - torch.arange(history.shape[1], device=history.device)
        inside = (back >= 0) & (back < self.config.starts)
        return torch.where(inside, 0.5 ** back.clamp(min=0), 0.0).to(self.items.dtype)

    def weights(self, sequences: Sequences) -> NDArray[np.float64]:
        """Weighted ways times similarity, ``[V, V]``, without ways back to their start."""
        step = transition_graph(sequences)
        way, total = step, step
        for hop in range(1, self.config.hops):
            way = largest((way @ step).tocsr(), self.config.reach)
            total = total + self.config.decay**hop * way
        weights: NDArray[np.float64] = total.toarray()
        alike = cosines(interactions(sequences)).toarray()
        weights *= self.config.floor + alike
        np.fill_diagonal(weights, 0.0)
        return weights


def transition_graph(sequences: Sequences) -> sparse.csr_matrix:
    """How often an item follows another in the training histories, rows scaled to sum 1."""
    items = sequences.items.cpu().numpy() - 1
    bounds = sequences.indptr.cpu().numpy()
    inside = np.ones(max(len(items) - 1, 0), dtype=bool)
    ends = bounds[1:-1] - 1  # the last item of a history is followed by nothing of it
    inside[ends[(ends >= 0) & (ends < len(inside))]] = False
    left, right = items[:-1][inside], items[1:][inside]
    apart = left != right
    shape = (sequences.n_items, sequences.n_items)
    ones = np.ones(int(apart.sum()))
    counts = sparse.csr_matrix((ones, (left[apart], right[apart])), shape=shape)
    counts.sum_duplicates()
    sums = np.asarray(counts.sum(1)).ravel()
    return sparse.diags_array(1 / np.maximum(sums, 1.0)) @ counts
