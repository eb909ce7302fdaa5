"""What the store knows about its exemplars: size, closeness of members, typical items."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.data.splits import Part
from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.histories.door import Histories
from store.tables.subjects import State
from store.views.shared.row import Row

TYPICAL = 5

_EXEMPLARS = statement(
    "SELECT s.subject_id, s.name, u.user_id, s.state, count(m.user_ix) AS members, "
    "avg(m.similarity) AS mean_similarity, min(m.similarity) AS least_similarity "
    "FROM subjects s LEFT JOIN users u ON u.user_ix = s.user_ix "
    "LEFT JOIN memberships m ON m.subject_id = s.subject_id "
    "WHERE s.kind = 'exemplar' AND s.active GROUP BY s.subject_id ORDER BY members DESC, s.name"
)

_MEMBERS = statement(
    "SELECT user_ix, subject_id FROM memberships "
    "WHERE subject_id IN (SELECT value FROM json_each(:subjects))"
)
_ITEMS = statement(
    "SELECT subject_id, item_ix FROM subject_items "
    "WHERE subject_id IN (SELECT value FROM json_each(:subjects))"
)
_OWNERS = statement(
    "SELECT i.item_ix, i.item_id, i.title, coalesce(x.training, 0) AS owners FROM items i "
    "LEFT JOIN item_users x USING (item_ix) "
    "WHERE i.item_ix IN (SELECT value FROM json_each(:items))"
)
_USERS = statement("SELECT count(*) FROM users")


@dataclass(frozen=True)
class TypicalItem(Row):
    """An item, by its id, and how many members own it."""

    item: str
    title: str | None
    owned_by: int


@dataclass(frozen=True)
class Exemplar(Row):
    """An exemplar and its members; similarities are cosines of histories, None where unknown."""

    name: str
    user: str | None
    state: State
    members: int
    mean_similarity: float | None
    least_similarity: float | None
    typical_items: list[TypicalItem]


@dataclass(frozen=True)
class Exemplars(Row):
    """All exemplars in use, the largest first, and how they were chosen (None: not here)."""

    exemplars: list[Exemplar]
    choice: dict[str, Any] | None


def list_exemplars(store: Transactions, typical_of: int | None = None) -> Exemplars:
    """Active exemplars, largest first, and how they were chosen.

    Typical items are those of the exemplar's own items that many members own and few other users
    do: members who own it times the logarithm of users over owners (our choice).

    Parameters
    ----------
    store
        An open store.
    typical_of
        Only the first so many have their typical items looked up; None looks at all.
    """
    with store.read() as connection:
        rows = connection.execute(_EXEMPLARS).all()
        typical = _typical(connection, [row.subject_id for row in rows[:typical_of]])
    listed = [
        Exemplar(
            name=row.name,
            user=row.user_id,
            state=row.state,
            members=row.members,
            mean_similarity=row.mean_similarity,
            least_similarity=row.least_similarity,
            typical_items=typical.get(row.subject_id, []),
        )
        for row in rows
    ]
    return Exemplars(listed, store.meta("exemplar_choice"))


def _typical(connection: Connection, subjects: Sequence[int]) -> dict[int, list[TypicalItem]]:
    """The most typical items of some exemplars, by subject id."""
    users = connection.execute(_USERS).scalar_one()
    owned = _owned(connection, json.dumps(subjects))
    numbers = json.dumps(sorted({item for _, item, _ in owned}))
    items = {row.item_ix: row for row in connection.execute(_OWNERS, {"items": numbers})}
    scores: dict[int, list[tuple[float, int, int]]] = {}
    for subject_id, item_ix, owners in owned:
        if item_ix not in items:  # only in a damaged store; verify names it
            continue
        rarity = math.log((users + 1) / max(items[item_ix].owners, 1))
        scores.setdefault(subject_id, []).append((-owners * rarity, item_ix, owners))
    return {
        subject_id: [
            TypicalItem(items[ix].item_id, items[ix].title, owners)
            for _, ix, owners in sorted(scored)[:TYPICAL]
        ]
        for subject_id, scored in scores.items()
    }


def _owned(connection: Connection, subjects: str) -> list[tuple[int, int, int]]:
    """Items of exemplars that members own too, by how many; only what training may see."""
    asked = {"subjects": subjects}
    members = np.array(
        [tuple(row) for row in connection.execute(_MEMBERS, asked)], dtype=np.int64
    ).reshape(-1, 2)
    shown = np.array(
        [tuple(row) for row in connection.execute(_ITEMS, asked)], dtype=np.int64
    ).reshape(-1, 2)
    members = members[np.argsort(members[:, 0], kind="stable")]
    seen = Histories(connection).of_users(np.unique(members[:, 0]))
    seen = seen.rows(seen.parts == Part.TRAIN)
    width = 1 + max(int(seen.items.max(initial=0)), int(shown[:, 1].max(initial=0)))
    pairs = np.unique(seen.users.astype(np.int64) * width + seen.items)
    # A user belongs to one exemplar; were they in two, each would count them.
    first = np.searchsorted(members[:, 0], pairs // width, side="left")
    last = np.searchsorted(members[:, 0], pairs // width, side="right")
    rows = np.repeat(first, last - first) + _within(last - first)
    keys = members[rows, 1] * width + np.repeat(pairs % width, last - first)
    found, counts = np.unique(
        keys[np.isin(keys, shown[:, 0] * width + shown[:, 1])], return_counts=True
    )
    return list(
        zip((found // width).tolist(), (found % width).tolist(), counts.tolist(), strict=True)
    )


def _within(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2 … within each of consecutive groups of these sizes."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
