"""Look-ups for people: a user's interests with the items that prove them, and where they are from.

Everything here is a few indexed SELECTs on one connection; nothing loads a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, text

from store.errors import StoreError

if TYPE_CHECKING:
    from store.store import Store

RECENT = 10

_INTERESTS = text(
    "SELECT n.interest_id, n.subject_id, n.label, n.description, n.strength, n.source, "
    "n.response_id, n.pinned FROM interests n WHERE n.subject_id IN :subjects "
    "ORDER BY n.subject_id, n.position"
).bindparams(bindparam("subjects", expanding=True))

_EVIDENCE = text(
    "SELECT e.interest_id, i.item_id, i.title, e.item_ix IN (SELECT x.item_ix "
    "FROM interactions x WHERE x.user_ix = :user_ix) AS touched "
    "FROM evidence e JOIN items i USING (item_ix) WHERE e.interest_id IN :interests "
    "ORDER BY e.interest_id, e.position"
).bindparams(bindparam("interests", expanding=True))


def show_user(store: Store, user_id: str) -> dict[str, Any]:
    """Return a user's history in short and its interests, by every path that leads to some.

    Returns
    -------
    dict
        ``user``, ``history`` (the most recent first), ``exemplar`` (whom it belongs to, how
        similar, with interests) or ``None``, ``synthetic_users``, ``own`` (stored interests that
        cover its own history, each with the user's own items).

    Raises
    ------
    StoreError
        If the store has no such user.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        groups = _groups(connection, user["user_ix"])
        interests = interests_of(connection, [g["subject_id"] for g in groups], user["user_ix"])
        for group in groups:
            group["interests"] = interests.get(group["subject_id"], [])
        exemplars = [g for g in groups if g["kind"] == "exemplar"]
        return {
            "user": {key: user[key] for key in ("user_id", "interactions", "split")},
            "history": _recent(connection, user["user_ix"]),
            "exemplar": exemplars[0] if exemplars else None,
            "synthetic_users": [g for g in groups if g["kind"] == "synthetic"],
            "profile": next((g for g in groups if g["kind"] == "user"), None),
            "own": _own(connection, user["user_ix"]),
        }


def find_user(connection: Connection, user_id: str, store: Store) -> dict[str, Any]:
    """Return number, id, split and history length of a user; an unknown one is an error."""
    row = connection.execute(
        text(
            "SELECT user_ix, user_id, split, (SELECT count(*) FROM interactions x "
            "WHERE x.user_ix = u.user_ix) AS interactions FROM users u "
            "WHERE user_id = :user_id AND NOT forgotten"
        ),
        {"user_id": str(user_id)},
    ).mappings()
    found = row.first()
    if found is None:
        raise StoreError(f"no user {user_id!r} in {store.path}; the ids are those of the data")
    return dict(found)


def interests_of(
    connection: Connection, subjects: Sequence[int], user_ix: int = -1
) -> dict[int, list[dict[str, Any]]]:
    """Interests of subjects with their evidence; ``touched`` tells what ``user_ix`` has itself."""
    rows = connection.execute(_INTERESTS, {"subjects": list(subjects)}).mappings().all()
    evidence = evidence_of(connection, [row["interest_id"] for row in rows], user_ix)
    result: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        entry = dict(row)
        subject = entry.pop("subject_id")
        entry["pinned"] = bool(entry["pinned"])
        entry["evidence"] = evidence.get(entry["interest_id"], [])
        result.setdefault(subject, []).append(entry)
    return result


def evidence_of(
    connection: Connection, interests: Sequence[int], user_ix: int = -1
) -> dict[int, list[dict[str, Any]]]:
    """Evidence items of interests, in their order."""
    rows = connection.execute(_EVIDENCE, {"interests": list(interests), "user_ix": user_ix})
    result: dict[int, list[dict[str, Any]]] = {}
    for interest_id, item_id, title, touched in rows:
        result.setdefault(interest_id, []).append(
            {"item_id": item_id, "title": title, "touched": bool(touched)}
        )
    return result


def _groups(connection: Connection, user_ix: int) -> list[dict[str, Any]]:
    """Active subjects that stand for a user: its exemplar, synthetic users, its own profile."""
    rows = connection.execute(
        text(
            "SELECT s.subject_id, s.kind, s.name, s.state, s.size AS members, m.similarity "
            "FROM memberships m JOIN subjects s USING (subject_id) "
            "WHERE m.user_ix = :user_ix AND s.active UNION "
            "SELECT s.subject_id, s.kind, s.name, s.state, s.size, 1.0 FROM subjects s "
            "WHERE s.user_ix = :user_ix AND s.kind = 'user' AND s.active ORDER BY 2, 6 DESC, 1"
        ),
        {"user_ix": user_ix},
    ).mappings()
    return [dict(row) for row in rows]


def _recent(connection: Connection, user_ix: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        text(
            "SELECT i.item_id, i.title FROM interactions x JOIN items i USING (item_ix) "
            "WHERE x.user_ix = :user_ix ORDER BY x.position DESC LIMIT :limit"
        ),
        {"user_ix": user_ix, "limit": RECENT},
    ).mappings()
    return [dict(row) for row in rows]


def _own(connection: Connection, user_ix: int) -> list[dict[str, Any]]:
    rows = connection.execute(
        text(
            "SELECT a.interest_id, n.label, n.description, a.score, s.name AS of_subject, "
            "n.source, n.response_id, (SELECT json_group_array(json_object('item_id', i.item_id, "
            "'title', i.title)) FROM assignment_items t JOIN items i USING (item_ix) "
            "WHERE t.user_ix = a.user_ix AND t.interest_id = a.interest_id) AS items "
            "FROM assignments a JOIN interests n USING (interest_id) "
            "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user_ix ORDER BY a.rank"
        ),
        {"user_ix": user_ix},
    ).mappings()
    return [{**row, "items": json.loads(row["items"])} for row in rows]
