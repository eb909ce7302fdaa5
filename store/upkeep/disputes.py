"""Wrong for this person: an interest that is no longer shown to, or used for, one user.

Others keep it: where the user of an exemplar disputes an interest, the members of the exemplar have
it as before. It stays in the store with its evidence, and ``store.upkeep.edits.undo`` brings it
back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import UserError
from store.views.shared.row import KeyedRow
from store.views.subjects.users import find_user

if TYPE_CHECKING:
    from store.store import Store

KIND = "dispute"
"""Kind of these changes in the table ``edits``."""
LONGEST_REASON = 500

_IS_OF_USER = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) FROM interests n WHERE "
    "n.interest_id = :interest AND (EXISTS (SELECT 1 FROM memberships m JOIN subjects s "
    "USING (subject_id) JOIN interests x USING (subject_id) WHERE m.user_ix = :user_ix "
    "AND s.active AND coalesce(n.canonical_id, n.interest_id) IN (x.interest_id, x.canonical_id)) "
    "OR EXISTS "
    "(SELECT 1 FROM assignments a JOIN interests x USING (interest_id) WHERE a.user_ix = :user_ix "
    "AND coalesce(n.canonical_id, n.interest_id) IN (x.interest_id, x.canonical_id)))"
)
_IS_DISPUTED = statement(
    "SELECT edit_id FROM disputes WHERE user_ix = :user_ix AND interest_id = :interest"
)
_ADD = statement(
    "INSERT INTO disputes (user_ix, interest_id, edit_id) VALUES (:user_ix, :interest, :edit)"
)
_REMOVE = statement("DELETE FROM disputes WHERE edit_id = :edit")
_FORGET = statement(
    "DELETE FROM edits WHERE kind = 'dispute' AND json_extract(payload, '$.user_ix') = :user_ix"
)


_FORGET_AUTHOR = statement(
    "UPDATE edits SET made_by = nullif(made_by, u.user_id), "
    "undone_by = nullif(undone_by, u.user_id) "
    "FROM users u WHERE u.user_ix = :user_ix AND u.user_id IN (edits.made_by, edits.undone_by)"
)
_NAMES = statement("SELECT user_ix, user_id FROM users WHERE user_ix IN :users", "users")


@dataclass(frozen=True)
class Disputed(KeyedRow):
    """An interest was called wrong for one user.

    Attributes
    ----------
    interest, user_ix
        Which, and for whom; the id of the user stands in the table of users alone.
    why, by
        The reason and who gave it, as they were entered; empty where they were not.
    """

    interest: int
    user_ix: int
    why: str
    by: str


def check_dispute(
    connection: Connection, store: Store, user_id: str, interest_id: int, why: str, by: str
) -> Disputed:
    """Return the change that a dispute makes, by the interest that stands for the one named.

    Raises
    ------
    StoreError, UserError
        If the user is unknown, has no such interest or disputed it already, or a text is too long.
    """
    for name, text in (("why", why), ("by", by)):
        if len(text) > LONGEST_REASON:
            raise UserError(f"`{name}` has {len(text)} characters; at most {LONGEST_REASON}")
    user = find_user(connection, user_id, store)
    named = {"user_ix": user.user_ix, "interest": interest_id}
    lead = connection.execute(_IS_OF_USER, named).scalar()
    if lead is None:
        raise UserError(
            f"user {user_id!r} has no interest {interest_id}; profiler show lists those of a user"
        )
    known = {"user_ix": user.user_ix, "interest": int(lead)}
    edit = connection.execute(_IS_DISPUTED, known).scalar()
    if edit is not None:
        raise UserError(f"interest {lead} is disputed for user {user_id!r} already (edit {edit})")
    return Disputed(int(lead), user.user_ix, why.strip(), by.strip())


def enter(connection: Connection, edit_id: int, change: Disputed) -> None:
    """Keep a dispute that was recorded as an edit."""
    row = {"user_ix": change.user_ix, "interest": change.interest, "edit": edit_id}
    connection.execute(_ADD, row)


def take_back(connection: Connection, edit_id: int) -> None:
    """Let the interest be the user's again."""
    connection.execute(_REMOVE, {"edit": edit_id})


def disputed_users(store: Transactions, changes: Iterable[object]) -> dict[int, str]:
    """Return the ids of the users that disputes among some changes are about, by user_ix."""
    users = {change.user_ix for change in changes if isinstance(change, Disputed)}
    with store.read() as connection:
        return {row[0]: row[1] for row in connection.execute(_NAMES, {"users": sorted(users)})}


def forget_disputes(connection: Connection, user_ix: int) -> None:
    """Remove what a user disputed and why, those taken back included."""
    connection.execute(_FORGET, {"user_ix": user_ix})
    connection.execute(_FORGET_AUTHOR, {"user_ix": user_ix})
