"""Propagation of item vectors over graphs of items, without weights to learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from recommender.backbones.item_to_item.linear import interactions, largest
from recommender.data.sequences import Sequences


class Propagation(nn.Module):
    """``(E + A E + … + A^n E) / (n + 1)`` on the rows of items; others stay.

    Parameters
    ----------
    graph : scipy sparse matrix ``[V, V]``
        A; items without an edge keep their own vectors.
    layers : int
        n.
    """

    lonely: Tensor

    def __init__(self, graph: sparse.csr_matrix, layers: int) -> None:
        super().__init__()
        self.layers, self.n_items = layers, graph.shape[0]
        self.step = Step(graph)
        alone = torch.from_numpy(np.diff(graph.tocsr().indptr) == 0)[:, None]
        self.register_buffer("lonely", alone, persistent=False)

    def forward(self, table: Tensor) -> Tensor:
        """``[V + 1, d]`` and special rows after it, to the same shape."""
        own = table[1 : self.n_items + 1]
        hop, total = own, own
        for _ in range(self.layers):
            hop = self.step(hop)
            total = total + hop
        mean = torch.where(self.lonely, own, total / (self.layers + 1))
        return torch.cat([table[:1], mean, table[self.n_items + 1 :]])


class Step(nn.Module):
    """One step along the edges of a graph: a sparse matrix times vectors.

    Parameters
    ----------
    graph : scipy sparse matrix ``[n, m]``
        Of any shape.
    """

    def __init__(self, graph: sparse.csr_matrix) -> None:
        super().__init__()
        self.shape: tuple[int, int] = (graph.shape[0], graph.shape[1])
        # In parts, because sparse tensors cannot be copied, as a running mean of a model is.
        for name, matrix in (("graph", graph.tocsr()), ("back", graph.T.tocsr())):
            for part, values in _parts(matrix).items():
                self.register_buffer(f"{name}_{part}", values, persistent=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """``[m, d]`` to ``[n, d]``."""
        graph = self._matrix("graph", self.shape)
        back = self._matrix("back", self.shape[::-1])
        product: Tensor = _Product.apply(graph, back, vectors)  # type: ignore[no-untyped-call]
        return product

    def _matrix(self, name: str, shape: tuple[int, ...]) -> Tensor:
        indptr, indices, values = (
            self.get_buffer(f"{name}_{part}") for part in ("indptr", "indices", "values")
        )
        return torch.sparse_csr_tensor(indptr, indices, values, shape)


class _Product(torch.autograd.Function):
    """Sparse times dense, whose gradient is a product with the transpose at hand."""

    @staticmethod
    def forward(ctx: Any, graph: Tensor, back: Tensor, dense: Tensor) -> Tensor:
        ctx.back = back
        with torch.autocast(dense.device.type, enabled=False):
            product: Tensor = graph @ dense.float()
        return product

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.back @ gradient.contiguous()


def _parts(matrix: sparse.csr_matrix) -> dict[str, Tensor]:
    return {
        "indptr": torch.from_numpy(matrix.indptr.astype(np.int64)),
        "indices": torch.from_numpy(matrix.indices.astype(np.int64)),
        "values": torch.from_numpy(matrix.data.astype(np.float32)),
    }


def symmetric(graph: sparse.csr_matrix) -> sparse.csr_matrix:
    """``D^-1/2 G D^-1/2`` with D the sums of the rows."""
    sums = np.asarray(graph.sum(1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.where(sums > 0, sums, 1.0)))
    return (scale @ graph @ scale).tocsr()


def over_users(sequences: Sequences) -> sparse.csr_matrix:
    """Two steps of LightGCN's graph, item → user → item: ``D_i^-1/2 X^T D_u^-1 X D_i^-1/2``."""
    x = interactions(sequences)
    of_users, of_items = np.diff(x.indptr), np.asarray(x.sum(0)).ravel()
    scaled = sparse.diags_array(1 / np.sqrt(np.maximum(of_users, 1))) @ x
    scaled = scaled @ sparse.diags_array(1 / np.sqrt(np.maximum(of_items, 1)))
    return (scaled.T @ scaled).tocsr()


def co_occurrence(sequences: Sequences, window: int, kept: int) -> sparse.csr_matrix:
    """How many users took two items within a window, ``D^-1/2 C D^-1/2``.

    Parameters
    ----------
    sequences
        Training histories; gaps are counted in places, since a history need not have times.
    window
        Largest distance of two items in a history.
    kept
        Items kept for each item, those with the most users.
    """
    items = sequences.items.cpu().numpy() - 1
    owner = np.repeat(np.arange(len(sequences.indptr) - 1), sequences.indptr.diff().cpu().numpy())
    n = sequences.n_items
    keys = []
    for gap in range(1, window + 1):
        same = owner[:-gap] == owner[gap:]
        left, right = items[:-gap][same], items[gap:][same]
        low, high = np.minimum(left, right), np.maximum(left, right)
        apart = low != high
        keys.append((owner[:-gap][same][apart] * n + low[apart]) * n + high[apart])
    pairs = np.unique(np.concatenate(keys)) % (n * n)  # each pair once for a user
    distinct, counts = np.unique(pairs, return_counts=True)
    low, high = distinct // n, distinct % n
    both = (np.r_[counts, counts].astype(float), (np.r_[low, high], np.r_[high, low]))
    graph = sparse.csr_matrix(both, shape=(n, n))
    most = largest(graph, kept)
    return symmetric(most.maximum(most.T).tocsr())
