"""Why each item of a published list fits its user, by the stored interests: sentences of a list.

They say what ``profiler explain`` says of the same user and item
(:mod:`store.views.interests.explanation`), with one look-up for a whole list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.data.splits import Part
from store.db.statements import statement
from store.errors import StoreError
from store.views.interests.explanation import NAMED, own_proof, said_of
from store.views.interests.fitting import Fit, fitting_interests
from store.views.subjects.users import Item

if TYPE_CHECKING:
    import polars as pl

    from store.data.dataset import Dataset
    from store.store import Store

_WORDS = statement(
    "SELECT n.interest_id, n.label FROM interests n JOIN subjects s USING (subject_id) "
    "WHERE s.active AND EXISTS (SELECT 1 FROM evidence e WHERE e.interest_id = n.interest_id)"
)
MOST = 3
"""Interests that are looked through for one that the user's own items show, best first."""

Explained = tuple[str, str, str, int, list[str]]
"""user_id, item_id, sentence, interest_id, ids of the items named."""


def explanations(
    store: Store, dataset: Dataset, lists: pl.DataFrame, connection: Connection
) -> Iterator[Explained]:
    """Explain every item of every list that a stored interest of the user fits.

    Parameters
    ----------
    store, dataset
        The store, and what it holds of users and items.
    lists
        Columns user_id and item_id, users together.
    connection
        The snapshot that is read.

    Yields
    ------
    tuple
        As :data:`Explained`; an item that no interest fits has none.
    """
    labels = {row[0]: row[1] for row in connection.execute(_WORDS)}
    vectors = _vectors(store)
    pairs = lists.select("user_id", "item_id").iter_rows()
    for user, rows in groupby(pairs, key=lambda pair: pair[0]):
        items = list(dict.fromkeys(item for _, item in rows))
        user_ix = dataset.user_index[user]
        yield from _of_user(store, dataset, (user, user_ix), items, labels, vectors)


def _vectors(store: Store) -> NDArray[np.float32] | None:
    try:
        return store.vectors.items()
    except StoreError:  # not encoded: an interest fits only what proves it
        return None


def _of_user(
    store: Store,
    dataset: Dataset,
    user: tuple[str, int],
    items: Sequence[str],
    labels: dict[int, str],
    vectors: NDArray[np.float32] | None,
) -> Iterator[Explained]:
    name, user_ix = user
    known = json.dumps(dataset.history(user_ix, (Part.TRAIN, Part.INPUT)).tolist())
    numbers = [dataset.item_index[item] for item in items]
    fits = fitting_interests(store, user_ix, numbers, vectors)
    shown: dict[int, list[Item]] = {}
    for item, number in zip(items, numbers, strict=True):
        found = [fit for fit in fits[number] if fit.interest_id in labels][:MOST]
        if not found:
            continue
        named, because = found[0], list[Item]()
        for fit in found:
            proof = _proof(store, user_ix, known, fit, shown)
            others = [one for one in proof if one.item_id != item][:NAMED]
            if others:
                named, because = fit, others
                break
        sentence = said_of(labels[named.interest_id], because, is_evidence=named.proven)
        yield name, item, sentence, named.interest_id, [one.item_id for one in because]


def _proof(
    store: Store, user_ix: int, known: str, fit: Fit, shown: dict[int, list[Item]]
) -> list[Item]:
    """The user's own items that show an interest, one more than are named; looked up once."""
    if fit.interest_id not in shown:
        shown[fit.interest_id] = own_proof(store, user_ix, known, fit.interest_id, "", NAMED + 1)
    return shown[fit.interest_id]
