"""What alignments share: text vectors in few dimensions, in-batch contrast, users' interests.

The alignments themselves: ``eimf`` (EIMF, arXiv 2411.09410), ``ldmi`` (LDMI's individual level,
arXiv 2507.10917) and ``crowd`` (LDMI's crowd level). All are objectives: they act in training only.
"""

from __future__ import annotations

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
    items = semantics.item_vectors.astype(np.float64)
    has_text = np.abs(items).sum(1) > 0
    mean = items[has_text].mean(0) if has_text.any() else np.zeros(items.shape[1])
    centred = items[has_text] - mean
    basis = principal_axes(centred, width)
    item_part = _unit((items - mean) @ basis) * has_text[:, None]
    interest_part = _unit((semantics.interest_vectors.astype(np.float64) - mean) @ basis)
    return torch.from_numpy(item_part).float(), torch.from_numpy(interest_part).float()


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
