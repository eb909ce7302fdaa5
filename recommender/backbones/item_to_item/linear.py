"""Models that are one matrix of item-to-item weights, computed from the training histories.

The score of item j is ``sum_l x_l W[l, j]`` over the items of a history, so every score is the sum
of what each item gives. In the terms of a backbone: item j has the column ``W[:, j]`` as its
vector, and the user's only interest is the vector x over all items.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from torch import Tensor

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.data.sequences import Sequences

GIB = 2**30


class ItemToItemConfig(BackboneConfig):
    """Settings of these models; ``d`` is always the number of items.

    ``memory_gib`` is the most that the matrices of the model may take.
    """

    length: int = Field(200, ge=1)
    memory_gib: float = Field(8.0, gt=0)


class ItemToItem(Backbone):
    """History → a vector over the items; item vectors are columns of the weights."""

    trains_on = "none"
    Config = ItemToItemConfig
    bytes_per_weight = 4
    """What ``prepare`` needs at its peak for each pair of items, the weights included."""

    def __init__(self, n_items: int, config: ItemToItemConfig) -> None:
        needed = self.bytes_per_weight * n_items**2 / GIB
        if needed > config.memory_gib:
            most = int((config.memory_gib * GIB / self.bytes_per_weight) ** 0.5)
            raise ValueError(
                f"{n_items:,} items need {needed:,.1f} GiB of memory, and memory_gib allows "
                f"{config.memory_gib:g}, which is enough for {most:,} items"
            )
        super().__init__(n_items, config.model_copy(update={"d": n_items}))
        self.items.requires_grad_(False)

    def _fresh_table(self, rows: int, d: int) -> Tensor:
        return torch.zeros(rows, d)

    @abstractmethod
    def weights(self, sequences: Sequences) -> NDArray[np.floating]:
        """The weights ``[V, V]``: row l is what an item of a history gives to every item."""

    def prepare(self, sequences: Sequences) -> None:
        """Compute the weights."""
        weights = np.ascontiguousarray(self.weights(sequences).T, dtype=np.float32)
        with torch.no_grad():
            self.items[1:] = torch.from_numpy(weights)

    def shares(self, history: Tensor) -> Tensor:
        """What counts of each place of a history, ``[B, L]``; here every item once."""
        return (history > 0).to(self.items.dtype)

    def forward(self, history: Tensor) -> Encoded:
        """Interests of histories ``[B, L]``."""
        return self.encode(history, self.items.new_zeros(*history.shape, 0))

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """The vector over items, ``[B, 1, V]``; an item that stands twice counts once."""
        user = self.items.new_zeros(len(history), self.n_items + 1)
        user = user.scatter_reduce(1, history, self.shares(history), "amax")
        return Encoded(user[:, None, 1:], vectors)


def interactions(sequences: Sequences) -> sparse.csr_matrix:
    """Users × items, 1.0 where the user took the item in training."""
    indptr = sequences.indptr.cpu().numpy()
    items = sequences.items.cpu().numpy() - 1
    shape = (len(indptr) - 1, sequences.n_items)
    matrix = sparse.csr_matrix((np.ones(len(items)), items, indptr), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def cosines(matrix: sparse.csr_matrix, shrink: float = 0.0) -> sparse.csr_matrix:
    """Cosines of the columns, ``[V, V]`` with an empty diagonal.

    Parameters
    ----------
    matrix
        Users × items.
    shrink
        Added to the product of the lengths, so that few common users count less.
    """
    together = (matrix.T @ matrix).tocoo()
    lengths = np.sqrt(together.diagonal())
    apart = together.row != together.col
    row, column = together.row[apart], together.col[apart]
    values = together.data[apart] / (lengths[row] * lengths[column] + shrink)
    return sparse.csr_matrix((values, (row, column)), shape=together.shape)


def largest(matrix: sparse.csr_matrix, n: int) -> sparse.csr_matrix:
    """The n largest values of each row, the others dropped; of equal ones the first columns."""
    order = np.lexsort((matrix.indices, -matrix.data, _rows(matrix)))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    kept = order[place < n]
    rows = _rows(matrix)[kept]
    return sparse.csr_matrix((matrix.data[kept], (rows, matrix.indices[kept])), shape=matrix.shape)


def _rows(matrix: sparse.csr_matrix) -> NDArray[np.int64]:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
