"""Look-ups for people: a user's interests with the items that prove them, and where they are from.

Everything here is a few indexed SELECTs on one connection; nothing loads a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import StoreError
from store.tables.histories.door import Histories
from store.views.shared.descriptions import SaidAtLayer, said_of
from store.views.shared.near_names import like_user
from store.views.shared.row import Row

RECENT = 10

_INTERESTS = statement(
    "SELECT n.interest_id, n.subject_id, n.label, n.description, n.strength, n.source, "
    "n.response_id, n.pinned FROM interests n WHERE n.subject_id IN :subjects "
    "AND undisputed(:user_ix) ORDER BY n.subject_id, n.position",
    "subjects",
)
_EVIDENCE = statement(
    "SELECT e.interest_id, i.item_id, i.title, "
    "e.item_ix IN (SELECT value FROM json_each(:history)) AS touched "
    "FROM evidence e JOIN items i USING (item_ix) WHERE e.interest_id IN :interests "
    "ORDER BY e.interest_id, e.position",
    "interests",
)
_FIND = statement(
    "SELECT user_ix, user_id, split FROM users WHERE user_id = :user_id AND NOT forgotten"
)
_GROUPS = statement(
    "SELECT s.subject_id, s.kind, s.name, s.state, s.size AS members, m.similarity "
    "FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE m.user_ix = :user_ix AND s.active UNION "
    "SELECT s.subject_id, s.kind, s.name, s.state, s.size, 1.0 FROM subjects s "
    "WHERE s.user_ix = :user_ix AND s.kind = 'user' AND s.active ORDER BY 2, 6 DESC, 1"
)
_RECENT = statement(
    "SELECT i.item_id, i.title FROM json_each(:history) x JOIN items i ON i.item_ix = x.value "
    "ORDER BY x.key DESC LIMIT :limit"
)
_OWN = statement(
    "SELECT a.interest_id, n.label, n.description, a.score, s.name AS of_subject, "
    "n.source, n.response_id, (SELECT json_group_array(json_object('item_id', i.item_id, "
    "'title', i.title)) FROM assignment_items t JOIN items i USING (item_ix) "
    "WHERE t.user_ix = a.user_ix AND t.interest_id = a.interest_id) AS items "
    "FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user_ix AND undisputed(a) "
    "ORDER BY a.rank"
)


@dataclass(frozen=True)
class UserRow:
    """A user by its number and id, the side of the split, and the length of the history."""

    user_ix: int
    user_id: str
    split: str
    interactions: int

    def facts(self) -> UserFacts:
        """What is told of the user: without the store's own number."""
        return UserFacts(self.user_id, self.interactions, self.split)


@dataclass(frozen=True)
class UserFacts(Row):
    """A user's id, length of history and side of the split."""

    user_id: str
    interactions: int
    split: str


@dataclass(frozen=True)
class Item(Row):
    """An item by its id; the title is None where it has no text."""

    item_id: str
    title: str | None


@dataclass(frozen=True)
class Evidence(Item):
    """An item that proves an interest; ``touched``: the user in question has it too."""

    touched: bool


@dataclass(frozen=True)
class Interest(Row):
    """An interest with the items that prove it; ``strength`` is their share of what was shown."""

    interest_id: int
    label: str
    description: str
    strength: float
    source: str
    response_id: int | None
    pinned: bool
    evidence: list[Evidence]


@dataclass(frozen=True)
class Group(Row):
    """A subject that stands for a user, how similar the user is to it, and its interests."""

    subject_id: int
    kind: str
    name: str
    state: str
    members: int
    similarity: float | None
    interests: list[Interest]


@dataclass(frozen=True)
class OwnInterest(Row):
    """A stored interest that covers a share ``score`` of a user's history, by the user's items."""

    interest_id: int
    label: str
    description: str
    score: float
    of_subject: str
    source: str
    response_id: int | None
    items: list[Item]


