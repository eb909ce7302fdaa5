"""Items by a part of their title, with how many users have each."""

from __future__ import annotations

from dataclasses import dataclass

from store.db.statements import statement
from store.db.transactions import Transactions
from store.views.shared.row import Row

_FIND = statement(
    "SELECT i.item_id, i.title, (SELECT count(DISTINCT user_ix) FROM interactions x "
    "WHERE x.item_ix = i.item_ix) AS users FROM items i WHERE i.title LIKE :pattern ESCAPE '\\' "
    "ORDER BY i.item_ix LIMIT :limit"
)


@dataclass(frozen=True)
class FoundItem(Row):
    """An item and the number of its users."""

    item_id: str
    title: str
    users: int


def find_items(store: Transactions, words: str, limit: int) -> list[FoundItem]:
    """Items whose title holds ``words`` as they are written, at most ``limit``."""
    pattern = f"%{escape_like(words.strip())}%"
    with store.read() as connection:
        rows = connection.execute(_FIND, {"pattern": pattern, "limit": limit}).mappings()
        return [FoundItem(**row) for row in rows]


def escape_like(words: str) -> str:
    """A text as a LIKE pattern finds it where a backslash is the escape character."""
    for character in "\\%_":
        words = words.replace(character, "\\" + character)
    return words
