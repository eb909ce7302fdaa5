"""Item-text vectors as a start of the item table (LLM2BERT4Rec, arXiv 2308.16505 family)."""

from __future__ import annotations

import torch
from torch import Tensor

from recommender.backbones.base import Backbone
from store.data.linear import principal_axes
from store.errors import UserError


def reduce(vectors: Tensor, d: int) -> Tensor:
    """Principal components of text vectors ``[V, d_t]``, ``[V, d]``.

    Components beyond the rank of the vectors are zero. The sign of each is fixed by its largest
    weight, so the same vectors give the same result everywhere.
    """
    centred = (vectors - vectors.mean(0)).double()
    reduced = centred @ torch.from_numpy(principal_axes(centred.numpy(), d))
    missing = d - reduced.shape[1]
    return torch.nn.functional.pad(reduced, (0, missing)).float()


def start_from_text(model: Backbone, vectors: Tensor) -> None:
    """Replace the fresh item table by text vectors reduced to the model's width.

    The result is scaled to the spread of the fresh table, so that learning rates carry over. Items
    without text (zero rows) and special rows keep their random start.

    Raises
    ------
    UserError
        Where the vectors are not one for each item, are not finite, or are all zero.
    """
    if vectors.ndim != 2 or vectors.shape[0] != model.n_items:
        raise UserError(
            f"text vectors of shape {tuple(vectors.shape)} do not fit {model.n_items} items; "
            "they must be one row for each item of the store"
        )
    if not bool(torch.isfinite(vectors).all()):
        row = int((~torch.isfinite(vectors)).any(1).nonzero()[0])
        raise UserError(f"the text vector of item_ix {row} is not finite; encode the items again")
    known = vectors.abs().sum(1) > 0
    if not bool(known.any()):
        raise UserError("no item has a text vector; build the store with item texts first")
    reduced = reduce(vectors[known].float(), model.d)
    spread = float(reduced.square().mean().sqrt())
    if spread > 0:
        reduced = reduced * (model.init_std / spread)
    with torch.no_grad():
        rows = known.nonzero()[:, 0] + 1
        model.items[rows] = reduced.to(model.items)
