"""Items by a part of their title, with how many users have each."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import StoreError
from store.views.shared.descriptions import SaidAtLayer, said_of
from store.views.shared.near_names import like_item
from store.views.shared.row import Row

_FIND = statement(
    "SELECT i.item_id, i.title, coalesce(x.users, 0) AS users FROM items i "
    "LEFT JOIN item_users x USING (item_ix) WHERE i.title LIKE :pattern ESCAPE '\\' "
    "ORDER BY i.item_ix LIMIT :limit"
)


_CARD = statement(
    "SELECT c.card, c.next, c.source, c.response_id FROM cards c JOIN items i USING (item_ix) "
    "WHERE i.item_id = :item"
)
_SHOW = statement(
    "SELECT i.item_ix, i.item_id, i.title, i.categories, coalesce(x.users, 0) AS users, "
    "t.state, t.reason FROM items i LEFT JOIN item_users x USING (item_ix) "
    "LEFT JOIN task_subjects t ON t.item_ix = i.item_ix AND t.task = 'cards' "
    "WHERE i.item_id = :item"
)
_SHOWS = statement(
    "SELECT DISTINCT e.label FROM interest_evidence e WHERE e.item_id = :item ORDER BY e.label"
)


@dataclass(frozen=True)
class ItemCard(Row):
    """What the title of an item does not say.

    Attributes
    ----------
    card, next
        Some words on the item, and phrases on what is wanted next.
    source, response_id
        Who wrote it: ``offline``, a model's name or ``import:NAME``; from which answer.
    """

    card: str
    next: list[str]
    source: str
    response_id: int | None


@dataclass(frozen=True)
class ItemProfile(Row):
    """What the store says of an item.

    Attributes
    ----------
    users
        How many users have it.
    card
        None where it has none; ``state`` and ``reason`` say how asking for it ended.
    interests
        Labels of the interests it proves.
    descriptions
        What is said of it layer by layer.
    """

    item_id: str
    title: str | None
    categories: list[str]
    users: int
    card: ItemCard | None
    state: str
    reason: str | None
    interests: list[str]
    descriptions: list[SaidAtLayer]


@dataclass(frozen=True)
class FoundItem(Row):
    """An item and the number of its users."""

    item_id: str
    title: str
    users: int


def find_items(store: Transactions, words: str, limit: int) -> list[FoundItem]:
    """Items whose title holds ``words`` as they are written, at most ``limit``.

    Parameters
    ----------
    words
        Part of a title; of ASCII letters upper and lower case are the same.
    limit
        Most items.
    """
    pattern = f"%{escape_like(words.strip())}%"
    with store.read() as connection:
        rows = connection.execute(_FIND, {"pattern": pattern, "limit": limit}).mappings()
        return [FoundItem(**row) for row in rows]


def card_of(connection: Connection, item_id: str) -> ItemCard | None:
    """The card of an item, None where it has none."""
    row = connection.execute(_CARD, {"item": item_id}).first()
    if row is None:
        return None
    return ItemCard(row.card, list(json.loads(row.next)), row.source, row.response_id)


def show_item(store: Transactions, item_id: str) -> ItemProfile:
    """What the store says of an item.

    Raises
    ------
    StoreError
        There is no such item.
    """
    with store.read() as connection:
        row = connection.execute(_SHOW, {"item": item_id}).first()
        if row is None:
            near = like_item(connection, item_id) or "; the ids are those of the data"
            raise StoreError(f"no item {item_id!r} in {store.path}{near}")
        return ItemProfile(
            item_id=row.item_id,
            title=row.title,
            categories=list(json.loads(row.categories)),
            users=row.users,
            card=card_of(connection, item_id),
            state=row.state or "pending",
            reason=row.reason,
            interests=list(connection.execute(_SHOWS, {"item": item_id}).scalars()),
            descriptions=said_of(connection, "item", row.item_ix),
        )


def escape_like(words: str) -> str:
    """A text as a LIKE pattern finds it where a backslash is the escape character."""
    for character in "\\%_":
        words = words.replace(character, "\\" + character)
    return words
