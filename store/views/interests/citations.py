"""What an answer may cite: which interests and items exist, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions
from store.views.shared.row import Row

_INTERESTS = statement(
    "SELECT interest_id FROM interests JOIN subjects USING (subject_id) "
    "WHERE active AND interest_id IN :ids",
    "ids",
)
_ITEMS = statement("SELECT item_id FROM items WHERE item_id IN :ids", "ids")
_LABELS = statement(
    "SELECT n.interest_id, n.label, n.source, s.name AS subject FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE n.interest_id IN :ids ORDER BY n.interest_id",
    "ids",
)
_TITLES = statement(
    "SELECT item_id, title FROM items WHERE item_id IN :ids ORDER BY item_ix", "ids"
)


@dataclass(frozen=True)
class CitedInterest(Row):
    """An interest by its number: its label, who made it, and whose it is."""

    interest_id: int
    label: str
    source: str
    subject: str


@dataclass(frozen=True)
class CitedItem(Row):
    """An item by its id."""

    item_id: str
    title: str | None


@dataclass(frozen=True)
class Cited(Row):
    """What the sentences of an answer cite, each once."""

    interests: list[CitedInterest]
    items: list[CitedItem]


def existing(
    store: Transactions, interests: Iterable[int], items: Iterable[str]
) -> tuple[set[int], set[str]]:
    """Which of these interests are in use, and which of these items the store has."""
    with store.read() as connection:
        return (
            set(connection.execute(_INTERESTS, {"ids": list(interests)}).scalars()),
            set(connection.execute(_ITEMS, {"ids": list(items)}).scalars()),
        )


def cited(store: Transactions, interests: Iterable[int], items: Iterable[str]) -> Cited:
    """Labels of these interests and titles of these items."""
    with store.read() as connection:
        labels = connection.execute(_LABELS, {"ids": list(interests)}).mappings()
        titles = connection.execute(_TITLES, {"ids": list(items)}).mappings()
        return Cited([CitedInterest(**row) for row in labels], [CitedItem(**row) for row in titles])
