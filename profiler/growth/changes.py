"""What is new after a build or an append: users, items, interactions, moves, interests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.growth.drift import Csr, Drifted, drift_of

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

LISTED = 20


@dataclass(frozen=True)
class Before:
    """A store before its data grow.

    Attributes
    ----------
    users, items, interactions
        Size of its data set.
    known
        CSR of what describes each user.
    homes
        user_ix → subject_id of the exemplar that stands for the user.
    interests
        Ids of the interests in use.
    """

    users: int
    items: int
    interactions: int
    known: Csr
    homes: dict[int, int]
    interests: frozenset[int]

    @classmethod
    def of(cls, store: Store, dataset: Dataset | None = None) -> Before:
        """The store as it is, with its data set where that is loaded already."""
        dataset = dataset or store.datasets.load()
        return cls(
            dataset.n_users,
            dataset.n_items,
            len(dataset.items),
            dataset.known(),
            dict(store.subjects.homes()),
            frozenset(store.interests.catalogue().ids.tolist()),
        )


@dataclass(frozen=True)
class Moved:
    """A user and how far the vector of the user's history moved: one minus the cosine."""

    user: str
    drift: float


@dataclass(frozen=True)
class Growth:
    """What is new since the data that a store held before.

    Attributes
    ----------
    users, items, interactions
        How many more there are.
    users_with_more
        Users of before whose history that may be known is longer now.
    threshold
        Drift from which somebody counts as moved or drifted.
    moved
        Users of before whose vector moved by more than that.
    moved_most
        The farthest of them, at most 20.
    other_exemplar
        Users of before for whom another exemplar stands now.
    drifted
        Exemplars that are no longer what was asked about, the farthest first.
    refresh_usd
        Dollars that asking again about some of them is expected to cost; None where the price is
        unknown or nobody is asked again.
    interests_stayed, interests_new, interests_gone
        Interests in use by their ids: in both, now only, before only.
    """

    users: int
    items: int
    interactions: int
    users_with_more: int
    threshold: float
    moved: int
    moved_most: list[Moved]
    other_exemplar: int
    drifted: list[Drifted]
    refresh_usd: float | None
    interests_stayed: int
    interests_new: int
    interests_gone: int

    def lines(self) -> list[str]:
        """What to tell people, a sentence each."""
        said = [
            f"new: {self.users:,} users, {self.items:,} items, {self.interactions:,} interactions; "
            f"{self.users_with_more:,} users have a longer history",
            f"moved by more than {self.threshold:g}: {self.moved:,} users; another exemplar stands "
            f"for {self.other_exemplar:,} users",
        ]
        again = [one for one in self.drifted if one.again]
        if self.drifted:
            far = ", ".join(f"{one.user} ({one.drift:.2f})" for one in self.drifted[:5])
            said.append(f"drifted exemplars: {len(self.drifted):,}, farthest first: {far}")
            asked = f"asked again: {len(again):,}"
            if self.refresh_usd is not None:
                asked += f", expected to cost ${self.refresh_usd:.4f}"
            said.append(asked if again else "asked again: none; --refresh-usd USD asks about them")
        said.append(
            f"interests: {self.interests_stayed:,} stayed, {self.interests_new:,} new, "
            f"{self.interests_gone:,} gone"
        )
        return said


def growth_since(
    before: Before,
    store: Store,
    dataset: Dataset,
    item_vectors: NDArray[np.float32],
    drifted: Sequence[Drifted],
    *,
    threshold: float,
    refresh_usd: float | None = None,
) -> Growth:
    """Compare a store with what it was before its data grew.

    Parameters
    ----------
    before, store, dataset, item_vectors
        What was, the store now, its data set and the vectors of its items.
    drifted
        Exemplars that drifted, and who of them is asked again.
    threshold
        Drift that must be passed to count as moved.
    refresh_usd
        Expected cost of asking again.
    """
    indptr, items = dataset.known()
    bounds = indptr[: before.users + 1]
    drift = drift_of(before.known, (bounds, items[: bounds[-1]]), item_vectors)
    homes = dict(store.subjects.homes())
    now = frozenset(store.interests.catalogue().ids.tolist())
    moved = np.flatnonzero(drift > threshold)
    far = moved[np.argsort(-drift[moved], kind="stable")][:LISTED]
    return Growth(
        users=dataset.n_users - before.users,
        items=dataset.n_items - before.items,
        interactions=len(dataset.items) - before.interactions,
        users_with_more=int((np.diff(bounds) > np.diff(before.known[0])).sum()),
        threshold=threshold,
        moved=len(moved),
        moved_most=[Moved(dataset.user_ids[row], float(drift[row])) for row in far.tolist()],
        other_exemplar=sum(
            user in homes and homes[user] != home for user, home in before.homes.items()
        ),
        drifted=list(drifted),
        refresh_usd=refresh_usd,
        interests_stayed=len(now & before.interests),
        interests_new=len(now - before.interests),
        interests_gone=len(before.interests - now),
    )
