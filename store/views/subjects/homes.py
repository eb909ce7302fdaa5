"""Who stands for whom, by the names of the data: two stores number users differently."""

from __future__ import annotations

from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions

_HOMES = statement(
    "SELECT u.user_id, s.name FROM memberships m JOIN subjects s USING (subject_id) "
    "JOIN users u ON u.user_ix = m.user_ix "
    "WHERE s.kind = 'exemplar' AND s.active AND NOT u.forgotten ORDER BY u.user_ix"
)
_USERS = statement("SELECT user_id FROM users WHERE NOT forgotten")
_ITEMS = statement("SELECT item_id FROM items")


@dataclass(frozen=True)
class Crowd:
    """Everybody in a store.

    Attributes
    ----------
    users, items
        Their ids in the data.
    homes
        User id → user id of the exemplar in use that stands for them.
    """

    users: frozenset[str]
    items: frozenset[str]
    homes: dict[str, str]


def read_crowd(store: Transactions) -> Crowd:
    """Read the users, the items and who stands for whom."""
    with store.read() as connection:
        homes = connection.execute(_HOMES)
        return Crowd(
            users=frozenset(connection.execute(_USERS).scalars()),
            items=frozenset(connection.execute(_ITEMS).scalars()),
            homes={row[0]: row[1].removeprefix("exemplar:") for row in homes},
        )
