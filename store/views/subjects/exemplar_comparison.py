"""A user against their exemplar, as in the case study of EIMF: what the exemplar's view adds.

Source: EIMF (arXiv 2411.09410), case study: one user's few items against their exemplar's many, and
the interests inferred from each. All look-ups; nothing is inferred here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, TextClause

from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import StoreError
from store.tables.histories.door import Histories
from store.views.shared.row import Row
from store.views.subjects.users import Interest, Item, OwnInterest, UserFacts, find_user, show_user

_ITEMS = statement(
    "SELECT i.item_ix, i.item_id, i.title, max(x.key) AS latest FROM json_each(:history) x "
    "JOIN items i ON i.item_ix = x.value GROUP BY i.item_ix ORDER BY latest DESC"
)
_SHOWN = statement(
    "SELECT i.item_ix, i.item_id, i.title FROM subject_items s JOIN items i USING (item_ix) "
    "WHERE s.subject_id = :id ORDER BY s.position DESC"
)


@dataclass(frozen=True)
class ComparedExemplar(Row):
    """The exemplar; ``is_user``: the user is their own exemplar; ``items`` were shown for it."""

    user_id: str
    is_user: bool
    similarity: float | None
    members: int
    items: int


@dataclass(frozen=True)
class ItemComparison(Row):
    """Items of either or both, the most recent first, and the Jaccard index of both sets."""

    shared: list[Item]
    only_user: list[Item]
    exemplar_adds: list[Item]
    jaccard: float


@dataclass(frozen=True)
class InterestComparison(Row):
    """Stored interests that cover the user's history, and the exemplar's.

    ``shared`` are the exemplar's that the user's own items prove too.
    """

    own: list[OwnInterest]
    shared: list[Interest]
    exemplar_adds: list[Interest]


@dataclass(frozen=True)
class Comparison(Row):
    """A user against their exemplar."""

    user: UserFacts
    exemplar: ComparedExemplar
    items: ItemComparison
    interests: InterestComparison


def compare_user(store: Transactions, user_id: str) -> Comparison:
    """Return a user's history against the items their exemplar was asked about.

    Raises
    ------
    StoreError
        If the user is unknown or belongs to no exemplar.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        profile = show_user(store, user_id)
        group = profile.exemplar
        if group is None:
            raise StoreError(
                f"user {user_id!r} belongs to no exemplar yet; run profiler build to choose them"
            )
        history = Histories(connection).items_as_json(user.user_ix)
        own = _items(connection, _ITEMS, {"history": history})
        theirs = _items(connection, _SHOWN, {"id": group.subject_id})
    return Comparison(
        user=profile.user,
        exemplar=ComparedExemplar(
            user_id=group.name.removeprefix("exemplar:"),
            is_user=group.name == f"exemplar:{user.user_id}",
            similarity=group.similarity,
            members=group.members,
            items=len(theirs),
        ),
        items=_compared(own, theirs),
        interests=InterestComparison(
            own=profile.own,
            shared=[one for one in group.interests if _touched(one)],
            exemplar_adds=[one for one in group.interests if not _touched(one)],
        ),
    )


def _items(
    connection: Connection, query: TextClause, values: dict[str, int | str]
) -> dict[int, Item]:
    rows = connection.execute(query, values)
    return {row.item_ix: Item(row.item_id, row.title) for row in rows}


def _compared(own: dict[int, Item], theirs: dict[int, Item]) -> ItemComparison:
    union = len(own.keys() | theirs.keys())
    return ItemComparison(
        shared=[item for ix, item in own.items() if ix in theirs],
        only_user=[item for ix, item in own.items() if ix not in theirs],
        exemplar_adds=[item for ix, item in theirs.items() if ix not in own],
        jaccard=round(len(own.keys() & theirs.keys()) / union, 4) if union else 0.0,
    )


def _touched(interest: Interest) -> bool:
    return any(item.touched for item in interest.evidence)
