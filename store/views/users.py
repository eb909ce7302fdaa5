"""Look-ups for people: a user's interests with the items that prove them, and where they are from.

Everything here is a few indexed SELECTs on one connection; nothing loads a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, text

from store.data.splits import Part
from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import StoreError
from store.views.near_names import like_user
from store.views.row import Row

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


_USERS = statement("SELECT count(*) FROM users WHERE NOT forgotten")
_EXEMPLAR_OF_USERS = statement(
    "SELECT u.user_id, coalesce(s.name, ''), coalesce(s.size, 0) FROM users u "
    "LEFT JOIN memberships m ON m.user_ix = u.user_ix AND m.subject_id IN "
    "(SELECT subject_id FROM subjects WHERE active AND kind = 'exemplar') "
    "LEFT JOIN subjects s ON s.subject_id = m.subject_id WHERE NOT u.forgotten"
)
_LATEST = statement(
    "SELECT i.item_id, x.part FROM interactions x JOIN users u USING (user_ix) "
    "JOIN items i USING (item_ix) WHERE u.user_id = :user ORDER BY x.position DESC LIMIT 1"
)


@dataclass(frozen=True)
class LatestItem(Row):
    """The item of a user's latest interaction, and which part of the split that is."""

    item_id: str
    part: Part


def count_users(store: Transactions) -> int:
    """Users in the store; forgotten ones are none."""
    with store.read() as connection:
        return int(connection.execute(_USERS).scalar_one())


def exemplar_of_users(store: Transactions) -> list[tuple[str, str, int]]:
    """Each user with the name and size of its exemplar; an empty name and 0 without one."""
    with store.read() as connection:
        rows = connection.execute(_EXEMPLAR_OF_USERS)
        return [(row[0], row[1], int(row[2])) for row in rows]


def latest_item(store: Transactions, user_id: str) -> LatestItem | None:
    """A user's latest interaction; None where there is none."""
    with store.read() as connection:
        row = connection.execute(_LATEST, {"user": user_id}).first()
    return None if row is None else LatestItem(row[0], Part(row[1]))


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
        near = like_user(connection, str(user_id)) or "; the ids are those of the data"
        raise StoreError(f"no user {user_id!r} in {store.path}{near}")
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
