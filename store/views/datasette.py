"""Metadata for Datasette: named queries over the store's views, so that it opens ready to use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from store.files import whole_file
from store.outputs import output_target

if TYPE_CHECKING:
    from store.store import Store

QUERIES = {
    "interests_of_user": (
        "Interests of a user",
        "SELECT through, subject, label, description, weight, strength, source, interest_id "
        "FROM user_interests WHERE user_id = :user ORDER BY through, weight DESC",
    ),
    "users_of_interest": (
        "Users an interest reaches",
        "SELECT u.user_id FROM users u WHERE u.user_ix IN (SELECT m.user_ix FROM memberships m "
        "JOIN interests n ON n.subject_id = m.subject_id WHERE n.interest_id = :interest UNION "
        "SELECT user_ix FROM assignments WHERE interest_id = :interest) ORDER BY u.user_ix",
    ),
    "evidence_of_interest": (
        "Items that prove an interest",
        "SELECT item_id, title, subject, source, response_id FROM interest_evidence "
        "WHERE interest_id = :interest ORDER BY position",
    ),
    "interests_of_item": (
        "Interests an item proves",
        "SELECT interest_id, label, subject, source FROM interest_evidence "
        "WHERE item_id = :item ORDER BY interest_id",
    ),
    "search_interests": (
        "Interests by words",
        "SELECT n.interest_id, n.label, n.description FROM interests_fts f "
        "JOIN interests n ON n.interest_id = f.rowid "
        "WHERE interests_fts MATCH escape_fts(:words) ORDER BY f.rank LIMIT 100",
    ),
    "history_of_user": (
        "History of a user, the most recent first",
        "SELECT i.item_id, i.title, datetime(x.timestamp, 'unixepoch') AS time, x.part "
        "FROM users u JOIN interactions x ON x.user_ix = u.user_ix "
        "JOIN items i ON i.item_ix = x.item_ix WHERE u.user_id = :user ORDER BY x.position DESC",
    ),
    "answer_behind_interest": (
        "The answer an interest was read from, and what was sent",
        "SELECT r.model, r.created_at, r.cost_usd, r.raw_text, p.messages FROM interests n "
        "JOIN responses r ON r.response_id = n.response_id "
        "LEFT JOIN prompts p ON p.digest = r.prompt_digest WHERE n.interest_id = :interest",
    ),
    "what_it_cost": ("Cost by run and model", "SELECT * FROM costs ORDER BY run_id"),
    "what_is_missing": ("Subjects without interests, and why", "SELECT * FROM unanswered"),
}


def metadata(store: Store) -> dict[str, object]:
    """Datasette metadata for this store; its database is called like the file."""
    queries = {name: {"title": title, "sql": sql} for name, (title, sql) in QUERIES.items()}
    return {
        "title": "Interest store",
        "description": "Interests inferred from interactions, with the items that prove them",
        "databases": {store.path.stem: {"queries": queries}},
    }


def write_metadata(store: Store, out: Path, *, overwrite: bool = False) -> dict[str, object]:
    """Write the metadata as JSON to ``out`` and return it.

    Raises
    ------
    UserError
        If the file exists and ``overwrite`` is false, or its folder does not exist.
    """
    target = output_target(out, overwrite=overwrite, reads=[store.path])
    document = metadata(store)
    with whole_file(target) as partial:
        partial.write_text(json.dumps(document, indent=2) + os.linesep, encoding="utf-8")
    return document
