"""Subjects: whoever one prompt is about, the items shown for it, and the users it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, bindparam, text

from store.choices import SubjectKind
from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import canonical_json
from store.tables.shown import refuse_leak
from store.tables.sound import parsed

Kind = SubjectKind
State = Literal["pending", "ok", "quarantined"]


_ADD_MEMBER = "INSERT INTO memberships (subject_id, user_ix, similarity) VALUES (?, ?, ?)"
_SIZES = statement(
    "UPDATE subjects SET size = (SELECT count(*) FROM memberships m "
    "WHERE m.subject_id = subjects.subject_id) WHERE kind = 'exemplar' AND active "
    "AND EXISTS (SELECT 1 FROM memberships m WHERE m.subject_id = subjects.subject_id)"
)
_HOMES = statement(
    "SELECT m.user_ix, m.subject_id FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.kind = 'exemplar' AND s.active ORDER BY m.user_ix, m.subject_id"
)
_MEMBERS = statement(
    "SELECT m.subject_id, m.user_ix FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.active UNION SELECT subject_id, user_ix FROM subjects "
    "WHERE active AND user_ix IS NOT NULL ORDER BY 1, 2"
)
_SIMILARITIES = statement(
    "SELECT m.user_ix, m.similarity FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.kind = :kind AND s.active AND m.similarity IS NOT NULL"
)


@dataclass(frozen=True)
class SubjectRow:
    """A subject as the profiler chose it.

    Attributes
    ----------
    kind, name
        ``exemplar:USER_ID``, ``user:USER_ID`` or ``synthetic:DIGEST12``.
    user_ix
        The user itself; ``None`` for a synthetic user.
    items
        item_ix in the order shown.
    owners
        For each item, how many members own it; empty means 1 each.
    members, similarities
        user_ix of the users it stands for, and how similar each is (``None``: unknown).
    details
        Anything else worth keeping as JSON: cohesion, gain, net similarity.
    """

    kind: Kind
    name: str
    user_ix: int | None
    items: Sequence[int]
    owners: Sequence[int] = ()
    members: Sequence[int] = ()
    similarities: Sequence[float | None] = ()
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A subject as it stands in the store; ``items`` are item_ix in the order shown."""

    subject_id: int
    kind: Kind
    name: str
    user_ix: int | None
    state: State
    reason: str | None
    size: int
    active: bool
    details: dict[str, object]
    items: tuple[int, ...]


