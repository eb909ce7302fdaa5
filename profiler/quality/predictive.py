"""Predictive power: do interest texts alone rank what a user took later?

Three rankings by texts (the interests of the user's exemplar, those that cover the user's own
history, and the latter given to other users as a control) stand beside two that need no interests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from profiler.quality import measures
from profiler.vectors.histories import history_vectors
from store.data.dataset import Dataset
from store.data.splits import Part
from store.store import Store

MAX_USERS = 5_000
MOST_SCORES = 50_000_000
"""Users times items that are ranked: of a large catalogue fewer users, but never below 500."""
LEAST_USERS = 500
"""Users ranked for predictive power; of more, a seeded sample."""

Csr = tuple[NDArray[np.int64], NDArray[np.int64]]
Score = Callable[[NDArray[np.int64]], NDArray[np.float32]]


class HeldOut(NamedTuple):
    """Users with held-out items (a sample where there are many), and those items as CSR."""

    users: NDArray[np.int64]
    targets: tuple[NDArray[np.int64], NDArray[np.int32]]


def own_interests(store: Store) -> Csr:
    """The interests of every user that cover the user's own history, or else the exemplar's."""
    own = store.interests.of_users("catalogue")
    return own if len(own[1]) else store.interests.of_users("exemplar")


def held_out(dataset: Dataset, seed: int) -> HeldOut | None:
    """Users with held-out items; None where nothing is held back.

    At most :data:`MAX_USERS`, and fewer where there are many items: the time it takes does not
    grow with the store, the interval around the mean does.
    """
    targets = dataset.select((Part.VALID, Part.TEST))
    users = np.flatnonzero(np.diff(targets[0]) > 0)
    if not len(users):
        return None
    most = min(MAX_USERS, max(LEAST_USERS, MOST_SCORES // max(dataset.n_items, 1)))
    if len(users) > most:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, most, replace=False))
    return HeldOut(users, targets)


def ranked(store: Store, *, k: int = 50, seed: int = 0) -> dict[str, list[float | None]] | None:
    """Recall@k of each user's held-out items by interest texts alone, beside baselines.

    An item is scored by its nearest interest: ``exemplar`` uses the interests of the user's
    exemplar (EIMF), ``catalogue`` those that cover the user's own history, ``catalogue_shuffled``
    those of another user. A user without interests finds nothing. Baselines: cosine to the mean of
    the history's item vectors, and popularity.

    Returns
    -------
    dict or None
        Recall@k of every user by ranking, and the differences of the first two from the baselines
        (``catalogue minus popularity``) and of ``catalogue`` from its shuffled control; None where
        nothing is held back.
    """
    dataset = store.datasets.load()
    held = held_out(dataset, seed)
    if held is None:
        return None
    items, seen = store.vectors.items(), dataset.known()
    found = {
        name: measures.recall_at_k(score, held.users, seen, held.targets, k)
        for name, score in _rankings(store, dataset, items, seed).items()
    }
    for ours in ("exemplar", "catalogue"):
        for baseline in ("history_mean", "popularity"):
            found[f"{ours} minus {baseline}"] = found[ours] - found[baseline]
    shuffled = "catalogue_shuffled"
    found[f"catalogue minus {shuffled}"] = found["catalogue"] - found[shuffled]
    return {name: recall.tolist() for name, recall in found.items()}


def _rankings(
    store: Store, dataset: Dataset, items: NDArray[np.float32], seed: int
) -> Mapping[str, Score]:
    _, interests = store.vectors.interests()
    means = history_vectors(items, *dataset.known())
    popularity = dataset.training_counts().astype(np.float32)
    own = store.interests.of_users("catalogue")
    return {
        "exemplar": by_nearest(store.interests.of_users("exemplar"), interests, items),
        "catalogue": by_nearest(own, interests, items),
        "catalogue_shuffled": by_nearest(own, interests, items, others(own, seed)),
        "history_mean": lambda users: means[users] @ items.T,
        "popularity": lambda users: np.tile(popularity, (len(users), 1)),
    }


def by_nearest(
    csr: Csr,
    interests: NDArray[np.float32],
    things: NDArray[np.float32],
    owner: NDArray[np.int64] | None = None,
) -> Score:
    """Score things by the nearest of a user's interests.

    Parameters
    ----------
    csr
        Rows of each user's interests.
    interests, things
        Unit vectors, ``[interests, d]`` and ``[things, d]``.
    owner
        Whose interests stand for each user's; the user's own by default.

    Returns
    -------
    callable
        From users ``[b]`` to scores ``[b, things]``, minus infinity for a user without interests.
    """

    def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
        stands = users if owner is None else owner[users]
        rows = [csr[1][csr[0][user] : csr[0][user + 1]] for user in stands.tolist()]
        used = np.unique(np.concatenate(rows))
        scores = interests[used] @ things.T if len(used) else np.zeros((0, len(things)))
        nothing = np.full(len(things), -np.inf, dtype=np.float32)
        return np.stack(
            [scores[np.searchsorted(used, r)].max(axis=0) if len(r) else nothing for r in rows]
        )

    return score


def others(csr: Csr, seed: int) -> NDArray[np.int64]:
    """For each user with interests another such user, drawn by the seed; the rest stand alone."""
    owner = np.arange(len(csr[0]) - 1)
    having = np.flatnonzero(np.diff(csr[0]) > 0)
    mixed = np.random.default_rng(seed).permutation(having)
    owner[mixed] = np.roll(mixed, 1)
    return owner
