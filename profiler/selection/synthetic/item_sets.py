"""The crowd in a fixed order, twins as one, and the candidates with the items they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from profiler.selection.synthetic.cliques import Cliques
from profiler.selection.synthetic.neighbours import NeighbourGraph
from store.data.csr import starts
from store.errors import DataError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crowd:
    """Distinct item sets, ordered by the first user id that has them.

    Twins, users with the very same items, share one set: otherwise they would fill each other's
    neighbour lists and keep everybody else out.

    Attributes
    ----------
    indptr, items : int64
        The distinct item sets as CSR, items rising.
    set_of : int64 ``[users with items]``
        Set of each user, users by id.
    rows : int64 ``[users with items]``
        Row in the histories given of each user.
    all_items : int64
        The item of every (user, item) pair.
    n_items : int
        Number of items there may be.
    """

    indptr: Ints
    items: Ints
    set_of: Ints
    rows: Ints
    all_items: Ints
    n_items: int

    @property
    def n_users(self) -> int:
        """Users with at least one item."""
        return len(self.rows)

    @property
    def n_sets(self) -> int:
        """Number of distinct item sets."""
        return len(self.indptr) - 1

    def users_of(self, sets: Ints) -> Ints:
        """Users (by rank of id) who have one of the given item sets."""
        return np.flatnonzero(np.isin(self.set_of, sets))

    def people(self, sets: Ints, graph: NeighbourGraph) -> tuple[Ints, Floats]:
        """Rows of the users behind the sets of a clique, and their mean weight to the others."""
        mean = {}
        for one in sets:
            at = slice(graph.indptr[one], graph.indptr[one + 1])
            others = np.isin(graph.neighbours[at], sets)
            mean[int(one)] = float(graph.weights[at][others].mean()) if others.any() else 1.0
        users = self.users_of(sets)
        return self.rows[users], np.array([mean[int(self.set_of[user])] for user in users])


@dataclass(frozen=True)
class Candidates:
    """Cliques worth a call, with the items each stands for.

    Attributes
    ----------
    indptr, elements : int64
        For each candidate its items, in the order shown, then ``n_items`` + its users.
    owners : int64
        Beside `elements`: how many members own the item; 1 for a user.
    n_titles : int64 ``[candidates]``
        How many of the elements are items.
    set_indptr, sets : int64
        The item sets (see :class:`Crowd`) of each clique.
    cohesion : float64 ``[candidates]``
    """

    indptr: Ints
    elements: Ints
    owners: Ints
    n_titles: Ints
    set_indptr: Ints
    sets: Ints
    cohesion: Floats

    def __len__(self) -> int:
        return len(self.cohesion)

    def elements_of(self, row: int) -> Ints:
        """Items and users of a candidate."""
        return self.elements[self.indptr[row] : self.indptr[row + 1]]

    def items_of(self, row: int) -> Ints:
        """Items of a candidate, in the order shown."""
        return self.elements_of(row)[: self.n_titles[row]]

    def owners_of(self, row: int) -> Ints:
        """How many members own each item of a candidate."""
        return self.owners[self.indptr[row] : self.indptr[row + 1]][: self.n_titles[row]]

    def histories_of(self, row: int) -> Ints:
        """Item sets that a candidate's clique is made of."""
        return self.sets[self.set_indptr[row] : self.set_indptr[row + 1]]


def crowd_of(indptr: ArrayLike, items: ArrayLike, n_items: int, user_ids: Sequence[str]) -> Crowd:
    """Put histories into an order that does not depend on how they came.

    Raises
    ------
    DataError
        If no user has an item, a user id appears twice, or an item number is out of range.
    """
    pointers, history = np.asarray(indptr, np.int64), np.asarray(items, np.int64)
    if len(set(user_ids)) != len(user_ids) or len(user_ids) != len(pointers) - 1:
        raise DataError(f"{len(pointers) - 1} histories need as many different user ids")
    if len(history) and (history.min() < 0 or history.max() >= n_items):
        raise DataError(f"an item number is not below {n_items}, the number of items")
    by_id = sorted(range(len(user_ids)), key=user_ids.__getitem__)
    number: dict[bytes, int] = {}
    owned: list[Ints] = []
    set_of, rows, pairs = [], [], [np.zeros(0, np.int64)]
    for row in by_id:
        mine = np.unique(history[pointers[row] : pointers[row + 1]])
        if len(mine):
            key = number.setdefault(mine.tobytes(), len(owned))
            if key == len(owned):
                owned.append(mine)
            set_of.append(key)
            rows.append(row)
            pairs.append(mine)
    if not owned:
        raise DataError("no user has an item that may be shown, so there are no synthetic users")
    return Crowd(
        indptr=starts([len(mine) for mine in owned]),
        items=np.concatenate(owned),
        set_of=np.array(set_of, dtype=np.int64),
        rows=np.array(rows, dtype=np.int64),
        all_items=np.concatenate(pairs),
        n_items=n_items,
    )


