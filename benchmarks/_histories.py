"""Random histories of the size of Amazon Beauty, the same for us and the peers (NumPy only)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

USERS, ITEMS, BATCH = 22_363, 12_101, 128


def random_histories(length: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """CSR (indptr, item_ix) of histories whose mean length is about half of ``length``."""
    rng = np.random.default_rng(0)
    counts = 6 + rng.geometric(2 / length, USERS)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    items = (ITEMS * rng.random(indptr[-1]) ** 2).astype(np.int32)
    return indptr, items


def random_rows(length: int) -> Iterator[tuple[int, int, int]]:
    """The same as (user, item number from 1, place), as files of the peers list them."""
    indptr, items = random_histories(length)
    for user in range(len(indptr) - 1):
        for place, item in enumerate(items[indptr[user] : indptr[user + 1]]):
            yield user, int(item) + 1, place
