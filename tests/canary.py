"""A data set with a canary: an item that only a hidden interaction of each user holds."""

from __future__ import annotations

import numpy as np

from store.data.dataset import Dataset
from store.data.splits import NO_TIME, Split, assign_parts

CANARY = 9


def with_canary(split_name: str) -> Dataset:
    """20 users; the last item of each is the canary, which nobody has before."""
    rng = np.random.default_rng(3)
    histories = [[*rng.integers(0, CANARY, 9).tolist(), CANARY] for _ in range(20)]
    indptr = np.arange(21, dtype=np.int64) * 10
    names = [f"u{u}" for u in range(20)]
    times = np.full(200, NO_TIME)
    split = Split(split_name, "5" if split_name == "users-811" else "")
    parts, sides = assign_parts(split, names, indptr, times)
    items = np.array(histories, dtype=np.int32).ravel()
    ids = [f"i{i}" for i in range(10)]
    return Dataset(names, ids, [None] * 10, [()] * 10, indptr, items, times, parts, sides, split)


def held_out(data: Dataset) -> int:
    return int(np.flatnonzero([CANARY in data.history(u, (3,)) for u in range(20)])[0])
