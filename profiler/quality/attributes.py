"""Attribute prediction: which categories and brands does a user take next?

After ALPBench (Kuaishou, 2026): what comes is graded by the data, not by a judge. An attribute's
value is where its items are: the mean of their vectors. A value is scored by the nearest interest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from profiler.quality import measures
from profiler.quality.predictive import (
    Csr,
    HeldOut,
    Score,
    by_nearest,
    held_out,
    others,
    own_interests,
)
from profiler.vectors.histories import unit_rows
from store.data.csr import starts
from store.data.dataset import Dataset
from store.store import Store

K = 5
"""Values a user is told to take next."""

FEWEST = 2 * K
"""An attribute with no more values than this is too easily told, and left out."""

COMMON = 0.5
"""A value that more of the items have tells nothing and is left out."""


class _Values(NamedTuple):
    """Which item has which value of an attribute, ``[items, values]``."""

    having: sp.csr_matrix


def attribute_prediction(store: Store, *, seed: int = 0) -> dict[str, list[float | None]] | None:
    """Recall@5 of the categories and brands of users' held-out items.

    Returns
    -------
    dict or None
        For ``category`` and, where the items have one, ``brand``: by the interests (those that
        cover the user's own history, or else the exemplar's), ``shuffled`` (those of another
        user), ``popularity`` (in all histories) and ``history`` (what the user took so far, then
        popularity). None where nothing is held back or no item has an attribute.
    """
    dataset = store.datasets.load()
    held = held_out(dataset, seed)
    if held is None:
        return None
    own = own_interests(store)
    _, interests = store.vectors.interests()
    found: dict[str, list[float | None]] = {}
    for name, values in _attributes(store, dataset).items():
        scores = _scores(values, dataset, store.vectors.items(), own, interests, seed)
        users, targets = _targets(values, held, dataset.n_users)
        nothing = (np.zeros(dataset.n_users + 1, dtype=np.int64), np.zeros(0, dtype=np.int32))
        if not len(users):
            continue
        recalls = {
            way: measures.recall_at_k(score, users, nothing, targets, K)
            for way, score in scores.items()
        }
        recalls["minus shuffled"] = recalls[""] - recalls["shuffled"]
        found |= {f"{name} {way}".strip(): recall.tolist() for way, recall in recalls.items()}
    return found or None


def _attributes(store: Store, dataset: Dataset) -> dict[str, _Values]:
    brands = store.datasets.item_extra("brand")
    columns = {
        "category": [list(dict.fromkeys(names)) for names in dataset.categories],
        "brand": [[brand] if brand else [] for brand in brands],
    }
    found = {name: _incidence(column) for name, column in columns.items()}
    return {name: values for name, values in found.items() if values.having.shape[1] > FEWEST}


def _incidence(column: Sequence[Sequence[str]]) -> _Values:
    names = sorted({name for row in column for name in row})
    number = {name: place for place, name in enumerate(names)}
    indptr = starts([len(row) for row in column])
    values = np.array([number[name] for row in column for name in row], dtype=np.int64)
    having = sp.csr_matrix(
        (np.ones(len(values), dtype=np.float32), values, indptr), shape=(len(column), len(names))
    )
    share = np.asarray(having.sum(axis=0)).ravel() / max(len(column), 1)
    return _Values(having[:, np.flatnonzero(share <= COMMON)])


def _scores(
    values: _Values,
    dataset: Dataset,
    items: NDArray[np.float32],
    own: Csr,
    interests: NDArray[np.float32],
    seed: int,
) -> dict[str, Score]:
    centres = unit_rows(np.asarray(values.having.T @ items))
    indptr, known = dataset.known()
    histories = sp.csr_matrix(
        (np.ones(len(known), dtype=np.float32), known, indptr),
        shape=(dataset.n_users, dataset.n_items),
    )
    taken = (histories @ values.having).tocsr()
    popularity = np.asarray(taken.sum(axis=0)).ravel().astype(np.float32)
    tie = popularity / (popularity.sum() + 1)
    return {
        "": by_nearest(own, interests, centres),
        "shuffled": by_nearest(own, interests, centres, others(own, seed)),
        "popularity": lambda users: np.tile(popularity, (len(users), 1)),
        "history": lambda users: taken[users].toarray() + tie,
    }


def _targets(
    values: _Values, held: HeldOut, n_users: int
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Users whose held-out items have values, and those values as CSR over all users."""
    indptr, items = held.targets
    wanted = sp.csr_matrix(
        (np.ones(len(items), dtype=np.float32), items, indptr),
        shape=(n_users, values.having.shape[0]),
    )
    found = (wanted @ values.having).tocsr()
    users = held.users[np.diff(found.indptr)[held.users] > 0]
    return users, (found.indptr.astype(np.int64), found.indices.astype(np.int32))
