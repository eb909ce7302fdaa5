"""Which of a user's interests fit many items by their words: one look-up for a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.data.splits import Part
from store.db.statements import statement
from store.tables.histories.door import Histories
from store.views.interests.explanation import THRESHOLD

if TYPE_CHECKING:
    from store.store import Store

_PATHS = statement(
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id) AS lead, n.text_digest, "
    "0 AS borrowed FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user AND s.active AND "
    "undisputed(a) UNION ALL "
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id), n.text_digest, 1 "
    "FROM memberships m JOIN subjects s USING (subject_id) JOIN interests n USING (subject_id) "
    "WHERE m.user_ix = :user AND s.active AND undisputed(m) ORDER BY 4, 1"
)
_OWN_ITEMS = statement(
    "SELECT interest_id, item_ix FROM assignment_items WHERE user_ix = :user UNION "
    "SELECT e.interest_id, e.item_ix FROM evidence e "
    "WHERE e.interest_id IN :ids AND e.item_ix IN (SELECT value FROM json_each(:known))",
    "ids",
)
_SHOWN_BY = statement(
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id) AS lead, n.text_digest, "
    "e.item_ix FROM evidence e JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE e.item_ix IN :history AND s.active ORDER BY 1, 4",
    "history",
)
_PROVEN = statement(
    "SELECT interest_id, item_ix FROM evidence WHERE interest_id IN :ids AND item_ix IN :items",
    "ids",
    "items",
)


@dataclass(frozen=True)
class Fit:
    """An interest of a user that fits an item.

    Attributes
    ----------
    interest_id, group
        The interest, and the one that stands for it.
    similarity
        Cosine of the words of both.
    proven
        The item itself is evidence of the interest.
    own_items
        item_ix of the user's items that show the interest or one that it stands for.
    """

    interest_id: int
    group: int
    similarity: float
    proven: bool
    own_items: frozenset[int]


def fitting_interests(
    store: Store,
    user_ix: int,
    items: Sequence[int],
    vectors: NDArray[np.float32] | None,
    threshold: float = THRESHOLD,
) -> dict[int, list[Fit]]:
    """For each item, the user's interests that fit it, best first.

    Parameters
    ----------
    store, user_ix
        Whose interests.
    items
        item_ix.
    vectors
        float32 ``[items, d]``, the text vectors of all items of the store; None where they are
        not encoded: then an interest fits only what proves it.
    threshold
        Least cosine of the words that counts; an item that proves an interest fits it anyway.
    """
    with store.read() as connection:
        rows = connection.execute(_PATHS, {"user": user_ix}).all()
        paths = {row[0]: row for row in reversed(rows)}  # the user's own before borrowed ones
        theirs = _Theirs({one: (int(row[1]), row[2]) for one, row in sorted(paths.items())}, {})
        if not paths or not items:
            return {item: [] for item in items}
        known = Histories(connection).items_as_json(user_ix, (Part.TRAIN, Part.INPUT))
        values = {"user": user_ix, "ids": list(theirs.of), "known": known}
        for interest, item in connection.execute(_OWN_ITEMS, values):
            theirs.show(interest, item)
    return _fitting(store, theirs, items, vectors, threshold)


def interests_fitting_history(
    store: Store,
    history: Sequence[int],
    items: Sequence[int],
    vectors: NDArray[np.float32] | None,
    threshold: float = THRESHOLD,
) -> dict[int, list[Fit]]:
    """For each item, the interests that a raw history shows and that fit the item, best first.

    Nobody is known by this history, so its interests are those that its own items prove.

    Parameters
    ----------
    store
        Whose interests.
    history
        item_ix of the history.
    items, vectors, threshold
        As for :func:`fitting_interests`.
    """
    theirs = _Theirs({}, {})
    with store.read() as connection:
        values = {"history": sorted({int(item) for item in history})}
        for interest, lead, digest, item in connection.execute(_SHOWN_BY, values):
            theirs.of[int(interest)] = (int(lead), digest)
            theirs.show(interest, item)
    if not theirs.of or not items:
        return {item: [] for item in items}
    return _fitting(store, theirs, items, vectors, threshold)


@dataclass(frozen=True)
class _Theirs:
    """Interests of a person: the one that stands for each, its text; and the items that show it."""

    of: dict[int, tuple[int, str]]
    shown_by: dict[int, set[int]]

    def show(self, interest: int, item: int) -> None:
        if interest in self.of:
            self.shown_by.setdefault(self.of[interest][0], set()).add(int(item))


def _fitting(
    store: Store,
    theirs: _Theirs,
    items: Sequence[int],
    vectors: NDArray[np.float32] | None,
    threshold: float,
) -> dict[int, list[Fit]]:
    values = {"ids": list(theirs.of), "items": [int(item) for item in items]}
    with store.read() as connection:
        proven = {(row[0], row[1]) for row in connection.execute(_PROVEN, values)}
    known = store.vectors.of_interests([(one, digest) for one, (_, digest) in theirs.of.items()])
    found: dict[int, list[Fit]] = {}
    for item in items:
        fits = [
            Fit(
                interest_id=one,
                group=lead,
                similarity=_cosine(vectors, item, known.get(one)),
                proven=(one, item) in proven,
                own_items=frozenset(theirs.shown_by.get(lead, ())),
            )
            for one, (lead, _) in theirs.of.items()
        ]
        near = [fit for fit in fits if fit.proven or fit.similarity >= threshold]
        near.sort(key=lambda fit: (not fit.proven, -fit.similarity, fit.interest_id))
        found[item] = near
    return found


def _cosine(
    vectors: NDArray[np.float32] | None, item: int, words: NDArray[np.float32] | None
) -> float:
    return 0.0 if vectors is None or words is None else float(vectors[item] @ words)
