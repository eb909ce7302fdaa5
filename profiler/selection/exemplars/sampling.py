"""A sample of users to choose exemplars among: like the crowd in taste and length of history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.data.linear import principal_axes

AXES = 3
"""Principal axes on whose sides users are told apart: eight kinds of taste (our choice)."""
_FOR_AXES = 50_000
"""Users that the axes are taken from, evenly spaced."""


def stratified_sample(
    vectors: NDArray[np.float32],
    lengths: NDArray[np.integer],
    size: int,
    *,
    keep: NDArray[np.bool_],
    seed: int = 0,
) -> NDArray[np.int64]:
    """Draw users from strata, each by its share of the crowd.

    A stratum is the users of one order of length of history (doublings) on the same sides of the
    first three principal axes of the vectors.

    Parameters
    ----------
    vectors
        float32 ``[n, d]``; zero rows are users without text, who are not drawn.
    lengths
        ``[n]`` interactions of each.
    size
        How many are drawn, those kept included.
    keep
        ``[n]`` users who are in the sample whatever is drawn.
    seed
        Decides who is drawn.

    Returns
    -------
    int64
        Rows, ascending; all with text where there are no more than ``size``.
    """
    known = np.flatnonzero(np.any(vectors != 0, axis=1))
    if len(known) <= size:
        return np.flatnonzero(np.any(vectors != 0, axis=1) | keep)
    free = known[~keep[known]]
    wanted = max(0, size - int(keep.sum()))
    strata = _strata(vectors[free], lengths[free])
    order = np.lexsort((np.random.default_rng(seed).random(len(free)), strata))
    counts = np.bincount(strata)
    shares = counts * (wanted / len(free))
    taken = np.floor(shares).astype(np.int64)
    rest = np.argsort(-(shares - taken), kind="stable")[: wanted - int(taken.sum())]
    taken[rest] += 1
    place = np.arange(len(free)) - np.repeat(np.cumsum(counts) - counts, counts)
    drawn = free[order[place < np.repeat(taken, counts)]]
    return np.sort(np.concatenate([drawn, np.flatnonzero(keep)]))


def _strata(vectors: NDArray[np.float32], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number of the stratum of each user, dense from 0."""
    some = vectors[:: max(1, len(vectors) // _FOR_AXES)]
    sides = vectors @ principal_axes(some, AXES) > 0
    kind = sides @ (1 << np.arange(sides.shape[1]))
    order = np.log2(np.maximum(lengths, 1)).astype(np.int64)
    return np.unique(order * 2**AXES + kind, return_inverse=True)[1].reshape(-1)
