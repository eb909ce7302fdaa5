"""The catalogue of interests: each with whom it reaches, near-duplicates under one label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import Row as DatabaseRow

from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.listing import first
from store.views.shared.row import Row

_PAGE = 1_000
"""Most entries taken from the kept order; more of them count everything at once."""

_CHUNK = 5_000

_INTERESTS = (
    "SELECT n.interest_id, n.label, n.description, n.source, n.pinned, n.canonical_id, "
    "s.name AS subject, (SELECT count(*) FROM evidence e WHERE e.interest_id = n.interest_id) "
    "AS evidence FROM interests n JOIN subjects s USING (subject_id) WHERE s.active "
)
_ALL = statement(_INTERESTS + "ORDER BY n.interest_id")
_OF_LEADS = statement(
    _INTERESTS + "AND (n.interest_id IN :leads OR n.canonical_id IN :leads) ORDER BY n.interest_id",
    "leads",
)
_USERS_OF_LEADS = statement(
    "SELECT interest_id, users FROM listing WHERE interest_id IN :leads", "leads"
)
_REACH = statement("SELECT interest_id, count(*) FROM interest_users GROUP BY interest_id")
_REACH_OF_GROUPS = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, count(DISTINCT r.user_ix) "
    "FROM interest_users r JOIN interests n USING (interest_id) GROUP BY lead"
)
_LABEL = statement("SELECT label FROM interests WHERE interest_id = :id")
# The view interest_users for one interest and those under it: SQLite does not carry the condition
# into its UNION.
_REACHED = statement("""
WITH alike AS (
  SELECT interest_id, subject_id FROM interests WHERE interest_id = :interest
  UNION SELECT interest_id, subject_id FROM interests WHERE canonical_id = :interest
), reached AS (
  SELECT m.user_ix FROM alike n JOIN memberships m ON m.subject_id = n.subject_id
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active
  UNION SELECT a.user_ix FROM alike n JOIN assignments a ON a.interest_id = n.interest_id
  UNION SELECT s.user_ix FROM alike n
  JOIN subjects s ON s.subject_id = n.subject_id AND s.active WHERE s.user_ix IS NOT NULL
)
SELECT u.user_id, count(*) OVER () FROM reached JOIN users u USING (user_ix)
ORDER BY u.user_ix LIMIT :limit""")
_EVIDENCE_OF_GROUP = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, count(DISTINCT e.item_ix) "
    "FROM evidence e JOIN interests n USING (interest_id) JOIN subjects s USING (subject_id) "
    "WHERE s.active AND (n.interest_id IN :leads OR n.canonical_id IN :leads) GROUP BY lead",
    "leads",
)


@dataclass(frozen=True)
class ListedInterest(Row):
    """An interest of an active subject by itself.

    Attributes
    ----------
    canonical_id
        The interest that stands for it; None where it stands for itself.
    evidence, users
        Number of items that prove it; number of users it reaches.
    """

    interest_id: int
    label: str
    description: str
    source: str
    pinned: bool
    canonical_id: int | None
    subject: str
    evidence: int
    users: int


@dataclass(frozen=True)
class Merged(Row):
    """An interest that stands under another one."""

    interest_id: int
    label: str
    subject: str


@dataclass(frozen=True)
class InterestGroup(Row):
    """An interest and those that stand under it; items and users are those of all together."""

    interest_id: int
    label: str
    description: str
    source: str
    pinned: bool
    subject: str
    evidence: int
    users: int
    merged: list[Merged]


@dataclass(frozen=True)
class Reach(Row):
    """How many users an interest reaches, and the first few of them."""

    users: int
    some_users: list[str]


def list_interests(store: Transactions, *, limit: int | None = None) -> list[InterestGroup]:
    """Return interests of active subjects, one entry for each group of near-duplicates.

    Pinned ones come first, then by users reached, then by label; at most ``limit``.
    """
    with store.read() as connection:
        leads = None if limit is None or limit > _PAGE else first(connection, limit)
        if leads is None:
            rows = _rows(connection.execute(_ALL).all())
            users = {row[0]: row[1] for row in connection.execute(_REACH_OF_GROUPS)}
        else:
            values = {"leads": leads}
            rows = _rows(connection.execute(_OF_LEADS, values).all())
            users = {row[0]: row[1] for row in connection.execute(_USERS_OF_LEADS, values)}
        groups = sorted(_grouped(connection, rows, users), key=_rank)[:limit]
        return _with_evidence(connection, groups)


def list_single_interests(store: Transactions, *, limit: int | None = None) -> list[ListedInterest]:
    """Return interests of active subjects with near-duplicates apart, in the same order."""
    with store.read() as connection:
        rows = _rows(connection.execute(_ALL).all())
        users = {row[0]: row[1] for row in connection.execute(_REACH)}
    counted = [replace(row, users=users.get(row.interest_id, 0)) for row in rows]
    return sorted(counted, key=_rank)[:limit]


def reached(connection: Connection, interests: Sequence[int], limit: int = 5) -> dict[int, Reach]:
    """How many users each interest reaches with those that stand under it, and a few of them.

    Parameters
    ----------
    interests
        interest_id of each.
    limit
        Users that are named for each.
    """
    found = {}
    for interest in interests:
        rows = connection.execute(_REACHED, {"interest": interest, "limit": limit}).all()
        found[interest] = Reach(int(rows[0][1]) if rows else 0, [row[0] for row in rows])
    return found


def _rank(entry: ListedInterest | InterestGroup) -> tuple[bool, int, str, int]:
    return not entry.pinned, -entry.users, entry.label, entry.interest_id


def _rows(rows: Iterable[DatabaseRow[Any]]) -> list[ListedInterest]:
    """Rows of :data:`_INTERESTS`; whom they reach is not known yet."""
    return [
        ListedInterest(number, label, description, source, bool(pinned), lead, subject, items, 0)
        for number, label, description, source, pinned, lead, subject, items in map(tuple, rows)
    ]


def _grouped(
    connection: Connection, rows: Sequence[ListedInterest], users: dict[int, int]
) -> list[InterestGroup]:
    groups: dict[int, list[ListedInterest]] = {}
    for row in rows:
        groups.setdefault(row.canonical_id or row.interest_id, []).append(row)
    return [_group(connection, lead, group, users) for lead, group in groups.items()]


def _group(
    connection: Connection, lead: int, group: list[ListedInterest], users: dict[int, int]
) -> InterestGroup:
    own = next((row for row in group if row.interest_id == lead), None)
    if own is None:  # the canonical interest is of a subject no longer in use; its name stays
        label = connection.execute(_LABEL, {"id": lead}).scalar_one()
        own = replace(group[0], interest_id=lead, label=label)
    return InterestGroup(
        interest_id=lead,
        label=own.label,
        description=own.description,
        source=own.source,
        pinned=own.pinned,
        subject=own.subject,
        evidence=own.evidence,
        users=users.get(lead, 0),
        merged=[
            Merged(row.interest_id, row.label, row.subject)
            for row in group
            if row.interest_id != lead
        ],
    )


def _with_evidence(connection: Connection, groups: Sequence[InterestGroup]) -> list[InterestGroup]:
    """Count the items that prove a group of several, each once."""
    leads = [group.interest_id for group in groups if group.merged]
    items: dict[int, int] = {}
    for start in range(0, len(leads), _CHUNK):
        rows = connection.execute(_EVIDENCE_OF_GROUP, {"leads": leads[start : start + _CHUNK]})
        items.update((row[0], row[1]) for row in rows)
    return [
        replace(group, evidence=items[group.interest_id]) if group.interest_id in items else group
        for group in groups
    ]
