"""What the store knows about its exemplars: size, closeness of members, typical items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

if TYPE_CHECKING:
    from store.store import Store

TYPICAL = 5

_EXEMPLARS = (
    "SELECT s.subject_id, s.name, u.user_id, s.state, count(m.user_ix) AS members, "
    "avg(m.similarity) AS mean_similarity, min(m.similarity) AS least_similarity "
    "FROM subjects s LEFT JOIN users u ON u.user_ix = s.user_ix "
    "LEFT JOIN memberships m ON m.subject_id = s.subject_id "
    "WHERE s.kind = 'exemplar' AND s.active GROUP BY s.subject_id ORDER BY members DESC, s.name"
)

# Items of the exemplar that members own too, by how many of them; only what training may see.
_OWNED = (
    "SELECT m.subject_id, x.item_ix, count(DISTINCT x.user_ix) FROM memberships m "
    "JOIN subjects s ON s.subject_id = m.subject_id "
    "JOIN interactions x ON x.user_ix = m.user_ix AND x.part = 0 "
    "JOIN subject_items i ON i.subject_id = m.subject_id AND i.item_ix = x.item_ix "
    "WHERE s.kind = 'exemplar' AND s.active GROUP BY m.subject_id, x.item_ix"
)


def list_exemplars(store: Store) -> dict[str, Any]:
    """Active exemplars, largest first, and how they were chosen.

    Typical items are those of the exemplar's own items that many members own and few other users
    do: members who own it times the logarithm of users over owners (our choice).
    """
    with store.read() as connection:
        rows = connection.exec_driver_sql(_EXEMPLARS).mappings().all()
        typical = _typical(connection)
    listed = [
        {
            "name": row["name"],
            "user": row["user_id"],
            "state": row["state"],
            "members": row["members"],
            "mean_similarity": row["mean_similarity"],
            "least_similarity": row["least_similarity"],
            "typical_items": typical.get(row["subject_id"], []),
        }
        for row in rows
    ]
    return {"exemplars": listed, "choice": store.meta("exemplar_choice")}


def _typical(connection: Connection) -> dict[int, list[dict[str, Any]]]:
    """The most typical items of each exemplar, by subject id."""
    users = connection.exec_driver_sql("SELECT count(*) FROM users").scalar_one()
    items = {
        row.item_ix: row
        for row in connection.exec_driver_sql(
            "SELECT i.item_ix, i.item_id, i.title, count(DISTINCT x.user_ix) AS owners "
            "FROM items i LEFT JOIN interactions x ON x.item_ix = i.item_ix AND x.part = 0 "
            "GROUP BY i.item_ix"
        )
    }
    found: dict[int, list[tuple[float, int, int]]] = {}
    for subject_id, item_ix, owners in connection.exec_driver_sql(_OWNED):
        rarity = math.log((users + 1) / max(items[item_ix].owners, 1))
        found.setdefault(subject_id, []).append((-owners * rarity, item_ix, owners))
    return {
        subject_id: [
            {"item": items[ix].item_id, "title": items[ix].title, "owned_by": owners}
            for _, ix, owners in sorted(scored)[:TYPICAL]
        ]
        for subject_id, scored in found.items()
    }
