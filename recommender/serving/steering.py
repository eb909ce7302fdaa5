"""Lists that follow when an interest is switched off or asked for more: no training, any backbone.

An interest has a vector in the model's own space: its words through the projection that the
alignment learned, else the mean of the vectors of its evidence. How much more than usual an item
looks that way, in standard deviations over all items, is taken off its score or added to it, in
units of the spread of the user's scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.serving.top_k import Ranked, pad_histories, winners

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone

STRENGTH = 1.5
"""Standard deviations of the user's scores that an item loses for each that it lies towards an
interest that is off (our choice)."""


def can_steer(model: Backbone) -> bool:
    """Whether the model has a space in which interests lie; popularity has none."""
    return model.trains_on != "none"


@torch.inference_mode()
def steered(
    model: Backbone,
    history: NDArray[np.integer],
    k: int,
    *,
    off: Tensor,
    more: Tensor,
    filter_seen: bool = True,
    strength: float = STRENGTH,
) -> Ranked:
    """Best items for one history with some interests off and some asked for more.

    Parameters
    ----------
    model
        In evaluation mode.
    history
        item_ix, oldest first.
    k
        Items wanted.
    off, more
        float32 ``[n, d]``, vectors of interests in the model's space; may have no row.
    filter_seen
        Leave out what the history holds.
    strength
        How strongly, see :data:`STRENGTH`.

    Returns
    -------
    Ranked
        Of one row; the scores are the steered ones.
    """
    recent, every = pad_histories([history], model.length)
    interests = model(recent).interests.float()
    table = model.item_embeddings().float()
    scores = (table[1:] @ interests[0].T).amax(1)
    spread = scores.std().clamp(min=1e-12)
    unit = F.normalize(table[1:], dim=1)
    change = _towards(unit, more) - _towards(unit, off)
    scores = scores + strength * spread * change
    if filter_seen:
        seen = every[0]
        scores[seen[seen > 0] - 1] = -math.inf
    best = scores.topk(min(k, len(scores)))
    items = (best.indices + 1).masked_fill(best.values == -math.inf, 0)[None]
    return Ranked(items, best.values[None], winners(interests, table, items))


def _towards(unit: Tensor, vectors: Tensor) -> Tensor:
    """How much more than usual each item looks towards any of the interests, at least 0."""
    if not len(vectors):
        return torch.zeros(len(unit))
    cosine = unit @ F.normalize(vectors.float(), dim=1).T
    centred = (cosine - cosine.mean(0)) / cosine.std(0).clamp(min=1e-12)
    return centred.clamp(min=0).amax(1)


def interest_vectors(
    table: Tensor,
    rows: Sequence[int],
    indptr: NDArray[np.int64],
    evidence: NDArray[np.int64],
    projected: Tensor | None,
) -> Tensor:
    """Vectors of interests in the model's space, float32 ``[rows, d]``.

    Parameters
    ----------
    table
        Item vectors ``[V + 1, d]``.
    rows
        Rows of the catalogue.
    indptr, evidence
        Evidence of each row of the catalogue as CSR of item_ix.
    projected
        float32 ``[catalogue, d]``; a row that is not a number, or None, falls back on the mean
        vector of the evidence.
    """
    found = torch.zeros(len(rows), table.shape[1])
    for place, row in enumerate(rows):
        items = evidence[int(indptr[row]) : int(indptr[row + 1])]
        if projected is not None and bool(projected[row].isfinite().all()):
            found[place] = projected[row].float()
        elif len(items):
            found[place] = table[torch.from_numpy(items.astype("int64") + 1)].float().mean(0)
    return found
