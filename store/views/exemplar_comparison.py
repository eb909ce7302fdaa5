"""A user against its exemplar, as in the case study of EIMF: what the exemplar's view adds.

Source: EIMF (arXiv 2411.09410), case study: one user's few items against its exemplar's many, and
the interests inferred from each. All look-ups; nothing is inferred here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from store.errors import StoreError
from store.views.users import find_user, show_user

if TYPE_CHECKING:
    from store.store import Store

_ITEMS = text(
    "SELECT i.item_ix, i.item_id, i.title, max(x.position) AS latest FROM interactions x "
    "JOIN items i USING (item_ix) WHERE x.user_ix = :user GROUP BY i.item_ix ORDER BY latest DESC"
)
_SHOWN = text(
    "SELECT i.item_ix, i.item_id, i.title FROM subject_items s JOIN items i USING (item_ix) "
    "WHERE s.subject_id = :subject ORDER BY s.position DESC"
)


def compare_user(store: Store, user_id: str) -> dict[str, Any]:
    """Return a user's history against the items its exemplar was asked about.

    Returns
    -------
    dict
        ``user``; ``exemplar`` (``user_id``, ``similarity``, ``members``); ``items``: ``shared``,
        ``only_user``, ``exemplar_adds``, the most recent first, and their ``jaccard``;
        ``interests``: ``own`` (stored interests that cover the user's history), ``shared`` (the
        exemplar's that the user's own items prove too) and ``exemplar_adds`` (the others).

    Raises
    ------
    StoreError
        If the user is unknown or belongs to no exemplar.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        shown = show_user(store, user_id)
        group = shown["exemplar"]
        if group is None:
            raise StoreError(
                f"user {user_id!r} belongs to no exemplar yet; run profiler build to choose them"
            )
        own = _items(connection, _ITEMS, {"user": user["user_ix"]})
        theirs = _items(connection, _SHOWN, {"subject": group["subject_id"]})
    interests = group["interests"]
    return {
        "user": shown["user"],
        "exemplar": {
            "user_id": group["name"].removeprefix("exemplar:"),
            "is_user": group["name"] == f"exemplar:{user['user_id']}",
            "similarity": group["similarity"],
            "members": group["members"],
            "items": len(theirs),
        },
        "items": _split(own, theirs),
        "interests": {
            "own": shown["own"],
            "shared": [one for one in interests if _touched(one["evidence"])],
            "exemplar_adds": [one for one in interests if not _touched(one["evidence"])],
        },
    }


def _items(
    connection: Connection, query: Any, values: dict[str, Any]
) -> dict[int, dict[str, str | None]]:
    rows = connection.execute(query, values)
    return {row.item_ix: {"item_id": row.item_id, "title": row.title} for row in rows}


def _split(own: dict[int, Any], theirs: dict[int, Any]) -> dict[str, Any]:
    union = len(own.keys() | theirs.keys())
    return {
        "shared": [item for ix, item in own.items() if ix in theirs],
        "only_user": [item for ix, item in own.items() if ix not in theirs],
        "exemplar_adds": [item for ix, item in theirs.items() if ix not in own],
        "jaccard": round(len(own.keys() & theirs.keys()) / union, 4) if union else 0.0,
    }


def _touched(evidence: Sequence[dict[str, Any]]) -> bool:
    return any(item["touched"] for item in evidence)
