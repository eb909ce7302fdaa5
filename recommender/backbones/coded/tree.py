"""A tree of categories over items, two levels deep, by k-means of their vectors."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import functional as F


def item_tree(vectors: Tensor, branches: int, leaves: int, seed: int = 0) -> Tensor:
    """Give each item a leaf of a tree.

    Parameters
    ----------
    vectors : Tensor ``[n, d]``
        Their directions are clustered; items without a vector come together.
    branches, leaves : int
        Most branches of the tree, and most leaves of a branch.
    seed : int
        Of the clustering.

    Returns
    -------
    Tensor
        int64 ``[n]``: ``branch * leaves + leaf within the branch``.
    """
    rows = F.normalize(vectors.double(), dim=1).numpy()
    branch = _clusters(rows, branches, seed)
    leaf = np.zeros(len(rows), dtype=np.int64)
    for one in range(branches):
        inside = branch == one
        if inside.any():
            leaf[inside] = _clusters(rows[inside], leaves, seed)
    return torch.from_numpy(branch * leaves + leaf)


def _clusters(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    distinct = len(np.unique(rows.round(6), axis=0))
    if min(most, distinct) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    found = KMeans(min(most, distinct), n_init=1, random_state=seed).fit_predict(rows)
    return np.asarray(found, dtype=np.int64)
