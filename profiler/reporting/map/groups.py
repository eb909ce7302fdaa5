"""Interests that say the same as one: what the map draws, counted over the people of a store.

A dot is a group as ``profiler interests`` lists them, not an interest as one answer worded it.
Almost a third of the interests of a large model on Amazon Office have a near-twin from somebody
else, and what is drawn twice is neither found nor counted well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.data.csr import starts
from store.views.atlas import own_reach, text_digests
from store.views.interests.catalogue import list_interests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.store import Store


@dataclass(frozen=True)
class Groups:
    """Merged interests, those that most people show first.

    Attributes
    ----------
    ids
        int64 ``[n]``: interest that stands for the group.
    labels, descriptions
        Its words, ``[n]`` each.
    people
        int64 ``[n]``: users it reaches by any way.
    members
        Interests that stand under it, ``[n]``.
    indptr, users
        CSR: user_ix whose own history shows group ``g`` are ``users[indptr[g]:indptr[g + 1]]``.
    vectors
        float32 ``[n, d]``, unit vectors of the words.
    written
        Interests as they were written, merged ones counted apart.
    unplaced
        Groups left out because their words have no vector.
    """

    ids: NDArray[np.int64]
    labels: list[str]
    descriptions: list[str]
    people: NDArray[np.int64]
    members: list[tuple[int, ...]]
    indptr: NDArray[np.int64]
    users: NDArray[np.int64]
    vectors: NDArray[np.float32]
    written: int
    unplaced: int

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """Number of users whose own history shows each group, ``[n]``."""
        return np.diff(self.indptr)

    @cached_property
    def index(self) -> dict[int, int]:
        """Place of each group and of every interest under it."""
        places = {int(one): place for place, one in enumerate(self.ids)}
        for place, members in enumerate(self.members):
            places |= dict.fromkeys(members, place)
        return places

    def above(self, people: int) -> Groups:
        """The groups that reach at least so many people, by any way."""
        kept = np.flatnonzero(self.people >= people)
        if len(kept) == len(self):
            return self
        rows = [self.users[self.indptr[g] : self.indptr[g + 1]] for g in kept.tolist()]
        return Groups(
            ids=self.ids[kept],
            labels=[self.labels[g] for g in kept.tolist()],
            descriptions=[self.descriptions[g] for g in kept.tolist()],
            people=self.people[kept],
            members=[self.members[g] for g in kept.tolist()],
            indptr=starts([len(row) for row in rows]),
            users=np.concatenate([np.zeros(0, np.int64), *rows]),
            vectors=self.vectors[kept],
            written=self.written,
            unplaced=self.unplaced,
        )

    def users_of_place(self, place: int) -> NDArray[np.int64]:
        """Users whose own history shows one group."""
        return self.users[self.indptr[place] : self.indptr[place + 1]]

    def users_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Users whose own history shows at least one of several groups, each once."""
        rows = [self.users[self.indptr[g] : self.indptr[g + 1]] for g in places.tolist()]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


def load_groups(store: Store) -> Groups:
    """Read the merged interests of a store with whom they reach."""
    entries = list_interests(store)
    written = sum(1 + len(entry.merged) for entry in entries)
    leads, users = own_reach(store)
    start = np.searchsorted(leads, [entry.interest_id for entry in entries])
    stop = np.searchsorted(leads, [entry.interest_id for entry in entries], side="right")
    vectors = _vectors(store, [entry.interest_id for entry in entries])
    order = sorted(
        (row for row, entry in enumerate(entries) if entry.interest_id in vectors),
        key=lambda row: (
            start[row] - stop[row],
            -entries[row].users,
            entries[row].interest_id,
        ),
    )
    kept = [entries[row] for row in order]
    shown_by = [users[start[row] : stop[row]] for row in order]
    return Groups(
        ids=np.array([entry.interest_id for entry in kept], dtype=np.int64),
        labels=[entry.label for entry in kept],
        descriptions=[entry.description for entry in kept],
        people=np.array([entry.users for entry in kept], dtype=np.int64),
        members=[tuple(one.interest_id for one in entry.merged) for entry in kept],
        indptr=starts([len(own) for own in shown_by]),
        users=np.concatenate([np.zeros(0, np.int64), *shown_by]),
        vectors=_stack([vectors[entry.interest_id] for entry in kept]),
        written=written,
        unplaced=len(entries) - len(kept),
    )


def _vectors(store: Store, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    return store.vectors.of_interests(text_digests(store, ids))


def _stack(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)
