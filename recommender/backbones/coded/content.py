"""Item vectors that are known before training: who took what, or the item table as it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.item_to_item.linear import interactions

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from recommender.data.sequences import Sequences

Content = Literal["histories", "items"]


def content_vectors(model: Backbone, sequences: Sequences, source: Content) -> Tensor:
    """Return one vector for each item, ``[V, d]``.

    Parameters
    ----------
    model : Backbone
        Its width is that of the vectors.
    sequences : Sequences
        Training histories.
    source : "histories" or "items"
        The first singular vectors of who took what, each user weighing the same; or the item table
        as it is now, which holds item texts after a text start.
    """
    if source == "items":
        return model.items.detach()[1 : model.n_items + 1].float().cpu().clone()
    taken = interactions(sequences)
    users, items = taken.shape
    weighted = sparse.diags_array(1 / np.sqrt(np.maximum(np.diff(taken.indptr), 1))) @ taken
    width = min(model.d, users - 1, items - 1)
    if width < 1:
        return torch.zeros(items, model.d)
    found = TruncatedSVD(width, random_state=0).fit_transform(weighted.T.tocsr())
    return F.pad(torch.from_numpy(found).float(), (0, model.d - width))
