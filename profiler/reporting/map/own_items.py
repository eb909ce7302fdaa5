"""People's own items that show their interests, and when they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.data.splits import Part
from store.views.atlas import own_items

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store


@dataclass(frozen=True)
class OwnItems:
    """Users' own items that show a group of theirs: rows sorted by user.

    Attributes
    ----------
    users, items, groups
        int64 ``[rows]``.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    groups: NDArray[np.int64]

    def of(self, user: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Items and groups of one user."""
        start, stop = np.searchsorted(self.users, [user, user + 1])
        return self.items[start:stop], self.groups[start:stop]


def load_own_items(store: Store) -> OwnItems:
    """Read which own items show which groups."""
    groups, users, items = own_items(store)
    order = np.lexsort((groups, items, users))
    return OwnItems(users[order], items[order], groups[order])


def times_of_groups(
    dataset: Dataset, own: OwnItems, ids: NDArray[np.int64]
) -> tuple[list[int | None], list[int | None]]:
    """First and last time at which somebody's own known item shows each group; None without."""
    nothing: list[int | None] = [None] * len(ids)
    if not dataset.has_time or not len(own.users) or not len(ids):
        return nothing, list(nothing)
    known = dataset.parts == int(Part.TRAIN)
    user = np.repeat(np.arange(dataset.n_users), np.diff(dataset.indptr))[known]
    event = user * dataset.n_items + dataset.items[known]
    stamp = dataset.timestamps[known]
    order = np.lexsort((stamp, event))
    event, stamp = event[order], stamp[order]
    wanted = own.users * dataset.n_items + own.items
    start = np.searchsorted(event, wanted)
    stop = np.searchsorted(event, wanted, side="right") - 1
    there = (start < len(event)) & (stop >= start)
    by_id = np.argsort(ids)
    place = np.searchsorted(ids, own.groups, sorter=by_id)
    place = by_id[np.minimum(place, len(ids) - 1)]
    there &= ids[place] == own.groups
    first = np.full(len(ids), np.iinfo(np.int64).max)
    last = np.full(len(ids), np.iinfo(np.int64).min)
    np.minimum.at(first, place[there], stamp[start[there]])
    np.maximum.at(last, place[there], stamp[stop[there]])
    timed = last > 0
    return (
        [int(v) if ok else None for v, ok in zip(first, timed, strict=True)],
        [int(v) if ok else None for v, ok in zip(last, timed, strict=True)],
    )