def candidates_of(
    cliques: Cliques,
    crowd: Crowd,
    weights: Floats,
    *,
    max_titles: int,
    min_titles: int,
    min_members: int,
) -> Candidates:
    """Merge each clique into the items it stands for, at most `max_titles`.

    Where a clique owns more, the items with the most owners stay; among equals the heavier, then
    the lower number. Twins are members and owners too.

    Parameters
    ----------
    cliques, crowd
        Sets of like users, and the distinct item sets of all users.
    weights
        ``[items]`` weight in the cover.
    max_titles, min_titles
        Items that a candidate may and must hold.
    min_members
        Users that a clique must have, twins counted.
    """
    people = np.bincount(crowd.set_of, minlength=crowd.n_sets)
    owner_of = np.repeat(np.arange(len(cliques)), np.diff(cliques.indptr))
    shape = (len(cliques), crowd.n_sets)
    holds = csr_array((people[cliques.members], (owner_of, cliques.members)), shape=shape)
    owns = csr_array(
        (np.ones(len(crowd.items), np.int64), crowd.items, crowd.indptr),
        shape=(crowd.n_sets, crowd.n_items),
    )
    union = (holds @ owns).tocoo()
    row, item, owners = union.row.astype(np.int64), union.col.astype(np.int64), union.data
    order = np.lexsort((item, -weights[item], -owners, row))
    row, item, owners = row[order], item[order], owners[order]
    place = np.arange(len(row)) - starts(np.bincount(row, minlength=len(cliques)))[row]
    kept = place < max_titles
    row, item, owners = row[kept], item[kept], owners[kept]
    titles = np.bincount(row, minlength=len(cliques))
    members = np.bincount(owner_of, people[cliques.members], minlength=len(cliques))
    good = (titles >= min_titles) & (members >= min_members)
    return _with_users(cliques, crowd, good, row, item, owners.astype(np.int64), titles)


def _with_users(
    cliques: Cliques,
    crowd: Crowd,
    good: NDArray[np.bool_],
    row: Ints,
    item: Ints,
    owners: Ints,
    titles: Ints,
) -> Candidates:
    """Keep the good cliques; put their users behind their items."""
    by_set = np.argsort(crowd.set_of, kind="stable")
    users_of_set = starts(np.bincount(crowd.set_of, minlength=crowd.n_sets))
    owner_of = np.repeat(np.arange(len(cliques)), np.diff(cliques.indptr))
    many = np.diff(users_of_set)[cliques.members]
    user_row = np.repeat(owner_of, many)
    offset = np.arange(many.sum()) - np.repeat(starts(many)[:-1], many)
    users = by_set[np.repeat(users_of_set[cliques.members], many) + offset]
    rows = np.concatenate([row, user_row])
    elements = np.concatenate([item, crowd.n_items + users])
    counts = np.concatenate([owners, np.ones(len(users), np.int64)])
    order = np.argsort(rows, kind="stable")  # items came first and stay first
    order = order[good[rows[order]]]
    return Candidates(
        indptr=starts(np.bincount(rows[order], minlength=len(cliques))[good]),
        elements=elements[order],
        owners=counts[order],
        n_titles=titles[good],
        set_indptr=starts(np.diff(cliques.indptr)[good]),
        sets=cliques.members[good[owner_of]],
        cohesion=cliques.cohesion[good],
    )
