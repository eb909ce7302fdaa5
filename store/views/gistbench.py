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

from store.data.dataset import item_text
from store.db.statements import statement
from store.views.shared.sentences import interest_sentence

if TYPE_CHECKING:
    from sqlalchemy import Connection

ENGAGEMENTS = ["user_id", "object_id", "object_text", "interaction_type", "interaction_time"]
INTERESTS = ["user_id", "name", "item_ids", "evidence_excerpt", "brief_rationale"]
SIGNAL = "implicit_positive"
"""A store keeps that somebody had an item, not how much they liked it."""

WORDS = 50

_HISTORIES = statement(
    "SELECT u.user_id, i.item_id, i.title, i.categories, x.timestamp, x.position "
    "FROM interactions x JOIN users u USING (user_ix) JOIN items i USING (item_ix) "
    "WHERE x.part < 2 AND NOT u.forgotten ORDER BY x.user_ix, x.position"
)
# An interest is a user's by their own items: those it was assigned for, and those that were shown
# where they were asked about themselves. Near-duplicates stand under one.
_PROOFS = statement(
    "SELECT p.user_ix, u.user_id, p.lead, n.label, n.description, i.item_id, i.title FROM ("
    "SELECT t.user_ix, coalesce(m.canonical_id, m.interest_id) AS lead, t.item_ix "
    "FROM assignment_items t JOIN interests m USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE s.active UNION "
    "SELECT s.user_ix, coalesce(m.canonical_id, m.interest_id), e.item_ix "
    "FROM subjects s JOIN interests m USING (subject_id) JOIN evidence e USING (interest_id) "
    "WHERE s.active AND s.user_ix IS NOT NULL) p "
    "JOIN users u ON u.user_ix = p.user_ix AND NOT u.forgotten "
    "JOIN interests n ON n.interest_id = p.lead JOIN items i ON i.item_ix = p.item_ix "
    "WHERE EXISTS (SELECT 1 FROM interactions x WHERE x.user_ix = p.user_ix "
    "AND x.item_ix = p.item_ix AND x.part < 2) ORDER BY p.user_ix, p.lead, i.item_id"
)


def engagements(connection: Connection) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows of :data:`ENGAGEMENTS`: what is known of each user, in time order.

    Held-out interactions stay out. The time is ISO 8601 in UTC; where none is known it is the
    place in the history with leading zeros, because GISTBench orders these texts.
    """
    for user, item, title, categories, second, place in connection.execute(_HISTORIES):
        text = item_text(title, json.loads(categories)) or item
        time = f"{place:09d}" if second is None else _iso(second)
        yield user, item, text, SIGNAL, time


def interests(connection: Connection) -> Iterator[dict[str, Any]]:
    """Rows of :data:`INTERESTS`: each interest of each user with the user's own items."""
    found: dict[str, Any] | None = None
    key: tuple[int, int] | None = None
    titles: list[str] = []
    for user_ix, user, lead, label, description, item, title in connection.execute(_PROOFS):
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
