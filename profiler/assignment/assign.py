"""Give every user the stored interests that cover their own history, and store them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.assignment.cover_history import assign_catalogue
from store.digests import json_digest

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store


def assign_own_interests(
    store: Store,
    dataset: Dataset,
    item_vectors: NDArray[np.float32],
    tell: Callable[[str, int, int], None] | None = None,
) -> int:
    """Assign from the catalogue to every user's known history; return how many users got some.

    Skipped where neither the data nor the catalogue changed since the last time. No call is made:
    new users and new interactions are covered by running it again. ``tell`` is called with (step,
    done, total) while they are stored.
    """
    catalogue = store.interests.catalogue()
    content = [dataset.digest, store.vectors.encoder(), catalogue.ids.tolist(), catalogue.texts]
    state = json_digest([*content, catalogue.items.tolist()])
    if store.meta("assigned_digest") == state:
        return int(store.meta("assigned_users", 0))
    if not len(catalogue.ids):
        return 0
    _, interest_vectors = store.vectors.interests()
    proven = np.flatnonzero(np.diff(catalogue.indptr))  # words alone are shown by no history
    evidence = (np.append(catalogue.indptr[proven], len(catalogue.items)), catalogue.items)
    found = assign_catalogue(*dataset.known(), item_vectors, interest_vectors[proven], evidence)
    users = int((np.diff(found.indptr) > 0).sum())
    with store.write():
        store.interests.save_assignments(
            np.arange(dataset.n_users),
            found.indptr,
            catalogue.ids[proven[found.interest_rows]],
            found.scores,
            found.item_indptr,
            found.items,
            found.similarities,
            tell,
        )
        store.set_meta(assigned_digest=state, assigned_users=users)
    return users
