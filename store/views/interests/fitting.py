"""Which of a user's interests fit many items by their words: one look-up for a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.db.statements import statement
from store.views.interests.explanation import THRESHOLD

if TYPE_CHECKING:
    from store.store import Store

_PATHS = statement(
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id) AS lead, n.text_digest, "
    "0 AS borrowed FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user AND s.active UNION ALL "
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id), n.text_digest, 1 "
    "FROM memberships m JOIN subjects s USING (subject_id) JOIN interests n USING (subject_id) "
    "WHERE m.user_ix = :user AND s.active ORDER BY 4, 1"
)
_OWN_ITEMS = statement(
    "SELECT interest_id, item_ix FROM assignment_items WHERE user_ix = :user UNION "
    "SELECT e.interest_id, e.item_ix FROM evidence e JOIN interactions x "
    "ON x.item_ix = e.item_ix AND x.user_ix = :user AND x.part < 2 "
    "WHERE e.interest_id IN :ids",
    "ids",
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
        ids = sorted(paths)
        if not ids or not items:
            return {item: [] for item in items}
        shows: dict[int, set[int]] = {int(row[1]): set() for row in rows}
        for interest, item in connection.execute(_OWN_ITEMS, {"user": user_ix, "ids": ids}):
            if interest in paths:
                shows[int(paths[interest][1])].add(int(item))
        values = {"ids": ids, "items": [int(item) for item in items]}
        proven = {(row[0], row[1]) for row in connection.execute(_PROVEN, values)}
    known = store.vectors.of_interests([(one, paths[one][2]) for one in ids])
    found: dict[int, list[Fit]] = {}
    for item in items:
        fits = [
            Fit(
                interest_id=one,
                group=int(paths[one][1]),
                similarity=_cosine(vectors, item, known.get(one)),
                proven=(one, item) in proven,
                own_items=frozenset(shows[int(paths[one][1])]),
            )
            for one in ids
        ]
        near = [fit for fit in fits if fit.proven or fit.similarity >= threshold]
        near.sort(key=lambda fit: (not fit.proven, -fit.similarity, fit.interest_id))
        found[item] = near
    return found


def _cosine(
    vectors: NDArray[np.float32] | None, item: int, words: NDArray[np.float32] | None
) -> float:
    return 0.0 if vectors is None or words is None else float(vectors[item] @ words)
