"""What is said of a user or an item layer by layer, with who wrote it and from how many texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from store.db.statements import statement
from store.views.shared.row import Row

_OF = statement(
    "SELECT CAST(substr(s.name, 6, instr(s.name, ':') - 6) AS INTEGER) AS layer, d.text, d.source, "
    "d.response_id, s.state, s.reason, (SELECT count(*) FROM task_subject_parents q "
    "WHERE q.task_subject_id = s.task_subject_id AND q.place > 0) AS neighbours "
    "FROM task_subjects s LEFT JOIN descriptions d USING (task_subject_id) "
    "WHERE s.task = 'layers' AND s.kind = :kind AND "
    "CASE s.kind WHEN 'user' THEN s.user_ix ELSE s.item_ix END = :number ORDER BY layer"
)


@dataclass(frozen=True)
class SaidAtLayer(Row):
    """A description, or why there is none.

    Attributes
    ----------
    layer
        From 1.
    text, source, response_id
        Who wrote what: ``offline`` or a model's name, and from which answer; None where there is
        no description.
    neighbours
        Texts of neighbours that it was written from: users' for an item, items' for a user.
    state, reason
        ``ok``, ``pending`` or ``quarantined``, and why it is quarantined.
    """

    layer: int
    text: str | None
    source: str | None
    response_id: int | None
    neighbours: int
    state: str
    reason: str | None


def said_of(
    connection: Connection, kind: Literal["user", "item"], number: int
) -> list[SaidAtLayer]:
    """What is said of a user or an item, the lowest layer first.

    Parameters
    ----------
    kind, number
        ``user`` and ``user_ix``, or ``item`` and ``item_ix``.
    """
    rows = connection.execute(_OF, {"kind": kind, "number": number}).mappings()
    return [SaidAtLayer(**row) for row in rows]
