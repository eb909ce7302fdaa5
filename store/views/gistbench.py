"""Histories and interests in the format of GISTBench, a benchmark of interests in words.

GISTBench (Meta, arXiv 2603.29112) reads engagements (``user_id, object_id, object_text,
interaction_type, interaction_time``) and, for each user, interests that cite items (``name,
item_ids, evidence_excerpt, brief_rationale``, at most 50 words in each of the last two).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from store.data.dataset import item_text
from store.data.splits import NO_TIME, Part
from store.db.statements import statement
from store.tables.histories.columns import Columns
from store.tables.histories.door import Histories
from store.views.shared.sentences import interest_sentence

if TYPE_CHECKING:
    from sqlalchemy import Connection

ENGAGEMENTS = ["user_id", "object_id", "object_text", "interaction_type", "interaction_time"]
INTERESTS = ["user_id", "name", "item_ids", "evidence_excerpt", "brief_rationale"]
SIGNAL = "implicit_positive"
"""A store keeps that somebody had an item, not how much they liked it."""

WORDS = 50

_USERS = statement("SELECT user_ix, user_id FROM users WHERE NOT forgotten")
_ITEMS = statement("SELECT item_ix, item_id, title, categories FROM items")
# An interest is a user's by their own items: those it was assigned for, and those that were shown
# where they were asked about themselves. Near-duplicates stand under one.
_PROOFS = statement(
    "SELECT p.user_ix, u.user_id, p.lead, n.label, n.description, p.item_ix, i.item_id, i.title "
    "FROM ("
    "SELECT t.user_ix, coalesce(m.canonical_id, m.interest_id) AS lead, t.item_ix "
    "FROM assignment_items t JOIN interests m USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE s.active UNION "
    "SELECT s.user_ix, coalesce(m.canonical_id, m.interest_id), e.item_ix "
    "FROM subjects s JOIN interests m USING (subject_id) JOIN evidence e USING (interest_id) "
    "WHERE s.active AND s.user_ix IS NOT NULL) p "
    "JOIN users u ON u.user_ix = p.user_ix AND NOT u.forgotten "
    "JOIN interests n ON n.interest_id = p.lead JOIN items i ON i.item_ix = p.item_ix "
    "ORDER BY p.user_ix, p.lead, i.item_id"
)


def engagements(connection: Connection) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows of :data:`ENGAGEMENTS`: what is known of each user, in time order.

    Held-out interactions stay out. The time is ISO 8601 in UTC; where none is known it is the
    place in the history with leading zeros, because GISTBench orders these texts.
    """
    users = {row[0]: row[1] for row in connection.execute(_USERS)}
    items = {
        row[0]: (row[1], item_text(row[2], json.loads(row[3])) or row[1])
        for row in connection.execute(_ITEMS)
    }
    known = _known(connection)
    rows = zip(known.users, known.items, known.timestamps, known.positions, strict=True)
    for user_ix, item_ix, second, place in rows:
        if user_ix in users:
            time = f"{place:09d}" if second == NO_TIME else _iso(int(second))
            yield users[user_ix], *items[item_ix], SIGNAL, time


def _known(connection: Connection) -> Columns:
    """Interactions that may describe a user."""
    columns = Histories(connection).all()
    return columns.rows(columns.parts < Part.VALID)


def interests(connection: Connection) -> Iterator[dict[str, Any]]:
    """Rows of :data:`INTERESTS`: each interest of each user with the user's own items."""
    found: dict[str, Any] | None = None
    key: tuple[int, int] | None = None
    titles: list[str] = []
    known = _known(connection)
    of_user, own = -1, set[int]()
    for user_ix, user, lead, label, description, item_ix, item, title in connection.execute(
        _PROOFS
    ):
        if of_user != user_ix:
            start, stop = np.searchsorted(known.users, [user_ix, user_ix + 1])
            of_user, own = user_ix, set(known.items[start:stop].tolist())
        if item_ix not in own:
            continue
        if key != (user_ix, lead):
            if found is not None:
                yield _finished(found, titles)
            key, titles = (user_ix, lead), []
            excerpt = _first_words(description or label)
            found = dict(zip(INTERESTS, (user, label, [], excerpt, ""), strict=True))
        if found is not None:
            found["item_ids"].append(item)
            titles.append(title or item)
    if found is not None:
        yield _finished(found, titles)


def _finished(row: dict[str, Any], titles: list[str]) -> dict[str, Any]:
    named = [_first_words(title, 15) for title in titles[:2]]
    return {**row, "brief_rationale": _first_words(interest_sentence(named, row["name"]))}


def _first_words(text: str, most: int = WORDS) -> str:
    words = text.split()
    return " ".join(words[:most])


def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()
