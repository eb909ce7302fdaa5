"""Who drifted: users whose vector moved, and exemplars that are no longer what was asked about.

Drift is one minus the cosine of two history vectors, both centred by the catalogue as it is now,
so that what moved is the person and not the crowd. An exemplar's drift is taken from the items that
its interests were inferred from, however many appends ago that was: small steps add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.selection.choose import own_items
from profiler.vectors.histories import history_vectors
from store.data.csr import starts

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

Csr = tuple[NDArray[np.int64], NDArray[np.integer]]

DRIFT = 0.1
"""Drift from which an exemplar or a user counts as drifted, where nothing else is said."""


@dataclass(frozen=True)
class Drifted:
    """An exemplar that is no longer what its interests were inferred from.

    Attributes
    ----------
    subject_id, user
        Whose: the number of the exemplar and the id of its user.
    drift
        One minus the cosine of what was shown to what there is now.
    new_items
        Items of the user that were not shown.
    users
        Whom the exemplar stands for.
    again
        Whether it is asked about again.
    """

    subject_id: int
    user: str
    drift: float
    new_items: int
    users: int
    again: bool = False


def drift_of(before: Csr, after: Csr, item_vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Drift of each history, ``[n]``, between 0 and 2; 0 where either has no item with text.

    Parameters
    ----------
    before, after
        CSR of the histories, row by row the same users.
    item_vectors
        float32 ``[items, d]``, unit rows; zero rows are skipped.
    """
    old, new = (history_vectors(item_vectors, *one, center=True) for one in (before, after))
    told = old.any(axis=1) & new.any(axis=1)
    return np.where(told, 1 - np.einsum("ij,ij->i", old, new), 0).astype(np.float32).clip(0, 2)


def drifted_exemplars(
    store: Store, dataset: Dataset, item_vectors: NDArray[np.float32], threshold: float = DRIFT
) -> list[Drifted]:
    """Exemplars that drifted by more than a threshold, the farthest first.

    Those whose interests a person imported or edited are left out: nobody is asked about them.

    Parameters
    ----------
    store, dataset, item_vectors
        The store, its data set and the vectors of its items.
    threshold
        Drift that must be passed.
    """
    makers = store.interests.makers()
    asked = [
        one
        for one in store.subjects.load(states=("ok",), kinds=("exemplar",))
        if one.user_ix is not None and makers.get(one.subject_id) in ("offline", "model")
    ]
    if not asked:
        return []
    shown = [np.array(one.items, dtype=np.int64) for one in asked]
    owned = [own_items(dataset, int(one.user_ix or 0)) for one in asked]
    drift = drift_of(_csr(shown), _csr(owned), item_vectors)
    order = np.lexsort((np.array([one.subject_id for one in asked]), -drift))
    return [
        Drifted(
            subject_id=asked[row].subject_id,
            user=asked[row].name.removeprefix("exemplar:"),
            drift=float(drift[row]),
            new_items=len(np.setdiff1d(owned[row], shown[row])),
            users=asked[row].size,
        )
        for row in order.tolist()
        if drift[row] > threshold and not np.array_equal(shown[row], owned[row])
    ]


def _csr(lists: Sequence[NDArray[np.integer]]) -> Csr:
    return starts(np.array([len(one) for one in lists])), np.concatenate(lists).astype(np.int64)