@dataclass(frozen=True)
class UserProfile(Row):
    """A user's history in short and their interests, by every path that leads to some.

    Attributes
    ----------
    user, history
        Who it is; the latest items, the most recent first.
    exemplar, synthetic_users
        Whom the user belongs to; no exemplar is None.
    profile
        The user as a subject of its own, None where it was never asked about alone.
    own
        Stored interests that cover their own history, each with the user's own items.
    descriptions
        What is said of them layer by layer.
    """

    user: UserFacts
    history: list[Item]
    exemplar: Group | None
    synthetic_users: list[Group]
    profile: Group | None
    own: list[OwnInterest]
    descriptions: list[SaidAtLayer]

    def __repr__(self) -> str:
        near = "no exemplar" if self.exemplar is None else self.exemplar.name
        facts = f"{self.user.interactions:,} interactions, {len(self.own)} interests of their own"
        return f"<UserProfile {self.user.user_id}: {facts}, {near}>"


def show_user(store: Transactions, user_id: str) -> UserProfile:
    """Return a user's history in short and their interests, by every path that leads to some.

    Raises
    ------
    StoreError
        If the store has no such user.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        groups = _groups(connection, user.user_ix)
        return UserProfile(
            user=user.facts(),
            history=_recent(connection, user.user_ix),
            exemplar=next((g for g in groups if g.kind == "exemplar"), None),
            synthetic_users=[g for g in groups if g.kind == "synthetic"],
            profile=next((g for g in groups if g.kind == "user"), None),
            own=_own(connection, user.user_ix),
            descriptions=said_of(connection, "user", user.user_ix),
        )


def find_user(connection: Connection, user_id: str, store: Transactions) -> UserRow:
    """Return number, id, split and history length of a user; an unknown one is an error.

    Raises
    ------
    StoreError
        For an unknown user; the message names users with similar ids.
    """
    found = connection.execute(_FIND, {"user_id": str(user_id)}).mappings().first()
    if found is None:
        near = like_user(connection, str(user_id)) or "; the ids are those of the data"
        raise StoreError(f"no user {user_id!r} in {store.path}{near}")
    return UserRow(**found, interactions=len(Histories(connection).items_of(found["user_ix"])))


def interests_of(
    connection: Connection, subjects: Sequence[int], user_ix: int = -1
) -> dict[int, list[Interest]]:
    """Interests of subjects with their evidence; ``touched`` tells what ``user_ix`` has itself.

    Parameters
    ----------
    subjects
        subject_id of each.
    user_ix
        Whose own history marks the evidence; -1 marks none.

    Returns
    -------
    dict
        subject_id → interests in their order; subjects without any are missing.
    """
    asked = {"subjects": list(subjects), "user_ix": user_ix}
    rows = connection.execute(_INTERESTS, asked).all()
    evidence = evidence_of(connection, [row.interest_id for row in rows], user_ix)
    result: dict[int, list[Interest]] = {}
    for number, subject, label, description, strength, source, response, pinned in rows:
        proof = evidence.get(number, [])
        result.setdefault(subject, []).append(
            Interest(number, label, description, strength, source, response, bool(pinned), proof)
        )
    return result


def evidence_of(
    connection: Connection, interests: Sequence[int], user_ix: int = -1
) -> dict[int, list[Evidence]]:
    """Evidence items of interests, in their order.

    Parameters
    ----------
    interests
        interest_id of each.
    user_ix
        Whose own history marks the items; -1 marks none.
    """
    history = "[]" if user_ix < 0 else Histories(connection).items_as_json(user_ix)
    rows = connection.execute(_EVIDENCE, {"interests": list(interests), "history": history})
    result: dict[int, list[Evidence]] = {}
    for interest_id, item_id, title, touched in rows:
        result.setdefault(interest_id, []).append(Evidence(item_id, title, bool(touched)))
    return result


def _groups(connection: Connection, user_ix: int) -> list[Group]:
    """Active subjects that stand for a user: their exemplar, synthetic users, their own profile."""
    rows = connection.execute(_GROUPS, {"user_ix": user_ix}).mappings().all()
    interests = interests_of(connection, [row["subject_id"] for row in rows], user_ix)
    return [Group(**row, interests=interests.get(row["subject_id"], [])) for row in rows]


def _recent(connection: Connection, user_ix: int) -> list[Item]:
    history = Histories(connection).items_as_json(user_ix)
    rows = connection.execute(_RECENT, {"history": history, "limit": RECENT})
    return [Item(row[0], row[1]) for row in rows]


def _own(connection: Connection, user_ix: int) -> list[OwnInterest]:
    rows = connection.execute(_OWN, {"user_ix": user_ix}).mappings()
    return [
        OwnInterest(**{**row, "items": [Item(**item) for item in json.loads(row["items"])]})
        for row in rows
    ]
