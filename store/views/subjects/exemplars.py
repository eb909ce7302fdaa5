"""What the store knows about its exemplars: size, closeness of members, typical items."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.transactions import Transactions
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

# Items of the exemplar that members own too, by how many of them; only what training may see.
_OWNED = statement(
    "SELECT m.subject_id, x.item_ix, count(DISTINCT x.user_ix) FROM memberships m "
    "JOIN subjects s ON s.subject_id = m.subject_id "
    "JOIN interactions x ON x.user_ix = m.user_ix AND x.part = 0 "
    "JOIN subject_items i ON i.subject_id = m.subject_id AND i.item_ix = x.item_ix "
    "WHERE s.kind = 'exemplar' AND s.active GROUP BY m.subject_id, x.item_ix"
)
_OWNERS = statement(
    "SELECT i.item_ix, i.item_id, i.title, count(DISTINCT x.user_ix) AS owners "
    "FROM items i LEFT JOIN interactions x ON x.item_ix = i.item_ix AND x.part = 0 "
    "GROUP BY i.item_ix"
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


def list_exemplars(store: Transactions) -> Exemplars:
    """Active exemplars, largest first, and how they were chosen.

    Typical items are those of the exemplar's own items that many members own and few other users
    do: members who own it times the logarithm of users over owners (our choice).
    """
    with store.read() as connection:
        rows = connection.execute(_EXEMPLARS).all()
        typical = _typical(connection)
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


def _typical(connection: Connection) -> dict[int, list[TypicalItem]]:
    """The most typical items of each exemplar, by subject id."""
    users = connection.execute(_USERS).scalar_one()
    items = {row.item_ix: row for row in connection.execute(_OWNERS)}
    scores: dict[int, list[tuple[float, int, int]]] = {}
    for subject_id, item_ix, owners in connection.execute(_OWNED):
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
