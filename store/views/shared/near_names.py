"""Names in a store like one that is not in it: users by id, items by id or title, words."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from store.db.statements import statement
from store.suggestions import MANY, MOST, did_you_mean, near

_USER_IDS = statement("SELECT user_id FROM users WHERE NOT forgotten LIMIT :most")
_WORDS = statement(
    "SELECT label FROM interests JOIN subjects USING (subject_id) WHERE active LIMIT :most"
)
_ITEMS = statement("SELECT item_id, coalesce(title, '') FROM items LIMIT :most")


def like_words(connection: Connection, query: str) -> str:
    """Return ``; did you mean …?`` with words of stored interests like those of a query."""
    texts = connection.execute(_WORDS, {"most": MANY}).scalars()
    known = sorted({word.casefold() for text in texts for word in re.findall(r"\w{3,}", text)})
    words = re.findall(r"\w{3,}", query)
    found = [near(word, known)[:1] for word in words if word.casefold() not in known]
    told = " ".join(word for one in found for word in one)
    return f"; did you mean {told!r}?" if told else ""


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