class Subjects:
    """Repository of subjects and memberships."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def choose(self, kind: Kind, rows: Sequence[SubjectRow], run_id: int) -> None:
        """Make ``rows`` the active subjects of ``kind``, in one transaction.

        A subject whose items did not change keeps its state and interests; one whose items changed
        is pending again. Subjects no longer chosen turn inactive: what was paid for stays.
        Memberships of the kind are replaced.

        Raises
        ------
        LeakageError
            If a synthetic user comes back whose interests rest on items that are hidden by now;
            nothing is changed.
        """
        with self._db.write() as connection:
            connection.execute(
                text("UPDATE subjects SET active = 0 WHERE kind = :kind"), {"kind": kind}
            )
            connection.execute(
                text(
                    "DELETE FROM memberships WHERE subject_id IN "
                    "(SELECT subject_id FROM subjects WHERE kind = :kind)"
                ),
                {"kind": kind},
            )
            for row in rows:
                _save(connection, row, run_id)
            if kind == "synthetic":
                refuse_leak(connection, kind)

    def add(self, rows: Sequence[SubjectRow], run_id: int) -> list[int]:
        """Add or renew subjects beside the active ones; return their ids in order."""
        with self._db.write() as connection:
            return [_save(connection, row, run_id) for row in rows]

    def add_members(self, members: Sequence[tuple[int, int, float]]) -> None:
        """Let users join subjects: (subject_id, user_ix, similarity) of each.

        The sizes of exemplars with members follow.
        """
        with self._db.write() as connection:
            driver_connection(connection).executemany(_ADD_MEMBER, members)
            connection.execute(_SIZES)

    def similarities(self, kind: Kind) -> list[tuple[int, float]]:
        """(user_ix, similarity) of all members of active subjects of a kind, where it is known."""
        with self._db.read() as connection:
            rows = connection.execute(_SIMILARITIES, {"kind": kind})
            return [(row[0], row[1]) for row in rows]

    def homes(self) -> list[tuple[int, int]]:
        """(user_ix, subject_id) of every user and the exemplar in use that stands for them."""
        with self._db.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(_HOMES)]

    def members(self) -> list[tuple[int, int]]:
        """(subject_id, user_ix) of everybody whom a subject in use is or stands for."""
        with self._db.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(_MEMBERS)]

    def show_again(self, shown: Mapping[int, Sequence[int]]) -> None:
        """Give subjects other items to be asked about: they are pending, what they have stays.

        Parameters
        ----------
        shown
            subject_id → item_ix in the order to be shown.
        """
        with self._db.write() as connection:
            for subject_id, items in shown.items():
                _save_items(connection, subject_id, items, ())

    def load(
        self,
        *,
        states: Sequence[State] = ("pending", "ok", "quarantined"),
        kinds: Sequence[Kind] = ("exemplar", "synthetic", "user"),
        active: bool = True,
    ) -> list[Subject]:
        """Subjects in the given states, by id; only active ones unless ``active`` is false.

        What an import replaced and keeps for ``profiler undo`` is never among them.

        Parameters
        ----------
        states, kinds
            Which subjects.
        active
            Leave out those that the latest choice no longer has.
        """
        query = text(
            "SELECT subject_id, kind, name, user_ix, state, reason, size, active, details, "
            "(SELECT json_group_array(item_ix) FROM (SELECT item_ix FROM subject_items i "
            "WHERE i.subject_id = s.subject_id ORDER BY position)) AS items "
            "FROM subjects s WHERE state IN :states AND kind IN :kinds AND active >= :active "
            "AND subject_id NOT IN (SELECT kept_id FROM import_subjects WHERE kept_id IS NOT NULL) "
            "ORDER BY subject_id"
        ).bindparams(bindparam("states", expanding=True), bindparam("kinds", expanding=True))
        values = {"states": list(states), "kinds": list(kinds), "active": int(active)}
        with self._db.read() as connection:
            rows = connection.execute(query, values).all()
        return [
            Subject(
                subject_id=row.subject_id,
                kind=row.kind,
                name=row.name,
                user_ix=row.user_ix,
                state=row.state,
                reason=row.reason,
                size=row.size,
                active=bool(row.active),
                details=parsed(self._db.path, row.details, f"details of {row.name!r}", dict),
                items=tuple(parsed(self._db.path, row.items, f"items of {row.name!r}")),
            )
            for row in rows
        ]

    def set_state(self, subject_id: int, state: State, reason: str | None = None) -> None:
        """Record how asking about a subject ended.

        Parameters
        ----------
        state
            ``pending``, ``ok`` or ``quarantined``.
        reason
            Why the answers could not be used; kept beside ``quarantined``.
        """
        with self._db.write() as connection:
            connection.execute(
                text(
                    "UPDATE subjects SET state = :state, reason = :reason "
                    "WHERE subject_id = :subject_id"
                ),
                {"subject_id": subject_id, "state": state, "reason": reason},
            )

    def counts(self) -> dict[str, dict[str, int]]:
        """Active subjects by kind and state."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement(
                    "SELECT kind, state, count(*) FROM subjects WHERE active GROUP BY kind, state"
                )
            ).all()
        result: dict[str, dict[str, int]] = {}
        for kind, state, number in rows:
            result.setdefault(kind, {})[state] = number
        return result


def _save(connection: Connection, row: SubjectRow, run_id: int) -> int:
    values = {
        "kind": row.kind,
        "name": row.name,
        "user_ix": row.user_ix,
        "run_id": run_id,
        "size": max(len(row.members), 1),
        "details": canonical_json(row.details),
    }
    subject_id = int(
        connection.execute(
            text(
                "INSERT INTO subjects (kind, name, user_ix, run_id, size, details) "
                "VALUES (:kind, :name, :user_ix, :run_id, :size, :details) "
                "ON CONFLICT (name) DO UPDATE SET active = 1, size = excluded.size, "
                "details = excluded.details, user_ix = excluded.user_ix RETURNING subject_id"
            ),
            values,
        ).scalar_one()
    )
    _save_items(connection, subject_id, row.items, row.owners)
    similarities = row.similarities or [None] * len(row.members)
    if row.members:
        driver_connection(connection).executemany(
            "INSERT OR REPLACE INTO memberships (user_ix, subject_id, similarity) VALUES (?, ?, ?)",
            [
                (int(user), subject_id, None if value is None else float(value))
                for user, value in zip(row.members, similarities, strict=True)
            ],
        )
    return subject_id


def _save_items(
    connection: Connection, subject_id: int, items: Sequence[int], owned: Sequence[int]
) -> None:
    """Renew the items shown and who owns them; other items make the subject pending again."""
    query = text(
        "SELECT item_ix, owners FROM subject_items WHERE subject_id = :id ORDER BY position"
    )
    before = [tuple(one) for one in connection.execute(query, {"id": subject_id})]
    owners = owned or [1] * len(items)
    after = [(int(item), int(n)) for item, n in zip(items, owners, strict=True)]
    if before == after:
        return
    if [item for item, _ in before] != [item for item, _ in after]:
        connection.execute(
            text("UPDATE subjects SET state = 'pending', reason = NULL WHERE subject_id = :id"),
            {"id": subject_id},
        )
    connection.execute(text("DELETE FROM subject_items WHERE subject_id = :id"), {"id": subject_id})
    if after:
        driver_connection(connection).executemany(
            "INSERT INTO subject_items (subject_id, position, item_ix, owners) VALUES (?, ?, ?, ?)",
            [(subject_id, place, item, count) for place, (item, count) in enumerate(after)],
        )
