"""Names in a store like one that is not in it: users by id, items by id or title."""

from __future__ import annotations

from sqlalchemy import Connection

from store.db.statements import statement
from store.suggestions import MANY, MOST, did_you_mean, near

_USER_IDS = statement("SELECT user_id FROM users WHERE NOT forgotten LIMIT :most")
_ITEMS = statement("SELECT item_id, coalesce(title, '') FROM items LIMIT :most")


def like_user(connection: Connection, user_id: str) -> str:
    """Return ``; did you mean 'U042'?`` with the users of the most similar ids, or nothing."""
    return did_you_mean(user_id, connection.execute(_USER_IDS, {"most": MANY + 1}).scalars())


def like_item(connection: Connection, item: str) -> str:
    """Return ``; did you mean …?`` with the items whose id or title is most similar, or nothing."""
    rows = [(row[0], row[1]) for row in connection.execute(_ITEMS, {"most": MANY + 1})]
    return similar_item(item, rows)


def similar_item(item: str, items: list[tuple[str, str]]) -> str:
    """Return ``; did you mean …?`` among items given by id and title.

    Parameters
    ----------
    item
        What was typed: an id, or words of a title.
    items
        All items; a title may be empty.
    """
    titles = dict(items)
    if told := did_you_mean(item, titles):
        return told
    ids: dict[str, str] = {}
    for item_id, title in items:
        if title:
            ids.setdefault(title, item_id)
    found = [f"{ids[title]!r} ({title})" for title in near(item, ids)[:MOST]]
    return f"; did you mean {' or '.join(found)}?" if found else ""
