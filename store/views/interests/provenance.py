"""Where an interest comes from: its words, the items that prove it, subject and response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.interests import Catalogue
from store.views.interests.catalogue import reached
from store.views.shared.row import Row
from store.views.subjects.users import Evidence, Item, evidence_of

_ORIGINS = statement(
    "SELECT n.interest_id, n.label, n.description, n.source, n.response_id, s.name, s.kind "
    "FROM interests n JOIN subjects s USING (subject_id) WHERE n.interest_id IN :ids",
    "ids",
)
_EVIDENCE = statement(
    "SELECT e.interest_id, i.item_id, i.title FROM evidence e JOIN items i USING (item_ix) "
    "WHERE e.interest_id IN :ids ORDER BY e.interest_id, e.position",
    "ids",
)
_IN_USE = statement(
    "SELECT n.interest_id, n.label, n.description, n.source, s.name AS subject FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE n.interest_id = :id AND s.active"
)


@dataclass(frozen=True)
class InterestOrigin(Row):
    """An interest's words, whose it is, who made it by which response, and what proves it."""

    interest_id: int
    label: str
    description: str
    subject: str
    kind: str
    source: str
    response_id: int | None
    evidence: list[Item]


@dataclass(frozen=True)
class InterestInUse(Row):
    """An interest in use, whom it reaches, and the items that prove it."""

    interest_id: int
    label: str
    description: str
    source: str
    subject: str
    users: int
    some_users: list[str]
    evidence: list[Evidence]


def describe_interests(
    store: Transactions, catalogue: Catalogue, rows: Sequence[int]
) -> list[InterestOrigin]:
    """Words, evidence and origin of interests given by their rows, in that order."""
    return origins_of(store, [int(catalogue.ids[row]) for row in rows])


def origins_of(store: Transactions, ids: Sequence[int]) -> list[InterestOrigin]:
    """Words, evidence and origin of interests given by their ids, in that order."""
    with store.read() as connection:
        found = {row.interest_id: row for row in connection.execute(_ORIGINS, {"ids": list(ids)})}
        proofs = connection.execute(_EVIDENCE, {"ids": list(ids)}).all()
    evidence: dict[int, list[Item]] = {interest: [] for interest in ids}
    for interest_id, item_id, title in proofs:
        evidence[interest_id].append(Item(item_id, title))
    return [
        InterestOrigin(
            interest_id=interest,
            label=found[interest].label,
            description=found[interest].description,
            subject=found[interest].name,
            kind=found[interest].kind,
            source=found[interest].source,
            response_id=found[interest].response_id,
            evidence=evidence[interest],
        )
        for interest in ids
    ]


def show_interest(store: Transactions, interest_id: int) -> InterestInUse | None:
    """One interest in use; None where there is none with this number."""
    with store.read() as connection:
        row = connection.execute(_IN_USE, {"id": interest_id}).mappings().first()
        if row is None:
            return None
        reach = reached(connection, [interest_id])[interest_id]
        evidence = evidence_of(connection, [interest_id]).get(interest_id, [])
    return InterestInUse(**row, users=reach.users, some_users=reach.some_users, evidence=evidence)
