"""Where an interest comes from: its words, the items that prove it, subject and response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.interests import Catalogue

QUERY = text(
    "SELECT n.interest_id, n.label, n.description, n.source, n.response_id, s.name, s.kind "
    "FROM interests n JOIN subjects s USING (subject_id) WHERE n.interest_id IN :ids"
).bindparams(bindparam("ids", expanding=True))
EVIDENCE = text(
    "SELECT e.interest_id, i.item_id, i.title FROM evidence e JOIN items i USING (item_ix) "
    "WHERE e.interest_id IN :ids ORDER BY e.interest_id, e.position"
).bindparams(bindparam("ids", expanding=True))


def describe_interests(
    store: Store, catalogue: Catalogue, rows: Sequence[int]
) -> list[dict[str, Any]]:
    """Words, evidence and origin of interests given by their rows, in that order."""
    ids = [int(catalogue.ids[row]) for row in rows]
    with store.read() as connection:
        found = {row.interest_id: row for row in connection.execute(QUERY, {"ids": ids})}
        proofs = connection.execute(EVIDENCE, {"ids": ids}).all()
    evidence: dict[int, list[dict[str, Any]]] = {interest: [] for interest in ids}
    for interest_id, item_id, title in proofs:
        evidence[interest_id].append({"item_id": item_id, "title": title})
    return [
        {
            "interest_id": interest,
            "label": found[interest].label,
            "description": found[interest].description,
            "subject": found[interest].name,
            "kind": found[interest].kind,
            "source": found[interest].source,
            "response_id": found[interest].response_id,
            "evidence": evidence[interest],
        }
        for interest in ids
    ]
