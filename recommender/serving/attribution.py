"""A score split into what each history item gave it, and the words nearest to it.

The score of an item is ``u_k · e_i`` with k the interest that scores it highest. How it is split:

``attention``
    Exact. Where the interest is the attention-weighted sum of the history's item vectors (REMI,
    ComiRec-SA, SINE), item l gave ``a_kl (h_l · e_i)``.
``shapley``
    For every other model: the mean, over random orders, of what an item adds to the score of
    interest k when it joins the items before it (sampled Shapley values; an empty history is worth
    0). In each order the additions sum to the score, so their mean does too, exactly; only how
    the sum is shared out is an estimate. Items keep their time order inside the model.
``none``
    The model does not look at the history (popularity): no item gave anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from store.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone, Encoded

How = Literal["attention", "shapley", "none"]
ORDERS = 32
BATCH = 1024


@dataclass(frozen=True)
class Split:
    """A score and its parts.

    Attributes
    ----------
    item
        Item number.
    score
        ``max_k u_k · e_i``.
    interest
        The k that gave it.
    history
        int64 ``[n]``, item numbers that the model read, oldest first.
    parts
        float64 ``[n]``; they and ``base`` sum to ``score``.
    base
        What does not come from the history; 0 unless ``how`` is ``none``.
    how
        How the score was split.
    vector
        float32 ``[d]``, the interest's vector.
    """

    item: int
    score: float
    interest: int
    history: Tensor
    parts: Tensor
    base: float
    how: How
    vector: Tensor


@torch.inference_mode()
def split_scores(
    model: Backbone, history: Tensor, items: Sequence[int], *, orders: int = ORDERS, seed: int = 0
) -> list[Split]:
    """Split the score of each item among the items of a history.

    Parameters
    ----------
    model
        In evaluation mode.
    history
        int64 ``[n]``, item numbers, oldest first; only the last ``model.length`` count.
    items
        Item numbers, 1 … V.
    orders
        Random orders for Shapley values; each is used forwards and backwards.
    seed
        Decides the orders.

    Raises
    ------
    UserError
        For an empty history or an item that the model does not have.
    """
    if len(history) == 0:
        raise UserError("nothing to explain from: the history is empty")
    for item in items:
        if not 1 <= item <= model.n_items:
            raise UserError(f"item number {item} is not one of the model's 1 … {model.n_items}")
    history = history[-model.length :]
    encoded = model(history[None])
    how = _method(model, encoded)
    game = _Game(model, history, orders, seed) if how == "shapley" else None
    splits = []
    for item in items:
        vector = model.item_embeddings()[item].double()
        scores = encoded.interests[0].double() @ vector
        interest = int(scores.argmax())
        score, base = float(scores[interest]), 0.0
        parts = torch.zeros(len(history), dtype=torch.float64)
        if game is not None:
            parts = game.values(interest, vector)
            parts = parts + (score - parts.sum()) / len(parts)  # rounding of batched float32
        elif encoded.attention is not None:
            weights = encoded.attention[0, interest].double()
            parts = weights * (encoded.history_vectors[0].double() @ vector)
        else:
            base = score
        winner = encoded.interests[0, interest].float()
        splits.append(Split(item, score, interest, history, parts, base, how, winner))
    return splits


def _method(model: Backbone, encoded: Encoded) -> How:
    if not model.reads_history:
        return "none"
    return "attention" if pools_items(encoded) else "shapley"


def pools_items(encoded: Encoded) -> bool:
    """Whether each interest is the attention-weighted sum of the history's item vectors."""
    if encoded.attention is None:
        return False
    pooled = encoded.attention @ encoded.history_vectors
    size = encoded.interests.abs().amax().clamp(min=1e-12)
    return bool((pooled - encoded.interests).abs().amax() <= 1e-5 * size)


class _Game:
    """Interests of the history's parts, encoded once and used for every explained item."""

    def __init__(self, model: Backbone, history: Tensor, orders: int, seed: int) -> None:
        n = len(history)
        generator = torch.Generator().manual_seed(seed)
        forward = torch.stack([torch.randperm(n, generator=generator) for _ in range(orders)])
        self.step = torch.cat([forward, forward.flip(1)]).argsort(1)
        # present[o, s, l]: after s + 1 steps of order o, item l is there.
        present = self.step[:, None, :] <= torch.arange(n)[None, :, None]
        self.interests = interests_of_parts(model, history, present.reshape(-1, n))

    def values(self, interest: int, vector: Tensor) -> Tensor:
        """Shapley values of the history items for one interest's score, float64 ``[n]``."""
        worth = (self.interests[:, interest].double() @ vector).view(self.step.shape)
        added = worth.diff(dim=1, prepend=worth.new_zeros(len(worth), 1))
        return added.gather(1, self.step).mean(0)


def interests_of_parts(model: Backbone, history: Tensor, present: Tensor) -> Tensor:
    """Interests ``[S, K, d]`` of parts of a history, bool ``[S, n]``, none of them empty.

    Parameters
    ----------
    history
        int64 ``[n]``, item numbers, oldest first.
    present
        bool ``[S, n]``: which items each of S parts holds, at least one.
    """
    place = (~present).long().argsort(dim=1, stable=True)
    histories = history[place] * present.gather(1, place)
    return torch.cat(
        [model(histories[at : at + BATCH]).interests for at in range(0, len(histories), BATCH)]
    )


@dataclass(frozen=True)
class Near:
    """Semantic interests near a recommendation: rows of the catalogue and cosines, best first."""

    rows: list[int]
    similarities: list[float]
    space: Literal["alignment", "evidence"]


def nearest_interests(
    split: Split,
    table: Tensor,
    candidates: NDArray[np.int64],
    evidence_indptr: NDArray[np.int64],
    evidence: NDArray[np.int64],
    projected: Tensor | None,
    n: int = 3,
) -> Near:
    """Semantic interests closest to the behavioural interest that scored the item.

    Compared with the behavioural interest and with the item, half and half, so that what is named
    fits both.

    Parameters
    ----------
    split
        The explained score.
    table
        Item vectors ``[V + 1, d]``.
    candidates
        Rows of the catalogue to choose from: the user's own, or all.
    evidence_indptr, evidence
        Evidence of each row as CSR of item_ix.
    projected
        ``[n_rows, d]``, the interests' texts in the model's space as learned by the alignment; a
        row that is not a number, or None, falls back on the mean vector of the evidence items.
    n
        How many to return.
    """
    # Interests that were imported as words alone are no reason for anything.
    candidates = candidates[evidence_indptr[candidates] < evidence_indptr[candidates + 1]]
    means = torch.zeros(len(candidates), table.shape[1])
    for place, row in enumerate(candidates):
        items = evidence[int(evidence_indptr[row]) : int(evidence_indptr[row + 1])]
        if len(items):
            means[place] = table[torch.from_numpy(items.astype(np.int64) + 1)].float().mean(0)
    learned = projected is not None and bool(projected[candidates].isfinite().all())
    vectors = projected[candidates].float() if learned and projected is not None else means
    item = F.normalize(table[split.item].float(), dim=0)
    unit = F.normalize(vectors, dim=1)
    cosines = 0.5 * (unit @ F.normalize(split.vector, dim=0) + unit @ item)
    best = cosines.topk(min(n, len(candidates)))
    return Near(
        rows=[int(candidates[i]) for i in best.indices.tolist()],
        similarities=[round(value, 6) for value in best.values.tolist()],
        space="alignment" if learned else "evidence",
    )
