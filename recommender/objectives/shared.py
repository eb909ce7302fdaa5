"""What alignments share: text vectors in few dimensions, in-batch contrast, users' interests.

The alignments themselves: ``eimf`` (EIMF, arXiv 2411.09410), ``ldmi`` (LDMI's individual level,
arXiv 2507.10917) and ``crowd`` (LDMI's crowd level). All are objectives: they act in training only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.data.semantics import Semantics
from store.data.linear import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray


def reduce_text(semantics: Semantics, width: int) -> tuple[Tensor, Tensor]:
    """Text vectors of items and interests by PCA of the items', re-normalised.

    The authors of EIMF use 100 dimensions; how they reduce is not known. Signs of the components
    are fixed so that the result depends on the data alone.

    Returns
    -------
    tuple
        float32 ``[V, w]`` and ``[n, w]`` with ``w = min(width, d_t)``; zero rows stay zero.
    """
    items, interests = reduce_vectors(
        semantics.item_vectors, [semantics.item_vectors, semantics.interest_vectors], width
    )
    return items, interests


def reduce_vectors(
    basis_of: NDArray[np.float32], matrices: Sequence[NDArray[np.float32]], width: int
) -> list[Tensor]:
    """Text vectors in the first principal axes of some of them, re-normalised.

    Parameters
    ----------
    basis_of
        ``[V, d_t]``, those that the axes are of; zero rows do not count.
    matrices
        ``[n, d_t]`` each.
    width
        Most axes.

    Returns
    -------
    list
        float32 ``[n, w]`` each, with ``w = min(width, d_t)``; zero rows stay zero.
    """
    items = basis_of.astype(np.float64)
    has_text = np.abs(items).sum(1) > 0
    mean = items[has_text].mean(0) if has_text.any() else np.zeros(items.shape[1])
    basis = principal_axes(items[has_text] - mean, width)
    reduced = []
    for matrix in matrices:
        there = np.abs(matrix).sum(1) > 0
        part = _unit((matrix.astype(np.float64) - mean) @ basis) * there[:, None]
        reduced.append(torch.from_numpy(part).float())
    return reduced


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 1e-12, norms, 1.0)


def contrast(a: Tensor, b: Tensor, tau: float) -> Tensor:
    """In-batch InfoNCE on cosines (EIMF, eq. of CL): row k of ``a`` must find row k of ``b``.

    Parameters
    ----------
    a, b
        ``[n, d]``.
    tau
        Temperature.
    """
    logits = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / tau
    return F.cross_entropy(logits, torch.arange(len(a), device=a.device))


def cosine_gap(a: Tensor, b: Tensor) -> Tensor:
    """Mean of one minus the cosine of corresponding rows (EIMF, eq. of COS)."""
    return (1 - F.cosine_similarity(a, b, dim=1)).mean()


def target_aware(values: Tensor, query: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax-weighted mean of ``values`` by their inner product with the query over sqrt(d).

    Parameters
    ----------
    values
        ``[B, M, d]``.
    query
        ``[B, d]``.
    mask
        bool ``[B, M]``, False where there is no value; each row needs at least one True.

    Returns
    -------
    Tensor
        ``[B, d]``.
    """
    scores = torch.einsum("bmd,bd->bm", values, query) / values.shape[2] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.einsum("bm,bmd->bd", scores.softmax(1), values)


def plain_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over the second axis, ``[B, M, d]`` → ``[B, d]``, of what the mask keeps."""
    if mask is None:
        return values.mean(1)
    weights = mask.to(values.dtype)
    return (values * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True).clamp(min=1)
