"""Leakage is an error: what training reads lies outside every target.

What the LLM was shown is checked by :mod:`store.tables.shown`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from store.errors import LeakageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset


def check_training(dataset: Dataset, indptr: NDArray[np.int64], items: NDArray[np.integer]) -> int:
    """Check that training sequences (CSR by user_ix, of item_ix) are TRAIN interactions only.

    Compared as multisets of (user, item), so that an item bought again after the cut does not hide
    a leak and an honest repeat is none.

    Raises
    ------
    LeakageError
        Naming the first user and item that training should not have.
    """
    allowed_indptr, allowed = dataset.visible()
    keys = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)) * dataset.n_items + items
    owners = np.repeat(np.arange(dataset.n_users), np.diff(allowed_indptr))
    every, codes = np.unique(
        np.concatenate([owners * dataset.n_items + allowed, keys]), return_inverse=True
    )
    quota = np.bincount(codes[: len(allowed)], minlength=len(every))
    read = np.bincount(codes[len(allowed) :], minlength=len(every))
    excess = np.flatnonzero(read > quota)
    if len(excess):
        user, item = divmod(int(every[excess[0]]), dataset.n_items)
        raise LeakageError(
            f"training reads item {dataset.item_ids[item]!r} of user {dataset.user_ids[user]!r}, "
            f"which the split {dataset.split} holds back"
        )
    return len(keys)
