"""Steerability: drop one of a user's interests, and see whether the list moves as told.

After UPR (ACL 2024) and LangPTune, which edit a profile and watch the list. The list is the one
that interest texts alone give, so this measures the interests, not a trained model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from profiler.quality.predictive import Csr, own_interests
from store.store import Store

K = 20
MAX_USERS = 500
"""Users whose lists are looked at; of more, a seeded sample."""


def steerability(store: Store, *, seed: int = 0) -> dict[str, list[float | None]]:
    """How much nearer a user's list is to an interest before that interest is dropped.

    Nearness is the mean cosine of the interest's text to the first :data:`K` items of the list.

    Returns
    -------
    dict
        For each user with three interests or more: ``dropped``, the fall when one interest drawn
        by the seed is dropped; ``shuffled``, the fall of nearness to the same interest when
        another of the user's interests is dropped; ``dropped minus shuffled``.
    """
    own = own_interests(store)
    _, interests = store.vectors.interests()
    items = store.vectors.items()
    rng = np.random.default_rng(seed)
    users = np.flatnonzero(np.diff(own[0]) >= 3)
    if len(users) > MAX_USERS:
        users = np.sort(rng.choice(users, MAX_USERS, replace=False))
    result: dict[str, list[float | None]] = {
        name: [] for name in ("dropped", "shuffled", "dropped minus shuffled")
    }
    for user in users.tolist():
        rows = _rows(own, user)
        scores = interests[rows] @ items.T
        one, other = rng.choice(len(rows), 2, replace=False).tolist()
        near = scores[one]
        before = near[_best(scores)].mean()
        falls = [
            float(before - near[_best(np.delete(scores, gone, axis=0))].mean())
            for gone in (one, other)
        ]
        for name, value in zip(result, (*falls, falls[0] - falls[1]), strict=True):
            result[name].append(value)
    return result


def _rows(own: Csr, user: int) -> NDArray[np.int64]:
    return own[1][own[0][user] : own[0][user + 1]]


def _best(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """First items of the list by the nearest interest, ties by item number."""
    return np.argsort(-scores.max(axis=0), kind="stable")[:K]
