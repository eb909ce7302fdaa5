"""Whom exemplars and synthetic users stand for, as the report's curves need it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.transactions import Transactions

_USERS = statement("SELECT count(*) FROM users WHERE NOT forgotten")
_ITEMS = statement("SELECT count(*) FROM items")
_MEMBERS = statement(
    "SELECT s.subject_id, m.similarity FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'exemplar' ORDER BY s.size DESC, s.subject_id"
)
_SYNTHETIC = statement(
    "SELECT subject_id, details FROM subjects WHERE active AND kind = 'synthetic' "
    "ORDER BY json_extract(details, '$.rank'), subject_id"
)
_UNION_USERS = statement(
    "SELECT m.subject_id, m.user_ix FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'synthetic'"
)
_UNION_ITEMS = statement(
    "SELECT i.subject_id, i.item_ix FROM subject_items i JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'synthetic'"
)


@dataclass(frozen=True)
class Coverage:
    """Members of exemplars, and synthetic users in the order chosen.

    Attributes
    ----------
    users
        Users in the store.
    members
        (exemplar, similarity) of each member whose similarity is known, exemplars with most
        members first.
    chosen
        Figures of the choice for each synthetic user, such as ``users_covered``.
    facts
        What the choice of synthetic users recorded as a whole; empty where there was none.
    """

    users: int
    members: list[tuple[int, float]]
    chosen: list[dict[str, Any]]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Unions:
    """Users and items of the first 1, 2, ... synthetic users together, and all items."""

    users: list[int]
    items: list[int]
    all_items: int


def coverage(store: Transactions) -> Coverage:
    """Whom the exemplars and synthetic users in use stand for."""
    with store.read() as connection:
        users = int(connection.execute(_USERS).scalar_one())
        members = connection.execute(_MEMBERS).all()
        details = [json.loads(row.details) for row in connection.execute(_SYNTHETIC)]
    known = [(int(row[0]), float(row[1])) for row in members if row[1] is not None]
    return Coverage(users, known, details, store.meta("synthetic_users", {}))


def unions(store: Transactions) -> Unions:
    """What the synthetic users in use stand for together, one after the other."""
    with store.read() as connection:
        subjects = [row.subject_id for row in connection.execute(_SYNTHETIC)]
        return Unions(
            _growth(subjects, _pairs(connection, _UNION_USERS)),
            _growth(subjects, _pairs(connection, _UNION_ITEMS)),
            int(connection.execute(_ITEMS).scalar_one()),
        )


def _pairs(connection: Connection, query: Any) -> list[tuple[int, int]]:
    return [(row[0], row[1]) for row in connection.execute(query)]


def _growth(subjects: list[int], pairs: Iterable[tuple[int, int]]) -> list[int]:
    of_subject: dict[int, list[int]] = {}
    for subject, value in pairs:
        of_subject.setdefault(subject, []).append(value)
    union: set[int] = set()
    sizes = []
    for subject in subjects:
        union.update(of_subject.get(subject, ()))
        sizes.append(len(union))
    return sizes
